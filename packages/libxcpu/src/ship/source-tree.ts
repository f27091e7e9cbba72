import { lstatSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';

/** Symbolic links on the way to one file; as in Linux. */
const MAX_LINKS = 40;

/**
 * A tree that programs and libraries are taken from: this machine's own, or one below a directory that is to be seen as
 * `/`. Symbolic links lead where they would lead whoever sees it so; `..` does not lead out of it.
 */
export class SourceTree {
  /** Its root on this machine: an absolute path without links. */
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Where a file of the tree is on this machine. */
  local(path: string): string {
    return this.root === '/' ? path : `${this.root}${path}`;
  }

  /** How a file of this machine is called in the tree; undefined if it is not in it. */
  named(local: string): string | undefined {
    if (this.root === '/') return local;
    return local.startsWith(`${this.root}/`) ? local.slice(this.root.length) : undefined;
  }

  /**
   * The path to the file itself, without links; undefined if there is none, or it cannot be reached.
   * @param path absolute, as seen in the tree
   */
  real(path: string): string | undefined {
    const names = path.split('/').reverse();
    let at = '/';
    let links = 0;
    while (names.length > 0) {
      const name = names.pop()!;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        at = posix.dirname(at);
        continue;
      }
      const next = posix.join(at, name);
      const target = this.#link(next);
      if (target === undefined) return undefined;
      if (target === '') {
        at = next;
        continue;
      }
      if (++links > MAX_LINKS) return undefined;
      names.push(...target.split('/').reverse());
      if (target.startsWith('/')) at = '/';
    }
    return at;
  }

  /** Where a symbolic link leads; empty for another file, undefined for none. */
  #link(path: string): string | undefined {
    const local = this.local(path);
    try {
      return lstatSync(local).isSymbolicLink() ? readlinkSync(local) : '';
    } catch {
      return undefined;
    }
  }
}
