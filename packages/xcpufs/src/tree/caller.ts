import { OpenMode } from '@xcpu/9p-protocol';
import type { SyntheticAttributes } from '@xcpu/9p-protocol/server';
import { permissionDenied } from '../errors.js';
import type { Group, User, UserTable } from '../users/users.js';

/** Who attached: what the node's files see of a client. */
export class Caller {
  readonly user: User;
  readonly #users: UserTable;

  constructor(user: User, users: UserTable) {
    this.user = user;
    this.#users = users;
  }

  /** Whether he administers the node: everything is open to him. */
  get administers(): boolean {
    return this.#users.administers(this.user);
  }

  /** Whether he may use a session of this owner's at all: it is his own or a mate's, or he administers the node. */
  mayUse(owner: User): boolean {
    return this.administers || this.user.uid === owner.uid || isMember(this.user, owner.group.gid);
  }

  /**
   * Asks for all of the permission that an open mode wants, of the file's rwx bits for this user.
   * @throws NinePError (EPERM) `permission denied`, whatever is asked by a user who was deleted
   */
  checkOpen(file: SyntheticAttributes, mode: number): void {
    if (this.administers) return;
    const wanted = wantedBits(mode);
    if (this.user.deleted || (bitsFor(file, this.user) & wanted) !== wanted) {
      throw permissionDenied();
    }
  }
}

/** Owner and permissions of a synthetic file. */
export function attributes(
  name: string,
  mode: number,
  owner: User,
  group: Group = owner.group,
): SyntheticAttributes {
  return { name, mode, uid: owner.name, gid: group.name, nUid: owner.uid, nGid: group.gid };
}

function bitsFor(file: SyntheticAttributes, user: User): number {
  if (file.nUid === user.uid) return (file.mode >>> 6) & 7;
  return (isMember(user, file.nGid) ? file.mode >>> 3 : file.mode) & 7;
}

function isMember(user: User, gid: number | undefined): boolean {
  for (const group of user.groups) if (group.gid === gid) return true;
  return false;
}

const READ = 4;
const WRITE = 2;
const EXECUTE = 1;

function wantedBits(mode: number): number {
  const truncates = mode & OpenMode.TRUNCATE ? WRITE : 0;
  switch (mode & OpenMode.ACCESS_MASK) {
    case OpenMode.READ:
      return READ | truncates;
    case OpenMode.WRITE:
      return WRITE;
    case OpenMode.READ_WRITE:
      return READ | WRITE;
    default:
      return EXECUTE | truncates;
  }
}
