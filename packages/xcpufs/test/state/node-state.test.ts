import { describe, expect, it } from 'vitest';
import { formatState, parseState } from '../../src/state/format.js';
import { restore, stateOf } from '../../src/state/node-state.js';
import { NodeSettings } from '../../src/state/settings.js';
import type { UserTable } from '../../src/users/users.js';
import { addUser, makeTable, testKey } from '../support.js';

/** What is left of tables when they are saved and loaded. */
function reloaded(users: UserTable, settings: NodeSettings) {
  const state = parseState(formatState(stateOf(users, settings)));
  const again = { users: makeTable(), settings: new NodeSettings('LANG=other\n') };
  restore(state, again.users, again.settings);
  return again;
}

function shown(users: UserTable) {
  return {
    users: users
      .userEntries()
      .map((user) => ({ ...user, key: users.byName(user.name)?.key?.line })),
    groups: users.groupEntries(),
  };
}

describe('users and groups', () => {
  it('are the same again, in the same order', () => {
    const users = makeTable();
    for (const [index, name] of ['zoe', 'ann', 'bob'].entries()) addUser(users, name, index);
    users.addGroup('crew', 77);
    users.addToGroup('ann', 'zoes');
    users.addToGroup('ann', 'crew');
    users.addToGroup('bob', 'xcpu-admin');
    users.addToGroup('xcpu-admin', 'crew');
    users.deleteUser('zoe');
    const again = reloaded(users, new NodeSettings()).users;
    expect(shown(again)).toEqual(shown(users));
    expect(again.administers(again.byName('bob')!)).toBe(true);
  });

  it('of the host are not saved, but for a group that a saved user needs', () => {
    const users = makeTable();
    const key = testKey('ann').publicKey;
    users.addGroup('hosts', 1, true);
    users.addGroup('others', 2, true);
    users.addUser({ name: 'local', uid: 1, group: 'others', key, local: true });
    users.addUser({ name: 'ann', uid: 2, group: 'hosts', key });
    users.addToGroup('local', 'hosts');
    const again = reloaded(users, new NodeSettings()).users;
    expect(again.all().map(({ name }) => name)).toEqual(['xcpu-admin', 'ann']);
    expect(again.groups().map(({ name }) => name)).toEqual(['xcpu-admin', 'hosts']);
  });

  it('that contradict the host are refused', () => {
    const users = makeTable();
    addUser(users, 'ann', 1);
    const state = stateOf(users, new NodeSettings());
    const taken = makeTable();
    taken.addGroup('anns', 9);
    expect(() => restore(state, taken, new NodeSettings())).toThrow('anns:group exists');
  });
});

describe('settings', () => {
  it('are the same again', () => {
    const settings = new NodeSettings('LANG=C\n');
    settings.setText('ns', Buffer.from('tmpfs /tmp\n'));
    settings.setText('state', Buffer.from('down'));
    settings.setAccess({ name: 'clone', mode: 0o100440, uid: 'a', nUid: 1, gid: 'b', nGid: 2 });
    const again = reloaded(makeTable(), settings).settings;
    expect(again.text('ns').toString()).toBe('tmpfs /tmp\n');
    expect(again.defaults.ns.toString()).toBe('tmpfs /tmp\n');
    expect(again.text('state').toString()).toBe('down');
    expect(again.access('clone')).toEqual({
      ...{ name: 'clone', mode: 0o440, uid: 'a', nUid: 1, gid: 'b', nGid: 2 },
    });
    expect(again.access('env')).toBeUndefined();
  });

  it('that nobody set are those that the daemon starts with', () => {
    const again = reloaded(makeTable(), new NodeSettings('LANG=C\n')).settings;
    expect(again.text('env').toString()).toBe('LANG=other\n');
    const emptied = new NodeSettings('LANG=C\n');
    emptied.setText('env', Buffer.alloc(0));
    expect(reloaded(makeTable(), emptied).settings.text('env')).toHaveLength(0);
  });
});
