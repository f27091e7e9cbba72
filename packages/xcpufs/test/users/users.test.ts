import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UserTable } from '../../src/users/users.js';
import { addUser, makeTable, testKey } from '../support.js';

const key = testKey('user').publicKey;

describe('the table of users', () => {
  it('refuses what is there already or missing, in the words of the protocol', () => {
    const table = makeTable();
    table.addGroup('crew', 100);
    table.addUser({ name: 'ann', uid: 1, group: 'crew', key });
    const cases: [() => unknown, string][] = [
      [() => table.addUser({ name: 'ann', uid: 2, group: 'crew', key }), 'ann:user exists'],
      [() => table.addUser({ name: 'bob', uid: 1, group: 'crew', key }), '1:user exists'],
      [() => table.addUser({ name: 'bob', uid: 2, group: 'none', key }), 'none:group not found'],
      [() => table.addUser({ name: 'nobody', uid: 2, group: 'crew', key }), 'nobody:user exists'],
      [() => table.addUser({ name: 'bob', uid: 9999, group: 'crew', key }), '9999:user exists'],
      [() => table.addGroup('crew', 101), 'crew:group exists'],
      [() => table.addGroup('band', 100), '100:group exists'],
      [() => table.deleteGroup('crew'), 'crew:group not empty'],
      [() => table.deleteGroup('band'), 'band: no such group in userpool'],
      [() => table.deleteUser('bob'), 'bob: no such user in userpool'],
      [() => table.deleteUser('nobody'), 'nobody: no such user in userpool'],
      [() => table.deleteUser('xcpu-admin'), 'xcpu-admin: the administrator cannot be deleted'],
      [() => table.deleteGroup('xcpu-admin'), 'xcpu-admin:group not empty'],
      [() => table.addToGroup('bob', 'crew'), 'bob: no such user in userpool'],
      [() => table.addToGroup('ann', 'band'), 'band: no such group in userpool'],
      [() => table.addToGroup('nobody', 'crew'), 'nobody: no such user in userpool'],
      [
        () => table.removeFromGroup('ann', 'xcpu-admin'),
        'user ann not a member of group xcpu-admin',
      ],
      [() => table.removeFromGroup('ann', 'crew'), 'crew is the default group of user ann'],
    ];
    for (const [act, text] of cases) {
      expect(act, text).toThrow(expect.objectContaining({ ename: text, errno: 5 }));
    }
  });

  it('gives users other keys, and leaves those of the administrator and of strangers', () => {
    const table = makeTable();
    const ann = addUser(table, 'ann', 1);
    const { version } = table;
    const other = testKey('other').publicKey;
    table.setKey('ann', other);
    expect(table.byName('ann')).toBe(ann);
    expect(ann).toMatchObject({ key: other, deleted: false });
    expect(table.version).not.toBe(version);
    expect(() => table.setKey('bob', other)).toThrow('bob: no such user in userpool');
    expect(() => table.setKey('nobody', other)).toThrow('nobody: no such user in userpool');
    expect(() => table.setKey('xcpu-admin', other)).toThrow('xcpu-admin: the administrator');
    expect(table.admin.key).not.toBe(other);
  });

  it('makes members of its group administrators, until they are deleted', () => {
    const table = makeTable();
    const ann = addUser(table, 'ann', 1);
    expect(table.administers(table.admin)).toBe(true);
    expect(table.administers(ann)).toBe(false);
    table.addToGroup('ann', 'xcpu-admin');
    expect(table.administers(ann)).toBe(true);
    table.deleteUser('ann');
    expect(table.administers(ann)).toBe(false);
    expect(ann.deleted).toBe(true);
  });

  it('keeps the administrator and nobody when users are flushed, and groups with them', () => {
    const table = makeTable();
    const ann = addUser(table, 'ann', 1);
    table.addToGroup('xcpu-admin', 'anns');
    table.flushUsers();
    expect(ann.deleted).toBe(true);
    expect(table.userEntries().map(({ name }) => name)).toEqual(['nobody', 'xcpu-admin']);
    expect(table.groupByName('anns')).toBeDefined();
    addUser(table, 'bob', 2);
    table.flushGroups();
    expect(table.groupEntries()).toEqual([{ name: 'xcpu-admin', gid: 65_530 }]);
    expect(table.userEntries()[1]?.groups).toEqual(['xcpu-admin']);
    expect(table.byUid(2)).toBeUndefined();
  });

  it('does not take a user who was added again for the one who was deleted', () => {
    const table = makeTable();
    const before = addUser(table, 'ann', 1);
    table.deleteUser('ann');
    table.deleteGroup('anns');
    const after = addUser(table, 'ann', 1);
    expect(after).not.toBe(before);
    expect([before.deleted, after.deleted]).toEqual([true, false]);
  });

  it('agrees with a naive one after any number of commands', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const number = fc.integer({ min: 1, max: 3 });
    const command = fc.oneof(
      fc.tuple(fc.constant('addUser' as const), name, number, name),
      fc.tuple(fc.constant('addGroup' as const), name, number),
      fc.tuple(fc.constantFrom('deleteUser' as const, 'deleteGroup' as const), name),
      fc.tuple(fc.constantFrom('addToGroup' as const, 'removeFromGroup' as const), name, name),
      fc.tuple(fc.constantFrom('flushUsers' as const, 'flushGroups' as const)),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const table = makeTable();
        const naive = new NaiveTable();
        for (const [verb, ...words] of commands) {
          expect(apply(table, verb, words)).toBe(naive.apply(verb, words.map(String)));
          const shown = table.userEntries().filter(({ uid }) => uid < 10);
          const users = shown.map(({ name, uid, groups }) => `${name}:${uid}:${groups.join()}`);
          expect(users.sort()).toEqual(naive.users.map(show).sort());
          const groups = table.groupEntries().map(({ name, gid }) => `${name}:${gid}`);
          expect(groups.filter((group) => !group.startsWith('xcpu')).sort()).toEqual(
            naive.groups.map(({ name, gid }) => `${name}:${gid}`).sort(),
          );
        }
      }),
    );
  });
});

type Verb =
  | 'addUser'
  | 'addGroup'
  | 'deleteUser'
  | 'deleteGroup'
  | 'addToGroup'
  | 'removeFromGroup'
  | 'flushUsers'
  | 'flushGroups';

/** Does it, and answers the error's text or an empty one. */
function apply(table: UserTable, verb: Verb, words: readonly (string | number)[]): string {
  const [first, second, third] = words;
  try {
    if (verb === 'addUser') {
      table.addUser({ name: String(first), uid: Number(second), group: String(third), key });
    } else if (verb === 'addGroup') table.addGroup(String(first), Number(second));
    else if (verb === 'addToGroup' || verb === 'removeFromGroup') {
      table[verb](String(first), String(second));
    } else if (verb === 'flushUsers' || verb === 'flushGroups') table[verb]();
    else table[verb](String(first));
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

interface NaiveUser {
  name: string;
  uid: string;
  groups: string[];
}

const show = ({ name, uid, groups }: NaiveUser) => `${name}:${uid}:${groups.join()}`;

/** The same in lists that are searched from one end to the other; a user's first group is his default one. */
class NaiveTable {
  users: NaiveUser[] = [];
  groups: { name: string; gid: string }[] = [];

  apply(verb: Verb, [first = '', second = '', third = '']: string[]): string {
    const user = this.users.find(({ name }) => name === first);
    const group = this.groups.find(({ name }) => name === first);
    const other = this.groups.find(({ name }) => name === second);
    switch (verb) {
      case 'addUser':
        if (user) return `${first}:user exists`;
        if (this.users.some(({ uid }) => uid === second)) return `${second}:user exists`;
        if (!this.groups.some(({ name }) => name === third)) return `${third}:group not found`;
        this.users.push({ name: first, uid: second, groups: [third] });
        return '';
      case 'addGroup':
        if (group) return `${first}:group exists`;
        if (this.groups.some(({ gid }) => gid === second)) return `${second}:group exists`;
        this.groups.push({ name: first, gid: second });
        return '';
      case 'deleteUser':
        if (!user) return `${first}: no such user in userpool`;
        this.users = this.users.filter((one) => one !== user);
        return '';
      case 'deleteGroup':
        if (!group) return `${first}: no such group in userpool`;
        if (this.users.some(({ groups }) => groups.includes(first)))
          return `${first}:group not empty`;
        this.groups = this.groups.filter((one) => one !== group);
        return '';
      case 'addToGroup':
      case 'removeFromGroup': {
        if (!user) return `${first}: no such user in userpool`;
        if (!other) return `${second}: no such group in userpool`;
        const member = user.groups.includes(second);
        if (verb === 'addToGroup') {
          if (!member) user.groups.push(second);
          return '';
        }
        if (!member) return `user ${first} not a member of group ${second}`;
        if (user.groups[0] === second) return `${second} is the default group of user ${first}`;
        user.groups = user.groups.filter((name) => name !== second);
        return '';
      }
      case 'flushUsers':
        this.users = [];
        return '';
      case 'flushGroups':
        this.users = [];
        this.groups = [];
        return '';
    }
  }
}
