import type { OpenFile, Request } from '@xcpu/9p-protocol/server';
import { describe, expect, it } from 'vitest';
import type { Sessions } from '../../src/session/sessions.js';
import type { Caller } from '../../src/tree/caller.js';
import type { NodeFile } from '../../src/tree/node-file.js';
import { RootDirectory } from '../../src/tree/root-directory.js';
import { Passkeys } from '../../src/users/passkeys.js';
import { addUser, callerOf, makeTable, request, textOf } from '../support.js';

describe('the root', () => {
  it('takes a state that fits on a line of statfs, and says why it takes no other', async () => {
    const { find, admin } = setUp();
    const opened = find('state').open(2, admin) as OpenFile<Caller>;
    opened.write!(0, Buffer.from('up\n'), admin);
    expect(await textOf(opened.read!(0, 100, admin))).toBe('up');
    for (const text of ['a\tb', 'x'.repeat(100)]) {
      expect(() => opened.write!(0, Buffer.from(text), admin)).toThrow(
        expect.objectContaining({ ename: expect.stringContaining('invalid state'), errno: 5 }),
      );
    }
    expect(await textOf(opened.read!(0, 100, admin))).toBe('up');
  });

  it.each(['clone', 'ctl', 'arch', 'env', 'ns', 'procs', 'state', 'passkey', 'pwent', 'grent'])(
    'lets the administrator give %s to another user, group and mode, and nobody else',
    (name) => {
      const { find, admin, ann } = setUp();
      const file = find(name);
      expect(() => file.wstat({ mode: 0o777 }, ann)).toThrow('permission denied');
      file.wstat({ uid: 'ann', nGid: 1, mode: 0o4600 }, admin);
      expect(file.stat(admin)).toMatchObject({ uid: 'ann', nUid: 1, gid: 'anns', mode: 0o600 });
      expect(() => file.wstat({ uid: 'stranger' }, admin)).toThrow('unknown user');
      expect(() => file.wstat({ gid: 'strangers' }, admin)).toThrow('permission denied');
      expect(() => file.wstat({ name: 'other' }, admin)).toThrow('permission denied');
      expect(() => file.wstat({ uid: 'bob', name: 'other' }, admin)).toThrow('permission denied');
      expect(file.stat(admin).uid).toBe('ann');
    },
  );
});

function setUp() {
  const users = makeTable();
  const ann = addUser(users, 'ann', 1);
  addUser(users, 'bob', 2);
  const root = new RootDirectory({
    users,
    passkeys: new Passkeys(),
    sessions: { get: () => undefined } as unknown as Sessions,
    defaults: { env: Buffer.alloc(0), ns: Buffer.alloc(0) },
    arch: '/Linux/x86_64',
    processes: async () => '',
  });
  const admin = request(callerOf(users, users.admin)) as Request<Caller>;
  const find = (name: string) => root.find(name, admin) as NodeFile;
  return { find, admin, ann: request(callerOf(users, ann)) as Request<Caller> };
}
