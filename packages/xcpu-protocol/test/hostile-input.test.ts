import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as protocol from '../src/index.js';
import {
  LEGACY_USER_KEY,
  makeKey,
  makeRsaKey,
  openSshPrivateKey,
  SSH_KEYGEN_LINES,
} from './support.js';

/** A namespace program with every command and option. */
const NAMESPACE = `unshare # all of them
import -o ro -- n8!7 /mnt
cache -o ro session!term /opt
bind -r -o ro /usr /mnt/usr
bind -- -a '#b'
mkdir /tmp/a/b
tmpfs /tmp 'size=1m,mode=700'
umount /tmp
mount n8:/home /home nfs ro,vers=4
chroot /mnt
cd $HOME
`;

/** Every parser of foreign text, with a text that it takes. */
const PARSERS: readonly (readonly [
  name: string,
  parse: (text: string) => unknown,
  good: string,
])[] = [
  ['parseWords', protocol.parseWords, "a 'b c'"],
  ['parseAddress', protocol.parseAddress, 'tcp![fd00::2]!6668'],
  ['parseSignal', protocol.parseSignal, 'SIGRTMIN+2'],
  ['parseWaitStatus', protocol.parseWaitStatus, '768'],
  ['parseSessionId', protocol.parseSessionId, 'job7/3'],
  ['parseSessionCommand', protocol.parseSessionCommand, 'connect n8!7/3/fs'],
  ['parseNodeCommand', protocol.parseNodeCommand, `user-add a 1 g '${LEGACY_USER_KEY}'`],
  ['parseEnvironment', protocol.parseEnvironment, "A=b\n'C=d e'\n"],
  ['parseArgv', protocol.parseArgv, "sh -c 'exit 3'"],
  ['parseNamespace', (text) => protocol.parseNamespace(text), NAMESPACE],
  [
    'checkNamespace',
    (text) => protocol.checkNamespace(protocol.parseNamespace(text), { mountTypes: ['nfs'] }),
    NAMESPACE,
  ],
  ['parseProcessList', protocol.parseProcessList, '(pid (cmdline) tty ) \n(5 (a) ?? ) \n'],
  ['parseUserEntries', protocol.parseUserEntries, 'root:0:500:a,b\n'],
  ['parseGroupEntries', protocol.parseGroupEntries, 'xgrp:500\n'],
  ['parseKeyEntries', protocol.parseKeyEntries, `a:SHA256:${'A'.repeat(43)}\n`],
  ['parseNodeStatuses', protocol.parseNodeStatuses, 'n1\t10.0.0.1\t/Linux/x86_64\tup\t0\n'],
  [
    'parseNodeDetails',
    protocol.parseNodeDetails,
    'name\taddr\tstate\tarch\tjobs\tload\nn1\t10.0.0.1\tup\t/Linux/x86_64\t0\t0.5 1 2\n',
  ],
  ['parseNodeLoad', protocol.parseNodeLoad, 'load1 0.5\ncpus 4\n'],
  ['parseNodeState', protocol.parseNodeState, 'draining'],
  ['parseStatfsConfig', protocol.parseStatfsConfig, 'n1=10.0.0.1!7 # one\n'],
  ['parseArch', protocol.parseArch, '/Linux/x86_64'],
  ['parsePublicKey', protocol.parsePublicKey, LEGACY_USER_KEY],
  ['parsePublicKey (Ed25519)', protocol.parsePublicKey, SSH_KEYGEN_LINES[0]],
  ['parsePublicKey (ECDSA)', protocol.parsePublicKey, SSH_KEYGEN_LINES[1]],
  ['parsePasskey', protocol.parsePasskey, '00112233445566778899aabbccddeeff'],
];

/** The good text with some of its characters exchanged, dropped or doubled, and any text at all. */
function mutationsOf(good: string): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(good.length),
    drop: fc.nat(3),
    insert: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom("'", '\0', '\n', ' ', '/', '-r ', '-o ro ', '-- ', '#', '$', ','),
    ),
  });
  const edited = fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) =>
      edits.reduce(
        (text, { at, drop, insert }) => text.slice(0, at) + insert + text.slice(at + drop),
        good,
      ),
    );
  return fc.oneof(edited, fc.string({ unit: 'binary', maxLength: 50 }));
}

describe('hostile input', () => {
  it.each(PARSERS)('%s throws nothing but XcpuFormatError', (_, parse, good) => {
    expect(() => parse(good)).not.toThrow();
    fc.assert(
      fc.property(mutationsOf(good), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(protocol.XcpuFormatError);
          expect((error as Error).message.length).toBeLessThan(2000);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('parsePrivateKey rejects with nothing but XcpuFormatError', async () => {
    const key = makeRsaKey();
    const others = protocol.KEY_TYPES.slice(1).map(makeKey);
    const good = fc.constantFrom(
      openSshPrivateKey(key),
      key.export({ type: 'pkcs1', format: 'pem' }) as string,
      ...others.map((other) => openSshPrivateKey(other)),
      ...others.map((other) => other.export({ type: 'pkcs8', format: 'pem' }) as string),
    );
    await fc.assert(
      fc.asyncProperty(good.chain(mutationsOf), async (text) => {
        const error = await protocol.parsePrivateKey(text).catch((reason: unknown) => reason);
        if (error instanceof Error) {
          expect(error).toBeInstanceOf(protocol.XcpuFormatError);
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each(PARSERS)(
    '%s reads long texts in a time that grows with their length',
    (_, parse, good) => {
      const steps = ["'", ' ', '\n', '/', '!', ':', '(', ')', 'a', '\0', '=', good];
      for (const unit of steps) {
        const text = unit.repeat(Math.ceil(200_000 / unit.length));
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(protocol.XcpuFormatError);
        }
      }
    },
  );
});
