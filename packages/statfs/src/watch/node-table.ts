import type { NodeDetails, StatfsNode } from '@xcpu/xcpu-protocol';
import { START_SPREAD_MS } from '../limits.js';
import { type WatchContext, WatchedNode } from './watched-node.js';

/** What a new configuration changed. */
export interface TableChange {
  readonly added: number;
  readonly removed: number;
}

/** All nodes that are watched, in the order of the configuration. */
export class NodeTable {
  readonly #context: WatchContext;
  #nodes: ReadonlyMap<string, WatchedNode> = new Map();
  #started = 0;

  constructor(context: WatchContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Undefined where no node has that name. */
  get(name: string): WatchedNode | undefined {
    return this.#nodes.get(name);
  }

  /** What is known of each node. */
  *details(): Iterable<NodeDetails> {
    for (const node of this.#nodes.values()) yield node.details;
  }

  [Symbol.iterator](): Iterator<WatchedNode> {
    return this.#nodes.values();
  }

  /** Watches these nodes from now on. Those that are watched already stay as they are, connection and all. */
  configure(wanted: readonly StatfsNode[]): TableChange {
    const nodes = new Map<string, WatchedNode>();
    const added: WatchedNode[] = [];
    for (const line of wanted) {
      const known = this.#nodes.get(line.name);
      const node = known?.adopt(line) ? known : new WatchedNode(line, this.#context);
      if (node !== known) added.push(node);
      nodes.set(line.name, node);
    }
    const removed = [...this.#nodes.values()].filter((node) => nodes.get(node.name) !== node);
    this.#nodes = nodes;
    for (const node of removed) node.stop();
    this.#start(added);
    return { added: added.length, removed: removed.length };
  }

  stop(): void {
    for (const node of this.#nodes.values()) node.stop();
  }

  /** Moments that follow each other at the golden section are spread over the period, however many there are. */
  #start(nodes: readonly WatchedNode[]): void {
    const spread = Math.min(this.#context.interval, nodes.length * START_SPREAD_MS);
    for (const node of nodes) {
      const phase = (this.#started++ * GOLDEN_SECTION) % 1;
      node.start(phase, phase * spread);
    }
  }
}

const GOLDEN_SECTION = (Math.sqrt(5) - 1) / 2;
