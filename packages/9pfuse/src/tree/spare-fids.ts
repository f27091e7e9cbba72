import type { Fid } from '@xcpu/9p-protocol/client';
import { letGo } from './foreseen.js';
import type { Node } from './node.js';

/** A program's start opens some ten files: shell, loader, libraries. */
const MOST = 32;

/**
 * Files that were open for reading until just now. While a program starts, one process after the other opens the same
 * loader and libraries: that it does not wait a round trip for each again, their fids are kept for a moment.
 */
export class SpareFids {
  readonly #spare = new Map<Node, Fid>();
  #expiry: NodeJS.Timeout | undefined;

  /** @param lifetime how long fids are kept, in milliseconds, from the first on */
  keep(node: Node, fid: Fid, lifetime: number): void {
    if (this.#spare.has(node) || this.#spare.size === MOST) return letGo(fid);
    this.#spare.set(node, fid);
    this.#expiry ??= setTimeout(() => this.drop(), lifetime).unref();
  }

  /** The open fid of a file, for the first who asks. */
  take(node: Node): Fid | undefined {
    const fid = this.#spare.get(node);
    this.#spare.delete(node);
    return fid;
  }

  drop(): void {
    clearTimeout(this.#expiry);
    this.#expiry = undefined;
    for (const fid of this.#spare.values()) letGo(fid);
    this.#spare.clear();
  }
}
