import {
  accessSync,
  closeSync,
  constants,
  fdatasync,
  fsync,
  openSync,
  read,
  readSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { OpenMode } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Awaitable, FileLock, OpenFile } from '../server/files.js';
import type { Request } from '../server/request.js';
import type { GraphNode, Handle } from './graph-node.js';
import { fdPath } from './paths.js';

const syncAll = promisify(fsync);
const syncData = promisify(fdatasync);
const readInThread = promisify(read);

/**
 * From here on bytes are copied in a thread, which takes some 50 µs to get there and back: meanwhile others are answered,
 * and what was read before is sent. Of a file that is on a disk, nobody else has to wait for the disk then.
 */
const IN_THREAD_BYTES = 256 * 1024;

/**
 * Opens a regular file through the descriptor that stands for it: whatever takes its name meanwhile, a pipe or a
 * device is not opened.
 * @throws NinePError (EISDIR, EPERM for what is no regular file, EROFS, EMFILE), Node's system errors
 */
export function openFile(node: GraphNode, mode: number): OpenLocalFile {
  const access = mode & OpenMode.ACCESS_MASK;
  const writable = access === OpenMode.WRITE || access === OpenMode.READ_WRITE;
  if (writable || mode & (OpenMode.TRUNCATE | OpenMode.REMOVE_ON_CLOSE)) node.tree.checkWritable();
  if (node.isLink) throw new NinePError('is a symbolic link', Errno.ELOOP);
  if (!node.stats().isFile()) throw new NinePError('not a regular file', Errno.EPERM);
  const path = fdPath(node.descriptor());
  if (access === OpenMode.EXECUTE) accessSync(path, constants.X_OK);
  const fd = node.tree.opening(() => openSync(path, systemFlags(mode)));
  return new OpenLocalFile(node, fd, writable);
}

/** The flags of open(2) for Topen's mode. */
export function systemFlags(mode: number): number {
  // Neither a lease of another process nor a terminal may have an effect on the server.
  let flags = constants.O_NONBLOCK | constants.O_NOCTTY;
  const access = mode & OpenMode.ACCESS_MASK;
  if (access === OpenMode.WRITE) flags |= constants.O_WRONLY;
  else if (access === OpenMode.READ_WRITE) flags |= constants.O_RDWR;
  if (mode & OpenMode.TRUNCATE) flags |= constants.O_TRUNC;
  if (mode & OpenMode.APPEND) flags |= constants.O_APPEND;
  return flags;
}

/** A regular file, open: it goes on to be readable and writable when its name is gone. */
export class OpenLocalFile implements OpenFile<string>, Handle {
  readonly fd: number;
  readonly writable: boolean;
  readonly #node: GraphNode;
  /** What threads do with the descriptor. */
  #working = 0;
  #idle: (() => void) | undefined;

  /** @param fd is closed with this file; one that `Export.opening` made */
  constructor(node: GraphNode, fd: number, writable: boolean) {
    this.#node = node;
    this.fd = fd;
    this.writable = writable;
    node.addHandle(this);
  }

  readInto(offset: number, buffer: Buffer): Awaitable<number> {
    const { length } = buffer;
    if (length < IN_THREAD_BYTES) return readSync(this.fd, buffer, 0, length, offset);
    const reading = this.#inThread(readInThread(this.fd, buffer, 0, length, offset));
    return reading.then(({ bytesRead }) => bytesRead);
  }

  write(offset: number, data: Uint8Array): number {
    return writeSync(this.fd, data, 0, data.length, offset);
  }

  writePieces(offset: number, pieces: readonly Uint8Array[]): number {
    return writevSync(this.fd, pieces, offset);
  }

  sync(dataOnly: boolean): Promise<void> {
    return this.#inThread(dataOnly ? syncData(this.fd) : syncAll(this.fd));
  }

  lock(lock: FileLock, { connection }: Request<string>): boolean {
    return this.#node.tree.locks.lock(this.#node.qid.path, lock, this, connection);
  }

  getlock(lock: FileLock, { connection }: Request<string>): FileLock | undefined {
    return this.#node.tree.locks.conflict(this.#node.qid.path, lock, connection);
  }

  /** The descriptor must not be another's while a thread works with it. */
  close(): void | Promise<void> {
    if (this.#working === 0) return this.#close();
    return new Promise<void>((resolve) => {
      this.#idle = resolve;
    }).then(() => this.#close());
  }

  #inThread<T>(work: Promise<T>): Promise<T> {
    this.#working++;
    return work.finally(() => {
      if (--this.#working === 0) this.#idle?.();
    });
  }

  #close(): void {
    const { tree, qid } = this.#node;
    tree.locks.release(qid.path, this);
    this.#node.removeHandle(this);
    tree.closed();
    closeSync(this.fd);
  }
}
