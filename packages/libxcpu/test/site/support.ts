import type { GroupEntry, NodeCommand, UserEntry } from '@xcpu/xcpu-protocol';
import type { SiteUser } from '../../src/site/site-users.js';

/** A node's tables, which refuse what a node refuses (wire document, section 5). */
export class ModelNode {
  readonly users = new Map<string, { uid: number; group: string; groups: Set<string> }>();
  readonly groups = new Map<string, number>([['xcpu-admin', 65530]]);
  readonly keys = new Map<string, string>();

  constructor() {
    const groups = new Set(['xcpu-admin']);
    this.users.set('xcpu-admin', { uid: 65530, group: 'xcpu-admin', groups });
    this.keys.set('xcpu-admin', 'admin');
  }

  /** @throws Error with what a node says */
  run(command: NodeCommand): void {
    switch (command.command) {
      case 'user-add': {
        const { user, uid, group, key } = command;
        const uids = [...this.users.values()].map((other) => other.uid);
        if (this.users.has(user) || uids.includes(uid) || uid === 9999) {
          throw new Error(`${user} ${uid}:user exists`);
        }
        this.#need(this.groups, group);
        this.users.set(user, { uid, group, groups: new Set([group]) });
        this.keys.set(user, key.comment);
        return;
      }
      case 'user-del':
        this.#need(this.users, command.user);
        this.users.delete(command.user);
        this.keys.delete(command.user);
        return;
      case 'user-key':
        this.#need(this.users, command.user);
        this.keys.set(command.user, command.key.comment);
        return;
      case 'user-add-group':
        this.#need(this.groups, command.group);
        this.#need(this.users, command.user).groups.add(command.group);
        return;
      case 'user-del-group': {
        const { group, groups } = this.#need(this.users, command.user);
        if (group === command.group || !groups.delete(command.group)) {
          throw new Error(`${command.user} ${command.group}`);
        }
        return;
      }
      case 'group-add': {
        const { group, gid } = command;
        if (this.groups.has(group) || [...this.groups.values()].includes(gid)) {
          throw new Error(`${group}:group exists`);
        }
        this.groups.set(group, gid);
        return;
      }
      case 'group-del':
        this.#need(this.groups, command.group);
        if ([...this.users.values()].some(({ groups }) => groups.has(command.group))) {
          throw new Error(`${command.group}:group not empty`);
        }
        this.groups.delete(command.group);
        return;
      default:
        throw new Error(`unexpected ${command.command}`);
    }
  }

  get tables() {
    const users: UserEntry[] = [...this.users].map(([name, { uid, group, groups }]) => ({
      name,
      uid,
      gid: this.groups.get(group)!,
      groups: [...groups],
    }));
    const groups: GroupEntry[] = [...this.groups].map(([name, gid]) => ({ name, gid }));
    return {
      users: [{ name: 'nobody', uid: 9999, gid: 0, groups: [] }, ...users],
      groups,
      keys: this.keys as ReadonlyMap<string, string>,
    };
  }

  #need<T>(table: ReadonlyMap<string, T>, name: string): T {
    if (!table.has(name)) throw new Error(`no ${name}`);
    return table.get(name)!;
  }
}

/** A user whose key is told by a word. */
export function siteUser(
  name: string,
  number: number,
  [group = '', ...groups]: readonly string[],
  key = `${name}-key`,
  line = 1,
): SiteUser {
  const publicKey = { comment: key } as SiteUser['key'];
  return { name, number, line, group, groups, key: publicKey, fingerprint: key };
}
