import { Errno, FileMode, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { errnoOf, stale } from '../errors.js';
import { ROOT_NODE } from '../protocol/constants.js';
import type { RemoteFile } from '../remote/remote.js';
import { UNCHANGED } from './changes.js';
import { Node } from './node.js';

/**
 * The files that the kernel has references to. A file is told by its qid's path, so that all of its hard links are one
 * node. The kernel may know any number of files; only some of them have a fid at a time, the others are walked to
 * again when they are needed.
 */
export class NodeTable {
  readonly root: Node;
  readonly #maxFids: number;
  readonly #byId = new Map<Uint64, Node>();
  readonly #byPath = new Map<Uint64, Node>();
  /** Those that have a fid, the root apart; the one that was used longest ago first. */
  readonly #withFid = new Set<Node>();
  #nextId = ROOT_NODE + 1;

  /**
   * @param root a fid that stays the caller's
   * @param file what its server just told of it
   */
  constructor(root: Fid, file: RemoteFile, maxFids: number) {
    this.root = new Node(ROOT_NODE, file);
    // The kernel asks for it first, and would wait for all that is asked for ahead. Nothing was changed so far.
    this.root.believed = { file, moment: UNCHANGED };
    this.root.fid = root;
    this.root.references = 1;
    this.#maxFids = maxFids;
    this.#byId.set(ROOT_NODE, this.root);
    this.#byPath.set(file.qid.path, this.root);
  }

  /** Nodes that the kernel has references to, the root among them. */
  get size(): number {
    return this.#byId.size;
  }

  /** Fids that are kept, the root's apart. */
  get fids(): number {
    return this.#withFid.size;
  }

  /** @throws NinePError (ESTALE) for a number that the kernel has given back */
  get(id: Uint64): Node {
    const node = this.#byId.get(id);
    if (!node) throw stale();
    return node;
  }

  /** The node that has that name, as far as is known. */
  child(parent: Node, name: string): Node | undefined {
    return parent.children?.get(name);
  }

  /**
   * The node of a file that was found under that name. The kernel has no more references to it than before: see
   * {@link refer}.
   * @param fid a fid of it that is not open, which becomes the node's
   */
  found(parent: Node, name: string, file: RemoteFile, fid?: Fid): Node {
    let node = this.#byPath.get(file.qid.path);
    if (node?.isSame(file)) {
      node.told(file);
    } else {
      // The number of a file that is gone: its node goes with the kernel's last reference to it.
      node = new Node(this.#nextId++, file);
      this.#byPath.set(file.qid.path, node);
    }
    if (file.target !== undefined) node.target = file.target;
    this.#place(node, parent, name);
    if (fid) this.#adopt(node, fid);
    return node;
  }

  /** The kernel is told of the node once more. */
  refer(node: Node): void {
    node.references++;
    this.#byId.set(node.id, node);
    // Another operation that found it may have let go of it since.
    if (!this.#byPath.has(node.qid.path)) this.#byPath.set(node.qid.path, node);
    const { place } = node;
    if (place && !place.parent.children?.has(place.name)) {
      this.#place(node, place.parent, place.name);
    }
  }

  /** The kernel gives back references. */
  forget(id: Uint64, count: Uint64): void {
    const node = this.#byId.get(id);
    if (!node || node === this.root) return;
    node.references -= Number(count);
    if (node.references <= 0) this.#drop(node);
  }

  /** Lets go of a node that the kernel was never told of, or has given back. */
  release(node: Node): void {
    if (node.references <= 0 && node !== this.root) this.#drop(node);
  }

  /** The name is gone. */
  unlinked(parent: Node, name: string): void {
    const node = parent.children?.get(name);
    if (node) this.#displace(node);
  }

  renamed(from: Node, name: string, to: Node, newName: string): void {
    const node = from.children?.get(name);
    const replaced = to.children?.get(newName);
    if (node === replaced) return;
    if (replaced) this.#displace(replaced);
    if (node) this.#place(node, to, newName);
  }

  /**
   * Does something with a fid of the node that is not open; it stays the node's while that lasts.
   * @throws NinePError (ESTALE) where its name is gone, or leads to another file by now
   */
  async use<T>(node: Node, operation: (fid: Fid) => Promise<T>): Promise<T> {
    node.users++;
    try {
      return await operation(node.fid ?? (await this.#walk(node)));
    } finally {
      node.users--;
      this.#used(node);
    }
  }

  /**
   * The same for what is there for sure. Servers whose fids are paths lose files when a directory above is renamed
   * (diod does): then the file is walked to again.
   */
  async useThere<T>(node: Node, operation: (fid: Fid) => Promise<T>): Promise<T> {
    const { fid } = node;
    try {
      return await this.use(node, operation);
    } catch (error) {
      const isLost = fid && fid === node.fid && node.place && errnoOf(error) === Errno.ENOENT;
      if (!isLost || node.users > 0) throw error;
      this.#clunk(node);
      return this.use(node, operation);
    }
  }

  /** Two walks at once would leave one fid over. */
  #walk(node: Node): Promise<Fid> {
    node.walking ??= this.#walkTo(node).finally(() => {
      node.walking = undefined;
    });
    return node.walking;
  }

  async #walkTo(node: Node): Promise<Fid> {
    const names: string[] = [];
    let from = node;
    while (!from.fid) {
      if (!from.place) throw stale();
      names.unshift(from.place.name);
      from = from.place.parent;
    }
    from.users++;
    let fid: Fid;
    try {
      fid = await from.fid.walk(names);
    } finally {
      from.users--;
      this.#used(from);
    }
    if (fid.qid.path !== node.qid.path) {
      void fid.clunk().catch(() => {});
      throw stale();
    }
    this.#adopt(node, fid);
    return fid;
  }

  #adopt(node: Node, fid: Fid): void {
    if (node === this.root) {
      void fid.clunk().catch(() => {});
      return;
    }
    if (node.fid) {
      node.retired ??= [];
      node.retired.push(node.fid);
    }
    node.fid = fid;
    this.#used(node);
  }

  /** Nobody may use the fid any more, or it was used last of all. */
  #used(node: Node): void {
    if (node.users === 0 && node.retired) {
      for (const fid of node.retired) void fid.clunk().catch(() => {});
      node.retired = undefined;
    }
    if (node === this.root || !node.fid) return;
    if (node.references <= 0 && node.users === 0 && this.#isGone(node)) return this.#clunk(node);
    this.#withFid.delete(node);
    this.#withFid.add(node);
    if (this.#withFid.size > this.#maxFids) this.#evict();
  }

  #evict(): void {
    for (const node of this.#withFid) {
      // Without a name there is no way back to it: one that is open may be opened once more.
      if (node.users === 0 && (node.place || !node.isOpen)) {
        this.#clunk(node);
        if (this.#withFid.size <= this.#maxFids) return;
      }
    }
  }

  #clunk(node: Node): void {
    this.#withFid.delete(node);
    void node.fid?.clunk().catch(() => {});
    node.fid = undefined;
  }

  #isGone(node: Node): boolean {
    return !this.#byId.has(node.id) && this.#byPath.get(node.qid.path) !== node;
  }

  #drop(node: Node): void {
    this.#byId.delete(node.id);
    if (this.#byPath.get(node.qid.path) === node) this.#byPath.delete(node.qid.path);
    const { place } = node;
    // Its own place stays: files below it that the kernel still knows find their way by it.
    if (place?.parent.children?.get(place.name) === node) place.parent.children.delete(place.name);
    // One that the kernel knows must not hold a whole directory of others that it forgot.
    node.follower = undefined;
    if (node.users === 0) this.#clunk(node);
  }

  #place(node: Node, parent: Node, name: string): void {
    if (node === this.root || isWithin(parent, node)) return;
    const { place } = node;
    if (place?.parent === parent && place.name === name && parent.children?.get(name) === node) {
      return;
    }
    if (place?.parent.children?.get(place.name) === node) place.parent.children.delete(place.name);
    const other = parent.children?.get(name);
    if (other && other !== node) this.#displace(other);
    node.place = { parent, name };
    parent.children ??= new Map();
    parent.children.set(name, node);
  }

  #displace(node: Node): void {
    const { place } = node;
    if (place?.parent.children?.get(place.name) === node) place.parent.children.delete(place.name);
    node.place = undefined;
  }
}

/** Whether a directory is another or below it: as a place of that other, it would lead round in circles. */
function isWithin(directory: Node, other: Node): boolean {
  if (other.kind !== FileMode.DIRECTORY) return false;
  for (let at: Node | undefined = directory; at; at = at.place?.parent) {
    if (at === other) return true;
  }
  return false;
}
