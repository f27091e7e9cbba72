import { Errno, NinePError, OpenMode, type Stat } from '@xcpu/9p-protocol';
import {
  type FileServer,
  type OpenFile,
  type Request,
  SyntheticDirectory,
  SyntheticFile,
  snapshot,
} from '@xcpu/9p-protocol/server';
import { NODE_FIELDS, nodeFields } from '@xcpu/xcpu-protocol';
import { STATE_AGE_MS } from '../limits.js';
import type { NodeTable } from '../watch/node-table.js';
import type { WatchedNode } from '../watch/watched-node.js';
import type { SharedText } from './shared-text.js';

/** The files that are about all nodes together. */
export interface Summaries {
  readonly state: SharedText;
  readonly details: SharedText;
  readonly metrics: SharedText;
}

/** The tree of statfs, which everybody may read: no proof is asked for. */
export function statfsTree(nodes: NodeTable, summaries: Summaries): FileServer<string> {
  const root = directory('/');
  for (const [name, text] of Object.entries(summaries) as [string, SharedText][]) {
    root.add(new ReadOnlyFile(name, () => text.open()));
  }
  root.add(new NodesDirectory(nodes));
  return { attach: ({ uname }) => ({ root, user: uname }) };
}

/** The name of whom all files are said to belong to. */
const OWNER = 'xcpu-admin';

function attributes(name: string, mode: number) {
  return { name, mode, uid: OWNER, gid: OWNER };
}

function directory(name: string): SyntheticDirectory<string> {
  return new SyntheticDirectory<string>(attributes(name, 0o555));
}

class ReadOnlyFile extends SyntheticFile<string> {
  readonly #opened: () => OpenFile<string>;

  constructor(name: string, opened: () => OpenFile<string>) {
    super(attributes(name, 0o444));
    this.#opened = opened;
  }

  override open(mode: number): OpenFile<string> {
    if (mode !== OpenMode.READ) throw new NinePError('permission denied', Errno.EPERM);
    return this.#opened();
  }
}

/** `nodes`: a directory for each node. */
class NodesDirectory extends SyntheticDirectory<string> {
  readonly #nodes: NodeTable;
  /** Made when somebody looks for them, and gone with the node. */
  readonly #directories = new WeakMap<WatchedNode, SyntheticDirectory<string>>();
  #listing: { readonly stats: readonly Stat[]; readonly made: number } | undefined;

  constructor(nodes: NodeTable) {
    super(attributes('nodes', 0o555));
    this.#nodes = nodes;
  }

  override find(name: string): SyntheticDirectory<string> | undefined {
    const node = this.#nodes.get(name);
    return node && this.#directory(node);
  }

  override *list(): Iterable<SyntheticDirectory<string>> {
    for (const node of this.#nodes) yield this.#directory(node);
  }

  /** Thousands of entries are made for many requests at once: a few bytes that anybody sends ask for all of them. */
  override open(): OpenFile<string> {
    return {
      entries: (request) => this.#stats(request),
      list: (request) => {
        const stats = this.#stats(request);
        const at = (index: number) => ({ name: stats[index]!.name, qid: stats[index]!.qid });
        return { length: stats.length, at };
      },
    };
  }

  #stats(request: Request<string>): readonly Stat[] {
    const now = performance.now();
    if (this.#listing && now - this.#listing.made < STATE_AGE_MS) return this.#listing.stats;
    const stats = [...this.list()].map((directory) => directory.stat(request));
    this.#listing = { stats, made: now };
    return stats;
  }

  #directory(node: WatchedNode): SyntheticDirectory<string> {
    const known = this.#directories.get(node);
    if (known) return known;
    const made = directory(node.name);
    made.parent = this;
    for (const field of NODE_FIELDS) {
      const text = () => snapshot(`${nodeFields(node.details)[field]}\n`) as OpenFile<string>;
      made.add(new ReadOnlyFile(field, text));
    }
    this.#directories.set(node, made);
    return made;
  }
}
