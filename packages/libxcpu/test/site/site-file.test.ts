import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint } from '@xcpu/xcpu-protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { SetupError } from '../../src/index.js';
import { readSiteFile } from '../../src/site/site-file.js';
import { parseSiteGroups } from '../../src/site/site-groups.js';
import { parseSiteUsers } from '../../src/site/site-users.js';
import { aliceKey, otherKey } from '../support.js';

const directory = mkdtempSync(join(tmpdir(), 'xcpu-site-'));
afterAll(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, 'keys'));
writeFileSync(join(directory, 'keys/alice.pub'), `${aliceKey.publicKey.line}\n`);
writeFileSync(join(directory, 'keys/with blank.pub'), `${otherKey.publicKey.line}\n`);

const file = (text: string) => ({ name: 'site.txt', directory, text });
const inline = otherKey.publicKey.line.split(' ').slice(0, 2).join(' ');

describe('a file of users', () => {
  it('has them in words, with their keys or files that have them', () => {
    const text = `# all of us\r
alice 5000 staff,video,staff   keys/alice.pub\r

  bob:5001:staff:${inline} bob's key # at work: one
cyd\t0 : video : ${directory}/keys/with blank.pub
`;
    expect(parseSiteUsers(file(text))).toMatchObject([
      {
        ...{ name: 'alice', number: 5000, group: 'staff', groups: ['video'], line: 2 },
        fingerprint: fingerprint(aliceKey.publicKey),
      },
      {
        ...{ name: 'bob', number: 5001, group: 'staff', groups: [], line: 4 },
        key: { comment: "bob's key # at work: one" },
      },
      {
        ...{ name: 'cyd', number: 0, group: 'video', groups: [], line: 5 },
        fingerprint: fingerprint(otherKey.publicKey),
      },
    ]);
  });

  it('is refused with every line at fault', () => {
    const text = `alice 5000 staff keys/alice.pub
alice 5001 staff keys/alice.pub
bob 5000 staff keys/alice.pub
bob 5002 staff
bob:x:5002:100:Bob:/home/bob:/bin/sh
bob 4294967295 staff keys/alice.pub
bob 5002 sta,,ff keys/alice.pub
b/b 5002 staff keys/alice.pub
nobody 5002 staff keys/alice.pub
xcpu-admin 5002 staff keys/alice.pub
bob 5002 staff keys/none.pub
bob 5002 staff keys
bob 5002 staff /dev/zero
bob 5002 staff ~alice/.ssh/id_rsa.pub
bob 5002 staff ssh-dss AAAA bob
bob 5002 staff ssh-rsa AAAA bob
`;
    const faults = faultsOf(() => parseSiteUsers(file(text)));
    expect(faults).toHaveLength(15);
    expect(faults).toEqual([
      'site.txt:2: alice is in line 1 already',
      'site.txt:3: bob: the number 5000 is that of alice in line 1',
      'site.txt:4: expected NAME UID GROUP[,GROUP...] KEY',
      'site.txt:5: UID x: a number is wanted; expected NAME UID GROUP[,GROUP...] KEY',
      expect.stringMatching(/^site\.txt:6: UID 4294967295: a number/),
      expect.stringMatching(/^site\.txt:7: invalid group name ""/),
      expect.stringMatching(/^site\.txt:8: invalid user name "b\/b"/),
      "site.txt:9: nobody is the nodes' own: leave the line out",
      "site.txt:10: xcpu-admin is the nodes' own: leave the line out",
      `site.txt:11: cannot read the key file ${directory}/keys/none.pub: no such file or directory`,
      `site.txt:12: ${directory}/keys is no key file`,
      'site.txt:13: /dev/zero is no key file',
      'site.txt:14: ~alice/.ssh/id_rsa.pub: only ~/ is understood: write the path',
      expect.stringMatching(/^site\.txt:15: invalid key type: wanted is one of type ssh-rsa,/),
      expect.stringMatching(/^site\.txt:16: invalid key: /),
    ]);
  });

  it('does not drown its author in faults', () => {
    const faults = faultsOf(() => parseSiteUsers(file('x\n'.repeat(1000))));
    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toBe('and 900 more');
  });
});

describe('a file of groups', () => {
  it('has them in words, as nodes show them, or as in group(5)', () => {
    const text = `# ours
staff 5000
video:5001
audio:x:5002:alice,bob
empty:!:5003:
xcpu-admin:x:7:
`;
    expect(parseSiteGroups(file(text))).toEqual([
      { name: 'staff', number: 5000, line: 2 },
      { name: 'video', number: 5001, line: 3 },
      { name: 'audio', number: 5002, line: 4 },
      { name: 'empty', number: 5003, line: 5 },
    ]);
  });

  it('is refused with every line at fault', () => {
    const text = 'staff 5000\nstaff 5001\nvideo 5000\naudio\naudio many\naudio 5002 alice\n/ 5\n';
    expect(faultsOf(() => parseSiteGroups(file(text)))).toEqual([
      'site.txt:2: staff is in line 1 already',
      'site.txt:3: video: the number 5000 is that of staff in line 1',
      'site.txt:4: expected NAME GID',
      'site.txt:5: GID many: a number is wanted; expected NAME GID',
      'site.txt:6: GID 5002 alice: a number is wanted; expected NAME GID',
      expect.stringMatching(/^site\.txt:7: invalid group name "\/"/),
    ]);
  });
});

describe('reading such a file', () => {
  it('says what is wrong with one that is none', async () => {
    writeFileSync(join(directory, 'latin1'), Buffer.from('b\xf6b 1 g k\n', 'latin1'));
    writeFileSync(join(directory, 'good'), 'text\n');
    expect(await readSiteFile(join(directory, 'good'))).toEqual({
      ...{ name: 'good', directory, text: 'text\n' },
    });
    const reason = (path: string) => readSiteFile(join(directory, path)).catch(String);
    expect(await reason('none')).toContain(`cannot read ${directory}/none: no such file`);
    expect(await reason('keys')).toContain(`cannot read ${directory}/keys: illegal operation`);
    expect(await reason('latin1')).toContain('latin1: not a text in UTF-8');
  });
});

function faultsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(SetupError);
    return (error as Error).message.split('\n');
  }
  return [];
}

it('keeps what a file holds from driving the terminal that its faults are shown on', () => {
  const text = 'alice \x1b[2J staff ~\u202eb/key\nbob \x9b5 staff\n\x1b[2J 5 staff key\n';
  const parse = () => parseSiteUsers({ name: 'users', directory: '.', text });
  expect(parse).toThrow(/users:1: UID \?\[2J/);
  expect(parse).not.toThrow(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
});
