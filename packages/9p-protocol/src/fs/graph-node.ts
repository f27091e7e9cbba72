import { type BigIntStats, closeSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Qid } from '../types.js';
import type { DescriptorHolder } from './descriptors.js';
import { goneError, isMissing, staleError } from './errors.js';
import type { Export } from './export.js';
import { entryPath, PIN } from './paths.js';
import { qidType, qidVersion } from './qids.js';

/** Exact to the nanosecond, inode numbers to 64 bits, and hardly dearer than the other kind. */
const EXACT = { bigint: true } as const;
const EXACT_IF_ANY = { bigint: true, throwIfNoEntry: false } as const;

/** A file opened for a client. */
export interface Handle {
  readonly fd: number;
  readonly writable: boolean;
}

/**
 * A file as the way from the root to it: its parent, its name there, and the inode that was found under it. Names
 * lead nowhere else than one step down from a directory that a descriptor pins, and count only while they lead to
 * the same inode: swapped links and moved directories end in ESTALE, or ENOENT, never outside. There is at most one
 * node for a name as long as fids refer to it, so that all of them follow when it is renamed.
 *
 * The descriptor of a node may be closed at any time and is opened again, step by step, from a directory above
 * whose is still open; the root's stays.
 */
export abstract class GraphNode implements DescriptorHolder {
  readonly tree: Export;
  parent: this | undefined;
  name: string;
  qid: Qid;
  fd = -1;
  slot = -1;
  used = false;
  held = false;
  #children: Map<string, this> | undefined;
  #handles: Set<Handle> | undefined;
  /** Fids, operations and children that refer to it. */
  #references = 0;
  /** It refers to its parent, and is counted in the tree. */
  #counted = false;
  /** Its name is another's by now, or nobody's. */
  #detached = false;

  constructor(tree: Export, parent: GraphNode | undefined, name: string, qid: Qid) {
    this.tree = tree;
    this.parent = parent as this | undefined;
    this.name = name;
    this.qid = qid;
  }

  /** A node of the same class below this one. */
  protected abstract make(name: string, qid: Qid): this;

  get isDirectory(): boolean {
    return (this.qid.type & QidType.DIR) !== 0;
  }

  get isLink(): boolean {
    return (this.qid.type & QidType.SYMLINK) !== 0;
  }

  acquire(): void {
    if (!this.#counted) this.#enter();
    this.#references++;
  }

  /** A directory that nobody refers to stays as long as its descriptor: it may be on the way to the next file. */
  release(): void {
    let node: this | undefined = this;
    while (node?.parent && --node.#references === 0) {
      if (node.fd >= 0 && !node.#detached && node.isDirectory) return;
      node = node.#leave();
    }
  }

  evicted(): void {
    if (this.#references === 0 && this.#counted) this.#leave()?.release();
  }

  /**
   * The file of that name in this directory as it is now, undefined if there is none.
   * @throws NinePError (ENFILE, ELOOP) beyond the limits; Node's system error (EACCES, ENOTDIR …)
   */
  child(name: string): this | undefined {
    const known = this.#children?.get(name);
    const path = entryPath(this.descriptor(), name);
    if (known && known.fd >= 0) {
      const stats = lstatSync(path, EXACT_IF_ANY);
      if (stats && known.matches(stats)) {
        known.used = true;
        known.#refresh(stats);
        return known;
      }
      known.detach();
      if (!stats) return undefined;
    }
    const fd = openAny(path);
    if (fd === undefined) {
      this.#children?.get(name)?.detach();
      return undefined;
    }
    return this.#adopt(name, fd);
  }

  /** The node for a file that was just found under the name, or made there. */
  born(name: string, stats: BigIntStats): this {
    this.#children?.get(name)?.detach();
    this.checkRoom();
    const node = this.make(name, this.tree.qids.of(stats));
    node.#enter();
    return node;
  }

  /** @throws NinePError (ENFILE, ELOOP) if there may be no more files below this one */
  checkRoom(): void {
    const { nodes, depth } = this.tree.limits;
    if (this.tree.nodes >= nodes) {
      throw new NinePError(`too many files in use (limit ${nodes})`, Errno.ENFILE);
    }
    if (this.depth >= depth) throw tooDeep(depth);
  }

  /**
   * A descriptor that stands for this file, good until the next call that may open another.
   * @throws NinePError (ENOENT, ESTALE) if its name leads to no file, or another, and no fid has it open
   */
  descriptor(): number {
    if (this.fd >= 0) {
      this.used = true;
      return this.fd;
    }
    const open = this.#openDescriptor();
    return open >= 0 ? open : this.#reopen();
  }

  /** What stat(2) tells of it now. */
  stats(): BigIntStats {
    const stats = fstatSync(this.descriptor(), EXACT);
    // Some file systems always say 0: only a look at the name tells.
    if (stats.nlink === 0n && this.#openDescriptor() < 0 && this.parent) {
      this.tree.descriptors.close(this);
      this.#reopen();
    }
    this.#refresh(stats);
    return stats;
  }

  /** Where the parent has it, for system calls that take a name. Good until the next call that may open a descriptor. */
  path(): string | Buffer {
    if (this.#detached || !this.parent) throw goneError();
    return entryPath(this.parent.descriptor(), this.name);
  }

  /**
   * The same once the name was seen to lead to this file still.
   * @throws NinePError (ENOENT, ESTALE) if it does not
   */
  checkedPath(): string | Buffer {
    const path = this.path();
    const stats = lstatSync(path, EXACT_IF_ANY);
    if (!stats) throw goneError();
    if (!this.matches(stats)) throw staleError();
    return path;
  }

  matches(stats: BigIntStats): boolean {
    return (
      this.tree.qids.path(stats) === this.qid.path && qidType(Number(stats.mode)) === this.qid.type
    );
  }

  /** The name is no longer this file's. */
  detach(): void {
    if (this.#linked) this.parent!.#removeChild(this.name);
    this.#detached = true;
    if (this.#references === 0 && this.#counted) this.#leave()?.release();
  }

  /** The server took the name away: the space on the disk must not wait for the fids. */
  unlinked(): void {
    this.detach();
    this.tree.descriptors.close(this);
  }

  /** The server moved it. What had that name until now has none any more. */
  moved(directory: this, name: string): void {
    directory.unlinkedChild(name);
    if (this.#linked) this.parent!.#removeChild(this.name);
    const before = this.parent;
    if (this.#counted) directory.acquire();
    this.parent = directory;
    this.name = name;
    if (this.#counted) {
      directory.#addChild(this);
      before?.release();
    }
  }

  /** The server took away what had that name. */
  unlinkedChild(name: string): void {
    this.#children?.get(name)?.unlinked();
  }

  /** A client opened it. */
  addHandle(handle: Handle): void {
    this.#handles ??= new Set();
    this.#handles.add(handle);
    this.acquire();
  }

  removeHandle(handle: Handle): void {
    if (this.#handles?.delete(handle)) this.release();
  }

  /** What a client that opened it for writing may write through, whatever its mode says by now. */
  writableHandle(): Handle | undefined {
    for (const handle of this.#handles ?? []) if (handle.writable) return handle;
    return undefined;
  }

  /** How many directories there are from the root to here. */
  get depth(): number {
    let depth = 0;
    for (let node = this.parent; node; node = node.parent) depth++;
    return depth;
  }

  get #linked(): boolean {
    const { parent } = this;
    return parent !== undefined && parent.#children?.get(this.name) === this;
  }

  #adopt(name: string, fd: number): this {
    try {
      const stats = fstatSync(fd, EXACT);
      const known = this.#children?.get(name);
      if (known?.matches(stats)) {
        this.tree.descriptors.add(known, fd);
        known.#refresh(stats);
        return known;
      }
      const node = this.born(name, stats);
      this.tree.descriptors.add(node, fd);
      return node;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #enter(): void {
    if (!this.parent) return;
    this.#counted = true;
    this.tree.nodes++;
    this.parent.acquire();
    const siblings = this.parent.#children;
    if (!this.#detached && !siblings?.has(this.name)) this.parent.#addChild(this);
  }

  /** Forgets it, and says whom it referred to. */
  #leave(): this | undefined {
    this.tree.descriptors.close(this);
    if (this.#linked) this.parent!.#removeChild(this.name);
    this.#counted = false;
    this.tree.nodes--;
    return this.parent;
  }

  #addChild(node: this): void {
    this.#children ??= new Map();
    this.#children.set(node.name, node);
  }

  #removeChild(name: string): void {
    this.#children?.delete(name);
    if (this.#children?.size === 0) this.#children = undefined;
  }

  #openDescriptor(): number {
    for (const { fd } of this.#handles ?? []) return fd;
    return -1;
  }

  #reopen(): number {
    const way: this[] = [];
    let node: this = this;
    let fd = -1;
    do {
      if (node.#detached || !node.parent) throw goneError();
      // Renames can put directories further down than names lead: each level would cost every request a system call.
      if (way.length >= this.tree.limits.depth) throw tooDeep(this.tree.limits.depth);
      way.push(node);
      node = node.parent;
      fd = node.fd >= 0 ? node.fd : node.#openDescriptor();
    } while (fd < 0);
    node.used = true;
    for (let step = way.pop(); step; step = way.pop()) fd = step.#openIn(fd);
    return fd;
  }

  #openIn(directory: number): number {
    const fd = openSync(entryPath(directory, this.name), PIN);
    if (!this.matches(fstatSync(fd, EXACT))) {
      closeSync(fd);
      throw staleError();
    }
    this.tree.descriptors.add(this, fd);
    return fd;
  }

  #refresh(stats: BigIntStats): void {
    const version = qidVersion(stats);
    const { type, path } = this.qid;
    if (version !== this.qid.version) this.qid = { type, version, path };
  }
}

function tooDeep(limit: number): NinePError {
  return new NinePError(`directories nested too deeply (limit ${limit})`, Errno.ELOOP);
}

function openAny(path: string | Buffer): number | undefined {
  try {
    return openSync(path, PIN);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
