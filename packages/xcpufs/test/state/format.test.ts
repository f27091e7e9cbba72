import { createHash } from 'node:crypto';
import { XcpuFormatError } from '@xcpu/xcpu-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatState,
  LaterFormatError,
  type NodeState,
  parseState,
} from '../../src/state/format.js';
import { testKey } from '../support.js';

const EMPTY: NodeState = { commands: [], accesses: [], texts: [] };
const FULL: NodeState = {
  commands: [
    { command: 'group-add', group: 'staff', gid: 5000 },
    { command: 'group-add', group: 'gäste', gid: 0 },
    { command: 'user-add', user: 'ann', uid: 1, group: 'staff', key: testKey('ann').publicKey },
    { command: 'user-add-group', user: 'ann', group: 'gäste' },
    { command: 'user-add-group', user: 'xcpu-admin', group: 'staff' },
  ],
  accesses: [
    { name: 'clone', mode: 0o440, uid: 'ann', nUid: 1, gid: 'staff', nGid: 5000 },
    { name: 'state', mode: 0, uid: 'xcpu-admin', gid: 'staff' },
  ],
  texts: [
    ['env', Buffer.from("A=1\n'B=two\nlines'\nsha256 0\n")],
    ['ns', Buffer.alloc(0)],
    ['state', Buffer.from([0xff, 0, 0x0a])],
  ],
};
const BYTES = formatState(FULL);

/** A file with a right checksum around any lines. */
function sealed(body: string): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  return Buffer.from(`${body}sha256 ${digest}\n`);
}

/** The keys are compared by their lines. */
function comparable({ commands, ...rest }: NodeState) {
  return {
    ...rest,
    commands: commands.map((each) => ('key' in each ? { ...each, key: each.key.line } : each)),
  };
}

describe('a saved state', () => {
  it.each([
    ['empty', EMPTY],
    ['full', FULL],
  ])('gives back what was saved: %s', (_, state) => {
    expect(comparable(parseState(formatState(state)))).toEqual(comparable(state));
  });

  it('is a text that people can read', () => {
    const key = testKey('ann').publicKey.line;
    const lines = BYTES.toString('latin1').split('\n');
    expect(lines.slice(0, 2)).toEqual(['xcpufs state 1', 'group-add staff 5000']);
    expect(lines).toContain(`user-add ann 1 staff '${key}'`);
    expect(lines).toContain('file clone 0440 ann 1 staff 5000');
    expect(lines).toContain('text ns 0');
    expect(lines.at(-2)).toMatch(/^sha256 [0-9a-f]{64}$/);
  });

  it('gives back any text', () => {
    const text = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(text, text, (env, ns) => {
        const state: NodeState = {
          ...FULL,
          texts: [
            ['env', env],
            ['ns', ns],
          ],
        };
        expect(comparable(parseState(formatState(state)))).toEqual(comparable(state));
      }),
    );
  });
});

describe('what is damaged', () => {
  const refusal = (bytes: Buffer) => {
    try {
      parseState(bytes);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('is refused wherever it is cut', () => {
    for (let length = 0; length < BYTES.length; length++) {
      expect(refusal(BYTES.subarray(0, length))).toBeInstanceOf(XcpuFormatError);
    }
    expect(refusal(Buffer.alloc(0))).toEqual(new XcpuFormatError('empty'));
    expect(refusal(BYTES.subarray(0, 500))).toEqual(
      new XcpuFormatError('cut short: no checksum at its end'),
    );
  });

  it('is refused whichever bit of it flips', () => {
    for (let at = 0; at < BYTES.length; at++) {
      const flipped = Buffer.from(BYTES);
      flipped[at]! ^= 1 << (at % 8);
      expect(refusal(flipped)).toBeInstanceOf(XcpuFormatError);
    }
  });

  it('is refused with anything behind it, or twice', () => {
    expect(refusal(Buffer.concat([BYTES, Buffer.from('\n')]))).toBeInstanceOf(XcpuFormatError);
    expect(refusal(Buffer.concat([BYTES, BYTES]))).toBeInstanceOf(XcpuFormatError);
  });

  it.each([
    ['nothing', ''],
    ['another title', 'xcpu state 1\n'],
    ['a command that makes no user or group', 'xcpufs state 1\nuser-del ann\n'],
    ['an unknown line', 'xcpufs state 1\nnonsense\n'],
    ['a damaged key', "xcpufs state 1\nuser-add a 1 g 'ssh-ed25519 AAAA'\n"],
    ['a line that does not end', 'xcpufs state 1\ngroup-add staff 1'],
    ['a quote that does not end', "xcpufs state 1\ngroup-add 'staff 1\n"],
    ['a file without an owner', 'xcpufs state 1\nfile clone 0444 ann 1\n'],
    ['a file without permissions', 'xcpufs state 1\nfile clone rwx ann 1 staff 1\n'],
    ['a file of nobody', 'xcpufs state 1\nfile clone 0444 ann x staff 1\n'],
    ['another text', 'xcpufs state 1\ntext motd 0\n\n'],
    ['a text that is longer than the file', 'xcpufs state 1\ntext env 5\nA=1\n'],
    ['a text that is shorter', 'xcpufs state 1\ntext env 1\nA=1\n'],
    ['a text that is too long', 'xcpufs state 1\ntext env 9999999\nA=1\n'],
    ['a length that is none', 'xcpufs state 1\ntext env -1\nA=1\n'],
  ])('is refused though its checksum is right: %s', (_, body) => {
    expect(refusal(sealed(body))).toBeInstanceOf(XcpuFormatError);
  });

  it('is not taken for what a later version wrote', () => {
    expect(refusal(sealed('xcpufs state 2\nanything\n'))).toBeInstanceOf(LaterFormatError);
    expect(refusal(Buffer.from('xcpufs state 2\nanything\n'))).toBeInstanceOf(XcpuFormatError);
  });
});
