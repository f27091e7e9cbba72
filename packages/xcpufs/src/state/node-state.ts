import type { Group, User, UserTable } from '../users/users.js';
import type { NodeState, TableCommand } from './format.js';
import type { NodeSettings } from './settings.js';

/** What is to be saved of a node now. What `-u` took from the host's tables is not: the host tells it anew. */
export function stateOf(users: UserTable, settings: NodeSettings): NodeState {
  const kept = users.all().filter((user) => !user.local);
  const needed = new Set(kept.flatMap((user) => [...user.groups]));
  const groups = users.groups().filter((group) => !group.local || needed.has(group));
  return {
    commands: [
      ...groups.filter((group) => group !== users.adminGroup).map(groupAdd),
      ...kept.flatMap((user) => [...userAdd(user, users), ...memberships(user)]),
    ],
    accesses: settings.accesses(),
    texts: settings.writtenTexts(),
  };
}

/**
 * Makes users, groups and settings what they were when that was saved.
 * @param users a table of nobody but the administrator
 * @throws NinePError if it contradicts itself or what the host says of the administrator; part of it is done then
 */
export function restore(state: NodeState, users: UserTable, settings: NodeSettings): void {
  for (const command of state.commands) {
    switch (command.command) {
      case 'group-add':
        users.addGroup(command.group, command.gid);
        break;
      case 'user-add': {
        const { user: name, uid, group, key } = command;
        users.addUser({ name, uid, group, key });
        break;
      }
      case 'user-add-group':
        users.addToGroup(command.user, command.group);
    }
  }
  for (const access of state.accesses) settings.setAccess(access);
  for (const [name, contents] of state.texts) settings.setText(name, contents);
}

function groupAdd({ name, gid }: Group): TableCommand {
  return { command: 'group-add', group: name, gid };
}

/** The administrator is there without. */
function userAdd({ name, uid, group, key }: User, { admin }: UserTable): TableCommand[] {
  if (name === admin.name || !key) return [];
  return [{ command: 'user-add', user: name, uid, group: group.name, key }];
}

function memberships({ name, group, groups }: User): TableCommand[] {
  return [...groups]
    .filter((other) => other !== group)
    .map((other) => ({ command: 'user-add-group', user: name, group: other.name }));
}
