import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_NAMED_USERS } from '../limits.js';
import type { Login } from '../server/files.js';
import type { Inode } from './inode.js';

/** Names without a number get one from here on. */
const FIRST_STRANGER = 100_000;
const NOBODY = 65_534;

/** A user that a volume knows by name. */
export interface MemoryUser {
  readonly name: string;
  readonly uid: number;
  /** The group of what the user makes; `uid` by default. */
  readonly gid?: number;
  /** Further groups. */
  readonly groups?: readonly number[];
}

/** Whoever attached. */
export interface Person {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Nothing is forbidden. */
  readonly privileged: boolean;
}

/** What a person wants to do with a file, as in its mode. */
export const Access = { EXECUTE: 1, WRITE: 2, READ: 4 } as const;

/** Names and numbers of users. Groups are called as the users with their numbers are. */
export class Users {
  readonly #known = new Map<number, MemoryUser>();
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();
  readonly #checkPermissions: boolean;

  constructor(users: readonly MemoryUser[], checkPermissions: boolean) {
    this.#checkPermissions = checkPermissions;
    for (const user of [{ name: 'root', uid: 0 }, { name: 'nobody', uid: NOBODY }, ...users]) {
      this.#known.set(user.uid, user);
      this.#name(user.name, user.uid);
    }
  }

  /** A number counts more than a name; a name that is unknown gets a number of its own. */
  enter({ uname, nUname }: Login): Person {
    const uid = nUname ?? this.number(uname) ?? this.#stranger(uname);
    const known = this.#known.get(uid);
    const gid = known?.gid ?? uid;
    const privileged = uid === 0 || !this.#checkPermissions;
    return { uid, gid, groups: [gid, ...(known?.groups ?? [])], privileged };
  }

  name(id: number): string {
    return this.#names.get(id) ?? String(id);
  }

  number(name: string): number | undefined {
    if (name === '') return NOBODY;
    return this.#numbers.get(name) ?? (/^\d{1,9}$/.test(name) ? Number(name) : undefined);
  }

  #stranger(name: string): number {
    if (this.#names.size >= MAX_NAMED_USERS) return NOBODY;
    let uid = FIRST_STRANGER + this.#names.size;
    while (this.#names.has(uid)) uid++;
    this.#name(name, uid);
    return uid;
  }

  #name(name: string, uid: number): void {
    this.#names.set(uid, name);
    this.#numbers.set(name, uid);
  }
}

/** @throws NinePError (EACCES) unless the person may do all of `access` (bits of Access). */
export function checkAccess(person: Person, inode: Inode, access: number): void {
  if (!mayAccess(person, inode, access)) throw new NinePError('permission denied', Errno.EACCES);
}

export function mayAccess(person: Person, inode: Inode, access: number): boolean {
  if (person.privileged) return true;
  let allowed = inode.mode;
  if (person.uid === inode.uid) allowed >>= 6;
  else if (person.groups.includes(inode.gid)) allowed >>= 3;
  return (allowed & access) === access;
}

/** @throws NinePError (EPERM) unless the file is the person's. */
export function checkOwner(person: Person, inode: Inode): void {
  if (!person.privileged && person.uid !== inode.uid) {
    throw new NinePError('operation not permitted', Errno.EPERM);
  }
}
