import { Errno, FileMode, MAX_WALK_NAMES, NinePError } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import type { CachePolicy } from './cache.js';
import type { Owners } from './owners.js';
import { ROOT_NODE } from './protocol/constants.js';
import { entryReply, type FuseAttributes, type FuseEntry } from './protocol/replies.js';
import type { Pipeline } from './remote/pipeline.js';
import type { Remote, RemoteFile } from './remote/remote.js';
import { Changes, UNCHANGED } from './tree/changes.js';
import { Foreseen, letGo, type OpenedAhead, type Seen } from './tree/foreseen.js';
import type { Foresight, Range, Watch } from './tree/foresight.js';
import { HandleTable } from './tree/handles.js';
import { ListingHabit } from './tree/listing-habit.js';
import type { Node } from './tree/node.js';
import type { NodeTable } from './tree/node-table.js';
import { AheadBudget, type Part } from './tree/read-ahead.js';
import { ReadingOrder } from './tree/reading-order.js';
import { SpareFids } from './tree/spare-fids.js';

/** What a request is answered with. */
export interface Answer {
  readonly body: readonly Uint8Array[];
  /** Takes back what the answer promised: the kernel no longer wanted it. */
  readonly refused?: () => void;
}

/** From the root on, without a slash in front; undefined where no name leads there, or one that is too long a way. */
function pathOf(parent: Node, name: string): string | undefined {
  let path = name;
  let depth = 1;
  for (let node = parent; node.id !== ROOT_NODE; node = node.place.parent, depth++) {
    if (!node.place || depth === MAX_WALK_NAMES) return undefined;
    path = `${node.place.name}/${path}`;
  }
  return path;
}

/** How many names of a way are asked for again at once. */
const MOST_OF_WAY = 8;

/** The first program of a mount has started by then, in milliseconds. */
const START_MS = 500;

/** A file that has a name. */
interface Found {
  readonly node: Node;
  readonly file: RemoteFile;
}

/** Done, and nothing more to say. */
export const DONE: Answer = { body: [] };

/** What the kernel is told without its asking. */
export interface KernelNotices {
  /** Attributes of a file that it has are no longer right. */
  forgetAttributes(node: Node): void;
  /**
   * Contents of a file that nobody has open, for its page cache: of one that is open it might be waiting for the same
   * pages, by a READ, and this process for it.
   * @returns whether it took them
   */
  store(node: Node, part: Part): boolean;
}

/** What a mount is made of. */
export type VolumeParts = Pick<
  Volume,
  'remote' | 'pipeline' | 'nodes' | 'owners' | 'cache' | 'kernel' | 'clientId'
> & { readonly foresight?: Foresight | undefined };

/** Everything that the operations of one mount share. */
export class Volume {
  readonly remote: Remote;
  readonly pipeline: Pipeline;
  readonly nodes: NodeTable;
  readonly handles = new HandleTable();
  readonly changes = new Changes();
  readonly ahead = new AheadBudget();
  readonly listings = new ListingHabit();
  readonly foreseen = new Foreseen();
  readonly reading = new ReadingOrder();
  readonly spares = new SpareFids();
  /** Told of what is looked up and read. */
  readonly watch: Watch | undefined;
  readonly owners: Owners;
  readonly cache: CachePolicy;
  readonly kernel: KernelNotices;
  /** Names this mount among the clients of the server, for locks. */
  readonly clientId: string;
  readonly #mounted = performance.now();

  constructor(parts: VolumeParts) {
    this.remote = parts.remote;
    this.pipeline = parts.pipeline;
    this.nodes = parts.nodes;
    this.owners = parts.owners;
    this.cache = parts.cache;
    this.kernel = parts.kernel;
    this.clientId = parts.clientId;
    this.watch = parts.foresight?.watch();
    const { attributes } = this.cache;
    if (!parts.foresight || attributes === 0) return;
    const root = this.nodes.root.fid!;
    this.foreseen.ask(root, parts.foresight, this.remote, this.pipeline, attributes / 2);
  }

  /** A file's attributes as this machine sees them. */
  shown({ attributes }: RemoteFile): FuseAttributes {
    return { ...attributes, ...this.owners.shown(attributes) };
  }

  entry(node: Node, file: RemoteFile): FuseEntry {
    return {
      node: node.id,
      generation: 0,
      entryTimeout: this.cache.entries,
      attributesTimeout: this.cache.attributes,
      attributes: this.shown(file),
    };
  }

  /** Asks the server for the file of that name. */
  find(parent: Node, name: string, signal: AbortSignal): Promise<Found> {
    return this.#find(parent, name, signal, (fid) => this.remote.getattr(fid, { signal }));
  }

  /**
   * The same for somebody on a path through it, and what was foreseen of it.
   * @throws NinePError (ENOENT)
   */
  async look(parent: Node, name: string, signal: AbortSignal): Promise<Found> {
    const path = pathOf(parent, name);
    if (path !== undefined) this.watch?.lookedUp(path);
    if (parent.listed) this.listings.lookedUp();
    const { moment } = this.changes;
    parent.followed = name;
    const seen = path === undefined ? undefined : await this.foreseen.take(path);
    if (!seen || !this.#isGood(seen)) {
      letGo(seen?.found?.fid);
      const looking = this.#look(parent, name, signal);
      if (path !== undefined) this.#askForRestOfWay(parent, name, path);
      return looking;
    }
    if (!seen.found) throw new NinePError('no such file', Errno.ENOENT);
    const { fid, file } = seen.found;
    const node = this.nodes.found(parent, name, file, fid);
    this.believe(node, file, moment);
    return { node, file };
  }

  /**
   * The kernel asks again for what it was told a while ago, one name after the other: for those that followed the last
   * time it is not waited. Most ways are gone more than once.
   */
  #askForRestOfWay(parent: Node, name: string, path: string): void {
    const { moment } = this.changes;
    const { attributes } = this.cache;
    if (moment === undefined || attributes === 0) return;
    const root = this.nodes.root.fid!;
    const old = performance.now() - attributes;
    let node = this.nodes.child(parent, name);
    let way = path;
    for (let names = 0; node?.followed !== undefined && node.toldAt <= old; names++) {
      if (names === MOST_OF_WAY) return;
      way = `${way}/${node.followed}`;
      node = this.nodes.child(node, node.followed);
      if (!node || node.toldAt > old) return;
      const isLink = node.kind === FileMode.SYMLINK;
      this.foreseen.askFor(root, way, moment, isLink, this.remote, this.pipeline);
    }
  }

  /** A file that was opened to be read, and what was read of it, before the kernel asked for that. */
  async openedAhead(node: Node): Promise<OpenedAhead | undefined> {
    const path = node.place && pathOf(node.place.parent, node.place.name);
    const seen = path === undefined ? undefined : await this.foreseen.takeOpened(path);
    if (!seen) return undefined;
    const isGood = this.#isGood({ at: seen.at, moment: UNCHANGED });
    if (isGood && seen.file.qid.path === node.qid.path) return seen;
    letGo(seen.fid);
    return undefined;
  }

  /** Takes note of what is read of a file. */
  watchRead(node: Node, range: Range): void {
    const path = this.#watchedPath(node);
    if (path !== undefined) this.watch?.read(path, range);
  }

  /** Takes note of a symbolic link that is followed. */
  watchLink(node: Node): void {
    const path = this.#watchedPath(node);
    if (path !== undefined) this.watch?.followed(path);
  }

  #watchedPath({ place }: Node): string | undefined {
    return this.watch && place && pathOf(place.parent, place.name);
  }

  /** How long what the server says is still that of a tree just mounted, in milliseconds; 0 once it is not. */
  get starting(): number {
    if (this.changes.moment !== UNCHANGED) return 0;
    const lifetime = Math.min(this.cache.attributes / 2, START_MS);
    return Math.max(this.#mounted + lifetime - performance.now(), 0);
  }

  /** Whether what the server said still counts: nothing was changed since, and the kernel can still believe it as long. */
  #isGood({ at, moment }: Pick<Seen, 'at' | 'moment'>): boolean {
    return this.changes.moment === moment && performance.now() - at < this.cache.attributes / 2;
  }

  #look(parent: Node, name: string, signal: AbortSignal): Promise<Found> {
    return this.#find(parent, name, signal, (fid) => this.remote.look(fid, { signal }));
  }

  /** Takes note of what the server told, which it was asked at that moment. */
  believe(node: Node, file: RemoteFile, moment: number | undefined): void {
    const isRight = moment !== undefined && moment === this.changes.moment;
    node.believed = isRight ? { file, moment } : undefined;
  }

  /** What the server told so lately that asking again is not worth a round trip, and how long ago, in milliseconds. */
  believed(node: Node): { readonly file: RemoteFile; readonly age: number } | undefined {
    const { believed, toldAt } = node;
    if (!believed || believed.moment !== this.changes.moment) return undefined;
    const age = performance.now() - toldAt;
    return age < this.cache.attributes ? { file: believed.file, age } : undefined;
  }

  #find(
    parent: Node,
    name: string,
    signal: AbortSignal,
    ask: (fid: Fid) => Promise<RemoteFile>,
  ): Promise<Found> {
    return this.nodes.use(parent, async (directory) => {
      const { moment } = this.changes;
      const [fid, file] = await this.pipeline.walk(directory, name, ask, { signal });
      const node = this.nodes.found(parent, name, file, fid);
      this.believe(node, file, moment);
      return { node, file };
    });
  }

  /** The answer that tells of a file: one more reference to it. */
  entryAnswer(node: Node, file: RemoteFile, more: readonly Uint8Array[] = []): Answer {
    // What cannot be told, the kernel gives back no reference to.
    const body = [entryReply(this.entry(node, file)), ...more];
    this.nodes.refer(node);
    return {
      body,
      refused: () => this.nodes.forget(node.id, 1),
    };
  }
}
