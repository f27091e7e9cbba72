import { Errno, NinePError } from '@xcpu/9p-protocol';
import { permissionDenied } from '../errors.js';
import type { User } from '../users/users.js';

/**
 * Who has used a session. Mates of its owner's default group may read and steer it, as the permissions of its files tell,
 * until the owner serves his own files to its program: whoever steers that has them, too. From then on it is the owner's
 * alone. Administrators do not count: they are root on the node.
 */
export class Visitors {
  /** Names of users by their numbers. */
  readonly #seen = new Map<number, string>();
  #onlyOwner = false;

  /** Whether the session is its owner's alone. */
  get onlyOwner(): boolean {
    return this.#onlyOwner;
  }

  /**
   * Somebody whom their permissions let in uses the session's files.
   * @throws NinePError (EPERM) if they are the owner's alone, and he is another
   */
  admit(user: User, owner: User): void {
    if (this.#onlyOwner && user.uid !== owner.uid) throw permissionDenied();
    this.#seen.set(user.uid, user.name);
  }

  /**
   * Lets nobody but the owner in from now on.
   * @throws NinePError (EACCES) if somebody else was there before: what he has opened he still has, and what he changed
   *   would be run with the owner's files
   */
  keepOut(owner: User): void {
    for (const [uid, name] of this.#seen) {
      if (uid === owner.uid) continue;
      const text = `term: ${name} has used this session already: begin another one`;
      throw new NinePError(text, Errno.EACCES);
    }
    this.#onlyOwner = true;
  }
}
