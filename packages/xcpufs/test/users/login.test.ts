import { passkeyProof, signChallenge } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import { Logins } from '../../src/users/login.js';
import { Passkeys } from '../../src/users/passkeys.js';
import { UserTable } from '../../src/users/users.js';
import { addUser, makeTable, testKey } from '../support.js';

const as = (uname: string, nUname?: number) => ({ uname, aname: '', nUname });

describe('logging in', () => {
  it('takes a signature of the user or of the administrator, and of nobody else', () => {
    const { logins, ann } = setUp();
    expect(attempt(logins, 'ann')).toBe(ann);
    expect(attempt(logins, 'admin')).toBe(ann);
    expect(() => attempt(logins, 'bob')).toThrow('authentication failed');
  });

  it('takes a passkey once, then attaches go on with what was proven', () => {
    const { logins, ann, passkeys } = setUp();
    const passkey = passkeys.issue(ann);
    const file = logins.challenge(as('ann'));
    file.write(0, passkeyProof(file.challenge, passkey));
    expect(logins.check(as('ann'), file)).toBe(ann);
    expect(logins.check(as('ann'), file)).toBe(ann);
    const again = logins.challenge(as('ann'));
    again.write(0, passkeyProof(again.challenge, passkey));
    expect(() => logins.check(as('ann'), again)).toThrow('authentication failed');
  });

  it('lets the last proof written count, until one was good', () => {
    const { logins, ann } = setUp();
    const file = logins.challenge(as('ann'));
    file.write(0, Buffer.alloc(256));
    expect(() => logins.check(as('ann'), file)).toThrow('authentication failed');
    file.write(0, signChallenge(file.challenge, testKey('ann')));
    expect(logins.check(as('ann'), file)).toBe(ann);
    file.write(0, Buffer.alloc(256));
    expect(logins.check(as('ann'), file)).toBe(ann);
  });

  it('takes no proof of one user for another, nor for one who was added anew', () => {
    const { logins, table } = setUp();
    const file = logins.challenge(as('ann'));
    file.write(0, signChallenge(file.challenge, testKey('admin')));
    logins.check(as('ann'), file);
    expect(() => logins.check(as('bob'), file)).toThrow('authentication failed');
    table.deleteUser('ann');
    expect(() => logins.check(as('ann'), file)).toThrow('unknown user');
    table.deleteGroup('anns');
    addUser(table, 'ann', 1);
    expect(() => logins.check(as('ann'), file)).toThrow('authentication failed');
  });

  it('lets the number win over the name', () => {
    const { logins, ann } = setUp();
    expect(logins.challenge(as('nonsense', 1)).user).toBe(ann);
    expect(() => logins.challenge(as('ann', 77))).toThrow('unknown user');
  });

  it('knows nobody without a key', () => {
    const { logins } = setUp();
    for (const name of ['nobody', 'stranger', '']) {
      expect(() => logins.challenge(as(name))).toThrow('unknown user');
      expect(() => logins.check(as(name), undefined)).toThrow('unknown user');
    }
    expect(() => logins.check(as('ann'), undefined)).toThrow('authentication failed');
  });

  it('lets no administrator in where there is no admin key', () => {
    const table = new UserTable({ uid: 1, gid: 1, key: undefined });
    const logins = new Logins(table, new Passkeys());
    const file = logins.challenge(as('xcpu-admin'));
    file.write(0, signChallenge(file.challenge, testKey('admin')));
    expect(() => logins.check(as('xcpu-admin'), file)).toThrow('authentication failed');
  });

  it('reads as 16 bytes that are never the same, and as nothing behind them', () => {
    const { logins } = setUp();
    const [one, two] = [logins.challenge(as('ann')), logins.challenge(as('ann'))];
    expect(one.read(0, 100)).toHaveLength(16);
    expect(one.read(16, 100)).toHaveLength(0);
    expect(one.read(0, 100)).not.toEqual(two.read(0, 100));
    expect(() => one.write(0, Buffer.alloc(4_000))).toThrow('authentication failed');
  });
});

function setUp() {
  const table = makeTable();
  const ann = addUser(table, 'ann', 1);
  addUser(table, 'bob', 2);
  const passkeys = new Passkeys();
  return { table, ann, passkeys, logins: new Logins(table, passkeys) };
}

function attempt(logins: Logins, signer: string) {
  const file = logins.challenge(as('ann'));
  file.write(0, signChallenge(file.challenge, testKey(signer)));
  return logins.check(as('ann'), file);
}
