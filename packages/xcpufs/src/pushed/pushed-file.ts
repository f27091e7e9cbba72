import {
  closeSync,
  constants,
  type Dir,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  opendirSync,
  openSync,
  renameSync,
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import {
  Errno,
  ModeBit,
  NinePError,
  OpenMode,
  type Qid,
  QidType,
  type Stat,
  type Uint64,
} from '@xcpu/9p-protocol';
import type {
  Awaitable,
  CreatedFile,
  NewFile,
  OpenFile,
  Request,
  ServerFile,
  StatChanges,
} from '@xcpu/9p-protocol/server';
import type { Caller } from '../tree/caller.js';
import { inDirectory, splitLast } from './beneath.js';
import { giveFile, MODE_MASK, makeDirectoryAt } from './make.js';
import { OpenDiskFile } from './open-file.js';
import { Access, checkAccess } from './permission.js';
import type { PushedFiles } from './pushed-files.js';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** Directories inside each other that clients can reach: every step of a walk goes through all of them. */
const MAX_DEPTH = 128;

/** A file or directory in a session's `fs/`, named by its way from there: nothing is kept open for a mere walk. */
export class PushedFile implements ServerFile<Caller> {
  readonly qid: Qid;
  readonly parent: ServerFile<Caller>;
  readonly #files: PushedFiles;
  /** Keeps the session while a fid names the file, if his who walked here may do that. */
  readonly #holder: ServerFile<Caller>;
  #components: readonly string[];

  constructor(
    files: PushedFiles,
    parent: ServerFile<Caller>,
    components: readonly string[],
    stats: Stats,
  ) {
    this.#files = files;
    this.parent = parent;
    this.#holder = parent instanceof PushedFile ? parent.#holder : parent;
    this.#components = components;
    this.qid = files.qid(stats);
  }

  /** `fs/` itself. */
  static root(files: PushedFiles, parent: ServerFile<Caller>): PushedFile {
    files.make();
    return new PushedFile(files, parent, [], lstatSync(files.root));
  }

  acquire(): void {
    this.#holder.acquire?.();
  }

  release(): void {
    this.#holder.release?.();
  }

  stat(): Stat {
    const name = this.#components.at(-1) ?? 'fs';
    return this.#files.describe(name, this.#lstat());
  }

  walk(name: string, { user }: Request<Caller>): Awaitable<ServerFile<Caller> | undefined> {
    this.#check(this.#lstat(), user, Access.EXECUTE);
    const components = this.#below(name);
    const found = this.#child(components);
    if (found) return found;
    return this.#files.fetch(components)?.then(() => this.#child(components));
  }

  open(mode: number, { user }: Request<Caller>): OpenFile<Caller> {
    this.#files.session.checkAlive();
    if (this.qid.type & QidType.DIR) return this.#openDirectory(user);
    const fd = this.#within((path) => openSync(path, openFlags(mode) | O_NOFOLLOW | O_NONBLOCK));
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw new NinePError('not a regular file', Errno.EPERM);
      this.#check(stats, user, wantedAccess(mode));
      if (mode & OpenMode.TRUNCATE) ftruncateSync(fd);
      return this.#opened(fd, mode);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  create(file: NewFile, { user }: Request<Caller>): CreatedFile<Caller> {
    this.#files.session.checkAlive();
    const special =
      file.perm & (ModeBit.SYMLINK | ModeBit.DEVICE | ModeBit.NAMED_PIPE | ModeBit.SOCKET);
    if (special || file.extension) {
      throw new NinePError('only files and directories can be made here', Errno.EPERM);
    }
    return file.perm & ModeBit.DIR ? this.#makeDirectory(file, user) : this.#makeFile(file, user);
  }

  remove({ user }: Request<Caller>): void {
    const [parent, name] = splitLast(this.#components);
    this.#changing(parent, user, (path) => {
      const entry = `${path}/${name}`;
      if (lstatSync(entry).isDirectory()) rmdirSync(entry);
      else unlinkSync(entry);
    });
  }

  wstat(changes: StatChanges, { user }: Request<Caller>): void {
    if (changes.uid !== undefined || changes.nUid !== undefined) throw notPermitted();
    if (changes.gid !== undefined || changes.nGid !== undefined) throw notPermitted();
    this.#checkOwner(this.#lstat(), user);
    if (changes.name !== undefined) this.#rename(changes.name, user);
    this.#within((path) => {
      const access = changes.length === undefined ? O_RDONLY : O_WRONLY;
      const fd = openSync(path, access | O_NOFOLLOW | O_NONBLOCK);
      try {
        // Another file may stand there by now, under the same name.
        const stats = fstatSync(fd);
        this.#checkOwner(stats, user);
        if (changes.length !== undefined) {
          this.#check(stats, user, Access.WRITE);
          ftruncateSync(fd, fileLength(changes.length));
        }
        if (changes.mode !== undefined) fchmodSync(fd, changes.mode & MODE_MASK);
        if (changes.mtime !== undefined || changes.atime !== undefined) {
          const mtime = changes.mtime ?? stats.mtimeMs / 1000;
          futimesSync(fd, changes.atime ?? stats.atimeMs / 1000, mtime);
        }
      } finally {
        closeSync(fd);
      }
    });
  }

  #child(components: readonly string[]): PushedFile | undefined {
    try {
      return new PushedFile(this.#files, this, components, this.#lstat(components));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #rename(name: string, caller: Caller): void {
    const [parent, old] = splitLast(this.#components);
    this.#changing(parent, caller, (path) => {
      if (exists(`${path}/${name}`)) throw new NinePError('file exists', Errno.EEXIST);
      renameSync(`${path}/${old}`, `${path}/${name}`);
    });
    this.#components = [...parent, name];
  }

  #makeFile(file: NewFile, caller: Caller): CreatedFile<Caller> {
    const components = this.#below(file.name);
    const flags = openFlags(file.mode) | O_CREAT | O_EXCL | O_NOFOLLOW;
    const fd = this.#changing(this.#components, caller, (path) =>
      openSync(`${path}/${file.name}`, flags, 0o600),
    );
    try {
      giveFile(this.#files, fd, file.perm);
      const made = new PushedFile(this.#files, this, components, fstatSync(fd));
      return { file: made, open: made.#opened(fd, file.mode) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #makeDirectory(file: NewFile, caller: Caller): CreatedFile<Caller> {
    const components = this.#below(file.name);
    const stats = this.#changing(this.#components, caller, (path) =>
      makeDirectoryAt(this.#files, path, file.name, file.perm),
    );
    const made = new PushedFile(this.#files, this, components, stats);
    // Whoever made it has it open, whatever permissions it got: create(5).
    return { file: made, open: made.#listing() };
  }

  #openDirectory(caller: Caller): OpenFile<Caller> {
    this.#check(this.#lstat(), caller, Access.READ);
    return this.#listing();
  }

  /** The directory, read piece by piece: a user may fill his with more files than are to be looked at in one go. */
  #listing(): OpenFile<Caller> {
    this.#files.countOpen();
    let directory: Dir | undefined;
    const close = () => {
      directory?.closeSync();
      directory = undefined;
    };
    return {
      entries: () => {
        close();
        directory = inDirectory(this.#files.root, this.#components, (path) => opendirSync(path));
        return this.#entries(directory);
      },
      close: () => {
        close();
        this.#files.countClosed();
      },
    };
  }

  *#entries(directory: Dir): Iterable<Stat> {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      const { name } = entry;
      try {
        yield this.#files.describe(name, this.#lstat([...this.#components, name]));
      } catch {
        // Gone meanwhile.
      }
    }
  }

  #opened(fd: number, mode: number): OpenFile<Caller> {
    this.#files.countOpen();
    return new OpenDiskFile(fd, mode, () => this.#files.countClosed());
  }

  #check(stats: Stats, caller: Caller, wanted: number): void {
    checkAccess(this.#files.ownership(stats), caller.user, wanted);
    this.#files.session.admit(caller);
  }

  #checkOwner(stats: Stats, caller: Caller): void {
    const { user } = caller;
    if (user.deleted || this.#files.ownership(stats).uid !== user.uid) throw notPermitted();
    this.#files.session.admit(caller);
  }

  /** Runs `use` in a directory whose entries the caller may change: that very one, whatever is moved about meanwhile. */
  #changing<T>(components: readonly string[], caller: Caller, use: (path: string) => T): T {
    return inDirectory(this.#files.root, components, (path) => {
      this.#check(statSync(path), caller, Access.WRITE | Access.EXECUTE);
      return use(path);
    });
  }

  /** Where a file of this name in this directory is. */
  #below(name: string): readonly string[] {
    if (this.#components.length >= MAX_DEPTH) {
      throw new NinePError('too many directories inside each other', Errno.ENAMETOOLONG);
    }
    return [...this.#components, name];
  }

  #lstat(components: readonly string[] = this.#components): Stats {
    return this.#within(lstatSync, components) as Stats;
  }

  /** Runs `use` with a path to the file itself, whose last component `use` must not follow if it is a link. */
  #within<T>(use: (path: string) => T, components: readonly string[] = this.#components): T {
    if (components.length === 0) return use(this.#files.root);
    const [parent, name] = splitLast(components);
    return inDirectory(this.#files.root, parent, (path) => use(`${path}/${name}`));
  }
}

function openFlags(mode: number): number {
  const append = mode & OpenMode.APPEND ? O_APPEND : 0;
  switch (mode & OpenMode.ACCESS_MASK) {
    case OpenMode.WRITE:
      return O_WRONLY | append;
    case OpenMode.READ_WRITE:
      return O_RDWR | append;
    default:
      return O_RDONLY;
  }
}

/** @throws NinePError (EFBIG) where no file can be so long */
function fileLength(length: Uint64): number {
  if (typeof length === 'bigint') throw new NinePError('file too large', Errno.EFBIG);
  return length;
}

function wantedAccess(mode: number): number {
  switch (mode & OpenMode.ACCESS_MASK) {
    case OpenMode.READ:
      return mode & OpenMode.TRUNCATE ? Access.READ | Access.WRITE : Access.READ;
    case OpenMode.WRITE:
      return Access.WRITE;
    case OpenMode.READ_WRITE:
      return Access.READ | Access.WRITE;
    default:
      return Access.EXECUTE;
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function notPermitted(): NinePError {
  return new NinePError('permission denied', Errno.EPERM);
}
