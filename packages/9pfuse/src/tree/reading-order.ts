import { FileMode } from '@xcpu/9p-protocol';
import { letGo, type OpenedAhead } from './foreseen.js';
import type { Node } from './node.js';

/** Files that have to be opened one after the other as they were listed before the next are opened ahead. */
const ENOUGH = 2;
/** Most files that are opened ahead: what hides a round trip, and no more than a program may read for nothing. */
const MOST_AHEAD = 16;

/**
 * How long what was opened ahead is good, in milliseconds: who reads one file after the other comes sooner, and who waits
 * for a file to be written is not to see it as it was before.
 */
export const GOOD_MS = 100;

/** Opened ahead, at a moment of the tree (see Changes); undefined where it could not be. */
export type Opening = Promise<(OpenedAhead & { readonly moment: number }) | undefined>;

/**
 * Opens and reads files before the kernel asks, where programs read a directory's files in the order in which they were
 * listed, as grep -r, tar and cp -r do: one after the other they would wait a round trip for each.
 */
export class ReadingOrder {
  readonly #ahead = new Map<Node, Opening>();
  #last: Node | undefined;
  /** How many were opened in order, the last ones. */
  #streak = 0;

  /**
   * Who opens a file to read it takes here what is there of it; the next ones are opened meanwhile.
   * @param open opens a file and reads its beginning
   */
  take(node: Node, open: (node: Node) => Opening): Opening | undefined {
    const inOrder = this.#last?.follower === node || this.#ahead.has(node);
    this.#streak = inOrder ? this.#streak + 1 : 0;
    this.#last = node;
    const opening = this.#ahead.get(node);
    this.#ahead.delete(node);
    if (this.#streak >= ENOUGH) this.#openFollowers(node, open);
    return opening;
  }

  /** Lets go of all that nobody took. */
  drop(): void {
    for (const node of this.#ahead.keys()) this.#drop(node);
  }

  /** The more were read in order, the more are likely to be. */
  #openFollowers({ follower }: Node, open: (node: Node) => Opening): void {
    const most = Math.min(this.#streak, MOST_AHEAD);
    let next = follower;
    for (let distance = 0; next && distance < most; distance++) {
      if (!this.#ahead.has(next) && isWorthwhile(next)) this.#keep(next, open(next));
      next = next.follower;
    }
  }

  #keep(node: Node, opening: Opening): void {
    this.#ahead.set(node, opening);
    const late = () => this.#ahead.get(node) === opening && this.#drop(node);
    setTimeout(late, GOOD_MS).unref();
  }

  #drop(node: Node): void {
    const opening = this.#ahead.get(node);
    this.#ahead.delete(node);
    void opening?.then((opened) => letGo(opened?.fid));
  }
}

/** What is open, or was read, the kernel may have. */
function isWorthwhile({ kind, size, isOpen, primed }: Node): boolean {
  return kind === FileMode.REGULAR && size > 0 && !isOpen && !primed;
}
