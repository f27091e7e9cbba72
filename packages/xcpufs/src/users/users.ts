import type { GroupEntry, PublicKey, UserEntry } from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';

/** Name of the administrator and of his group: wire document, section 2. */
export const ADMIN = 'xcpu-admin';
/** The user without a key; it can never log in. */
const NOBODY = { name: 'nobody', uid: 9999 };
/** Most users and most groups of one node: far beyond any site, a bound for what an administrator's script can do. */
const MAX_ENTRIES = 65_536;
/** A process can be in this many groups: getgroups(2), NGROUPS_MAX. */
const MAX_GROUPS = 65_536;

export interface Group {
  readonly name: string;
  readonly gid: number;
  /** From the host's own table, where it is looked up anew whenever the daemon starts (option `-u`). */
  readonly local?: true;
}

/** A user of this node. Sessions keep theirs when it is deleted: `deleted` then tells. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** The default group. */
  readonly group: Group;
  /** All groups, the default one among them. */
  readonly groups: Set<Group>;
  /** Without one the user cannot log in. */
  key: PublicKey | undefined;
  /** Home directory and shell where the node's own passwd told them. */
  readonly home?: string;
  readonly shell?: string;
  /** From the host's own table, as a group may be. */
  readonly local?: true;
  deleted: boolean;
}

/** What the node's administrator has to be called and numbered. */
export interface AdminIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly key: PublicKey | undefined;
}

/** The node's own table of users and groups: wire document, section 5. It never looks at /etc/passwd. */
export class UserTable {
  readonly admin: User;
  readonly adminGroup: Group;
  readonly #users = new Map<string, User>();
  readonly #byUid = new Map<number, User>();
  readonly #groups = new Map<string, Group>();
  readonly #byGid = new Map<number, Group>();
  readonly #nobody: User;
  #version = 0;

  constructor({ uid, gid, key }: AdminIdentity) {
    this.adminGroup = this.addGroup(ADMIN, gid);
    this.admin = this.addUser({ name: ADMIN, uid, group: ADMIN, key });
    this.#nobody = {
      ...NOBODY,
      group: { name: 'nobody', gid: 0 },
      groups: new Set(),
      key: undefined,
      deleted: false,
    };
    this.#insert(this.#nobody);
  }

  /** Another one whenever something in the table changed. */
  get version(): number {
    return this.#version;
  }

  /** All users but nobody. */
  all(): User[] {
    return [...this.#users.values()].filter((user) => user !== this.#nobody);
  }

  /** All groups, the administrator's first. */
  groups(): Group[] {
    return [...this.#groups.values()];
  }

  byName(name: string): User | undefined {
    return this.#users.get(name);
  }

  byUid(uid: number): User | undefined {
    return this.#byUid.get(uid);
  }

  groupByName(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  groupByGid(gid: number): Group | undefined {
    return this.#byGid.get(gid);
  }

  /** Whether the user administers the node: the administrator, or a member of his group. */
  administers(user: User): boolean {
    return !user.deleted && (user === this.admin || user.groups.has(this.adminGroup));
  }

  /** @throws NinePError `NAME:user exists`, `UID:user exists`, `GROUP:group not found` */
  addUser(entry: {
    name: string;
    uid: number;
    group: string;
    key: PublicKey | undefined;
    home?: string;
    shell?: string;
    local?: true;
  }): User {
    const { name, uid, key, home, shell, local } = entry;
    if (this.#users.has(name)) throw nodeError(`${name}:user exists`);
    if (this.#byUid.has(uid)) throw nodeError(`${uid}:user exists`);
    const group = this.#groups.get(entry.group);
    if (!group) throw nodeError(`${entry.group}:group not found`);
    if (this.#users.size >= MAX_ENTRIES) throw nodeError(`too many users (limit ${MAX_ENTRIES})`);
    const user: User = {
      name,
      uid,
      group,
      groups: new Set([group]),
      key,
      ...(home === undefined ? {} : { home }),
      ...(shell === undefined ? {} : { shell }),
      ...(local && { local }),
      deleted: false,
    };
    this.#insert(user);
    return user;
  }

  /** @throws NinePError `NAME: no such user in userpool`, or that the administrator stays */
  deleteUser(name: string): void {
    const user = this.#userInPool(name);
    if (user === this.admin) throw nodeError(`${name}: the administrator cannot be deleted`);
    this.#remove(user);
  }

  /**
   * Gives the user another key. Whoever is logged in as him stays so, and his sessions go on.
   * @throws NinePError `NAME: no such user in userpool`, or that the administrator's key is not changed so
   */
  setKey(name: string, key: PublicKey): void {
    const user = this.#userInPool(name);
    if (user === this.admin) {
      throw nodeError(
        `${name}: the administrator's key is the file that the node was started with`,
      );
    }
    user.key = key;
    this.#version++;
  }

  /** Removes every user but the administrator and nobody. */
  flushUsers(): void {
    for (const user of this.#users.values()) {
      if (user !== this.admin && user !== this.#nobody) this.#remove(user);
    }
  }

  /** @throws NinePError naming the user or group that is not there */
  addToGroup(userName: string, groupName: string): void {
    const user = this.#userInPool(userName);
    const group = this.#groupInPool(groupName);
    if (user.groups.size >= MAX_GROUPS) throw nodeError(`${userName}: in too many groups`);
    user.groups.add(group);
    this.#version++;
  }

  /** @throws NinePError naming what is not there; a user's default group is not taken from him */
  removeFromGroup(userName: string, groupName: string): void {
    const user = this.#userInPool(userName);
    const group = this.#groupInPool(groupName);
    if (!user.groups.has(group)) {
      throw nodeError(`user ${userName} not a member of group ${groupName}`);
    }
    if (group === user.group) {
      throw nodeError(`${groupName} is the default group of user ${userName}`);
    }
    user.groups.delete(group);
    this.#version++;
  }

  /** @throws NinePError `NAME:group exists`, `GID:group exists` */
  addGroup(name: string, gid: number, local?: true): Group {
    if (this.#groups.has(name)) throw nodeError(`${name}:group exists`);
    if (this.#byGid.has(gid)) throw nodeError(`${gid}:group exists`);
    if (this.#groups.size >= MAX_ENTRIES) throw nodeError(`too many groups (limit ${MAX_ENTRIES})`);
    const group = { name, gid, ...(local && { local }) };
    this.#groups.set(name, group);
    this.#byGid.set(gid, group);
    this.#version++;
    return group;
  }

  /** @throws NinePError `NAME: no such group in userpool`, `NAME:group not empty` */
  deleteGroup(name: string): void {
    const group = this.#groupInPool(name);
    for (const user of this.#users.values()) {
      if (user.groups.has(group)) throw nodeError(`${name}:group not empty`);
    }
    this.#groups.delete(name);
    this.#byGid.delete(group.gid);
    this.#version++;
  }

  /** Removes all users and groups but the administrator's. */
  flushGroups(): void {
    this.flushUsers();
    for (const group of this.#groups.values()) {
      if (group === this.adminGroup) continue;
      this.#groups.delete(group.name);
      this.#byGid.delete(group.gid);
      this.admin.groups.delete(group);
    }
    this.#version++;
  }

  /** What `pwent` shows, the newest first as the C node does. */
  userEntries(): UserEntry[] {
    return [...this.#users.values()].reverse().map((user) => ({
      name: user.name,
      uid: user.uid,
      gid: user.group.gid,
      groups: [...user.groups].map((group) => group.name),
    }));
  }

  /** What `grent` shows, the newest first. */
  groupEntries(): GroupEntry[] {
    return [...this.#groups.values()].reverse();
  }

  #insert(user: User): void {
    this.#users.set(user.name, user);
    this.#byUid.set(user.uid, user);
    this.#version++;
  }

  #remove(user: User): void {
    user.deleted = true;
    this.#users.delete(user.name);
    this.#byUid.delete(user.uid);
    this.#version++;
  }

  #userInPool(name: string): User {
    const user = this.#users.get(name);
    if (!user || user === this.#nobody) throw nodeError(`${name}: no such user in userpool`);
    return user;
  }

  #groupInPool(name: string): Group {
    const group = this.#groups.get(name);
    if (!group) throw nodeError(`${name}: no such group in userpool`);
    return group;
  }
}
