import { ModeBit, OpenMode } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { DirectoryItem, DirectoryListing, FileLock, OpenFile } from '../server/files.js';
import type { Request } from '../server/request.js';
import type { Stat } from '../types.js';
import type { Contents } from './contents.js';
import type { MemoryFile } from './file.js';
import type { Inode } from './inode.js';
import type { Person } from './users.js';

/** A regular file that was opened. */
export class OpenContents implements OpenFile<Person> {
  readonly #inode: Inode;
  readonly #contents: Contents;
  readonly #appends: boolean;

  /** @throws NinePError (EBUSY) if somebody has a file open that one at a time may. */
  constructor(inode: Inode, contents: Contents, mode: number, user: Person) {
    if (inode.flags & ModeBit.EXCLUSIVE && inode.opened > 0) {
      throw new NinePError('exclusive use file already open', Errno.EBUSY);
    }
    this.#inode = inode;
    this.#contents = contents;
    this.#appends = (mode & OpenMode.APPEND) !== 0 || (inode.flags & ModeBit.APPEND) !== 0;
    inode.opened++;
    if (mode & OpenMode.TRUNCATE && !(inode.flags & ModeBit.APPEND)) {
      contents.truncate(0);
      inode.changed(user);
    }
  }

  read(offset: number, count: number): readonly Uint8Array[] {
    this.#inode.atime = this.#inode.volume.now();
    return this.#contents.read(offset, count);
  }

  write(offset: number, data: Uint8Array, { user }: Request<Person>): number {
    const written = this.#contents.write(this.#appends ? this.#contents.size : offset, data);
    if (written > 0) this.#inode.changed(user);
    return written;
  }

  lock(lock: FileLock, { connection }: Request<Person>): boolean {
    return this.#inode.volume.locks.lock(this.#inode, lock, this, connection);
  }

  getlock(lock: FileLock, { connection }: Request<Person>): FileLock | undefined {
    return this.#inode.volume.locks.conflict(this.#inode, lock, connection);
  }

  close(): void {
    this.#inode.volume.locks.release(this.#inode, this);
    this.#inode.opened--;
  }
}

/** A directory that was opened. What came since the client began to read is not shown, what went is left out. */
export class OpenDirectory implements OpenFile<Person> {
  readonly #directory: MemoryFile;

  constructor(directory: MemoryFile) {
    this.#directory = directory;
  }

  list(): DirectoryListing {
    const directory = this.#directory;
    const files = directory.snapshot();
    return { length: files.length, at: (index) => itemOf(directory, files[index]) };
  }

  *entries(): Iterable<Stat> {
    for (const file of this.#directory.snapshot()) {
      if (isIn(this.#directory, file)) yield file.stat();
    }
  }
}

function itemOf(directory: MemoryFile, file: MemoryFile | undefined): DirectoryItem | undefined {
  if (!file || !isIn(directory, file)) return undefined;
  return { name: file.name, qid: file.qid, type: file.inode.kind >>> 12 };
}

function isIn(directory: MemoryFile, file: MemoryFile): boolean {
  return !file.removed && file.parent === directory;
}
