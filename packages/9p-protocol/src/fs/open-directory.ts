import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import { bytesToName } from '../codec/strings.js';
import { OpenMode } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Awaitable, DirectoryItem, DirectoryListing, OpenFile } from '../server/files.js';
import type { Stat } from '../types.js';
import { statOf } from './attributes.js';
import { isMissing } from './errors.js';
import type { GraphNode, Handle } from './graph-node.js';
import { type NameList, readNames } from './name-list.js';
import { entryPath, fdPath } from './paths.js';
import { kindOf } from './qids.js';

const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = constants;
const EXACT_IF_ANY = { bigint: true, throwIfNoEntry: false } as const;

/** @throws NinePError (EISDIR, EMFILE), Node's system error (EACCES) */
export function openDirectory(node: GraphNode, mode: number): OpenLocalDirectory {
  const access = mode & OpenMode.ACCESS_MASK;
  if (access === OpenMode.WRITE || access === OpenMode.READ_WRITE || mode & OpenMode.TRUNCATE) {
    throw new NinePError('is a directory', Errno.EISDIR);
  }
  const path = fdPath(node.descriptor());
  const fd = node.tree.opening(() => openSync(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
  return new OpenLocalDirectory(node, fd);
}

/** A directory, open: the names in it are those of the moment in which they are first asked for, or asked for anew. */
export class OpenLocalDirectory implements OpenFile<string>, Handle {
  readonly fd: number;
  readonly writable = false;
  readonly #node: GraphNode;
  /** Bytes of the listing that was read last, which clients go through. */
  #charged = 0;
  #closed = false;

  constructor(node: GraphNode, fd: number) {
    this.#node = node;
    this.fd = fd;
    node.addHandle(this);
  }

  list(): Awaitable<DirectoryListing> {
    const names = this.#names();
    return names instanceof Promise
      ? names.then((list) => this.#listing(list))
      : this.#listing(names);
  }

  entries(): Awaitable<Iterable<Stat | undefined>> {
    const names = this.#names();
    return names instanceof Promise ? names.then((list) => this.#stats(list)) : this.#stats(names);
  }

  close(): void {
    this.#closed = true;
    this.#replaceCharge(0);
    this.#node.removeHandle(this);
    this.#node.tree.closed();
    closeSync(this.fd);
  }

  /** A client may ask anew before it has its answer: each list is charged for itself, and takes the last one's place. */
  #names(): Awaitable<NameList> {
    let charged = 0;
    const charge = (bytes: number) => {
      this.#checkOpen();
      this.#node.tree.chargeListing(bytes);
      charged += bytes;
    };
    const keep = (names: NameList) => {
      this.#checkOpen();
      this.#replaceCharge(charged);
      return names;
    };
    const giveBack = (error: unknown): never => {
      this.#node.tree.chargeListing(-charged);
      throw error;
    };
    try {
      const names = readNames(fdPath(this.fd), charge);
      return names instanceof Promise ? names.then(keep).catch(giveBack) : keep(names);
    } catch (error) {
      return giveBack(error);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new NinePError('directory was closed', Errno.EBADF);
  }

  /** The list that was read last gives way to one of so many bytes, which are noted already. */
  #replaceCharge(bytes: number): void {
    this.#node.tree.chargeListing(-this.#charged);
    this.#charged = bytes;
  }

  #listing(names: NameList): DirectoryListing {
    return { length: names.length, at: (index) => this.#item(names.at(index)) };
  }

  #item(name: string): DirectoryItem | undefined {
    const stats = this.#closed ? undefined : lstatSync(entryPath(this.fd, name), EXACT_IF_ANY);
    if (!stats) return undefined;
    return { name, qid: this.#node.tree.qids.of(stats), type: kindOf(Number(stats.mode)) };
  }

  *#stats(names: NameList): Iterable<Stat | undefined> {
    for (let index = 0; index < names.length; index++) yield this.#stat(names.at(index));
  }

  #stat(name: string): Stat | undefined {
    if (this.#closed) return undefined;
    const path = entryPath(this.fd, name);
    const stats = lstatSync(path, EXACT_IF_ANY);
    if (!stats) return undefined;
    const { qids, owners } = this.#node.tree;
    const target = stats.isSymbolicLink() ? targetOf(path) : undefined;
    return statOf(stats, name, qids.of(stats), owners, target);
  }
}

/** Where a symbolic link leads; nowhere if it is gone by now, or is none any more. */
function targetOf(path: string | Buffer): string {
  try {
    return bytesToName(readlinkSync(path, 'buffer'));
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EINVAL') return '';
    throw error;
  }
}
