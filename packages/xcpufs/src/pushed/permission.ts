import { permissionDenied } from '../errors.js';
import type { User } from '../users/users.js';

/** Whose a file is, and what others may do with it. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** rwx bits as access(2) has them. */
export const Access = { READ: 4, WRITE: 2, EXECUTE: 1 } as const;

/**
 * Asks for a file on disk what the kernel would ask, were the daemon this user: it is root, and must not lend
 * that to him (a hard link may put anybody's file into his directory).
 * @throws NinePError (EPERM), whatever is asked by a user who was deleted
 */
export function checkAccess(stats: Ownership, user: User, wanted: number): void {
  const shift = stats.uid === user.uid ? 6 : hasGroup(user, stats.gid) ? 3 : 0;
  if (user.deleted || ((stats.mode >>> shift) & wanted) !== wanted) {
    throw permissionDenied();
  }
}

function hasGroup(user: User, gid: number): boolean {
  for (const group of user.groups) if (group.gid === gid) return true;
  return false;
}
