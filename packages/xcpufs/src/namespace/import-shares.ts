import { MAX_IMPORTS_PER_USER } from '../limits.js';
import { MountError } from '../mounts/mounter.js';
import type { User } from '../users/users.js';

/** How much is imported in the namespaces that are there: no user may have all that a node can mount. */
export class ImportShares {
  /** By the user's number. */
  readonly #imports = new Map<number, number>();

  /** Takes note of a namespace's imports; the result takes that back. @throws MountError if the user has too many */
  take({ uid, name }: User, imports: number): () => void {
    const others = this.#imports.get(uid) ?? 0;
    if (others + imports > MAX_IMPORTS_PER_USER) {
      throw new MountError(
        `${name} has ${others} imports on this node, and may have ${MAX_IMPORTS_PER_USER} at a time, not ${imports} more`,
      );
    }
    this.#imports.set(uid, others + imports);
    return () => {
      const left = (this.#imports.get(uid) ?? 0) - imports;
      if (left > 0) this.#imports.set(uid, left);
      else this.#imports.delete(uid);
    };
  }
}
