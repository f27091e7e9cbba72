import { QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { clientLimits } from '../limits.js';
import type { FileSystemStatistics } from '../types.js';
import type { Client } from './client.js';
import type { CopyOptions, CopySummary } from './copy.js';
import { copyIn } from './copy-in.js';
import { copyOut } from './copy-out.js';
import { type EntriesOptions, listEntries, readEntries } from './entries.js';
import type { Fid, RequestOptions } from './fid.js';
import { bytesOf, FileHandle, type OpenFlag, parseFlag } from './file-handle.js';
import type { FileChanges, FileStat, TimeLike } from './file-stat.js';
import { type OpenOptions, openExisting, openOrCreate } from './open.js';
import { type FollowOptions, type PathWalker, pathNames, release } from './paths.js';
import { removeTree } from './remove.js';
import type { FileEntry } from './requests.js';
import { isErrno, linuxError, namedError } from './system-errors.js';

/** What `writeFile` takes. */
export type FileData =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>;

/**
 * The files of a server by path, whatever dialect it speaks. Made by `mount`.
 *
 * Paths begin at the root that was attached to, with or without a `/` in front; `..` takes the name before it away
 * and stops at the root. Symbolic links are followed as a kernel's client would, up to 40 for one path, absolute
 * ones from the root; `follow: false` names the link itself, as `rm`, `rename` and `readlink` always do.
 *
 * Errors are NinePErrors whose text begins with the path (`/a/b: no such file or directory`) and whose `errno` is the
 * Linux number; in 9P2000, which has no numbers, it is guessed from the server's words, and 0 where those are new.
 */
export class FileSystem {
  /** The conversation: its dialect, its msize, its end. */
  readonly client: Client;
  /** The root that was attached to. */
  readonly root: Fid;
  /** Resolves with the reason once the conversation is over; whether to mount anew is the caller's choice. */
  readonly closed: Promise<NinePError>;
  readonly #paths: PathWalker;

  /** @internal */
  constructor(paths: PathWalker) {
    this.#paths = paths;
    this.root = paths.root;
    this.client = paths.root.client;
    this.closed = new Promise((resolve) => this.client.onClose(resolve));
  }

  /**
   * The contents of a file: bytes, or text in that encoding.
   * @throws NinePError (EFBIG) if there are more than `limit` bytes, 16 MiB by default
   */
  readFile(path: string, options?: ReadFileOptions & { encoding?: undefined }): Promise<Buffer>;
  readFile(
    path: string,
    options: BufferEncoding | (ReadFileOptions & { encoding: BufferEncoding }),
  ): Promise<string>;
  readFile(path: string, options: BufferEncoding | ReadFileOptions = {}): Promise<Buffer | string> {
    const {
      encoding,
      limit = clientLimits.readAll,
      signal,
    } = typeof options === 'string' ? { encoding: options } : (options as ReadFileOptions);
    return this.#opened(path, 'r', { signal }, async (file) => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of file.chunks({ signal })) {
        length += piece.length;
        if (length > limit) throw tooLong(path, limit);
        pieces.push(piece);
      }
      const contents = Buffer.concat(pieces, length);
      return encoding ? contents.toString(encoding) : contents;
    });
  }

  /** Writes a file: all of it by default (`flag: 'w'`), or at its end (`'a'`), or a new one (`'wx'`). */
  async writeFile(
    path: string,
    data: FileData,
    options: OpenOptions & { readonly flag?: OpenFlag | undefined } = {},
  ): Promise<void> {
    const { signal } = options;
    const whole = typeof data === 'string' || data instanceof Uint8Array;
    const source = whole ? [bytesOf(data)] : data;
    const file = await this.open(path, options.flag ?? 'w', options);
    try {
      await file.writeFrom(source, { signal });
    } catch (error) {
      release(file.fid);
      throw error;
    }
    await file.close();
  }

  /**
   * Opens a file, with the words of Node's `fs.open`: `r`, `r+`, `w`, `wx`, `a`, ….
   *
   * A server makes files only where none is (`create` of 9P is exclusive here in every dialect), so `w` first looks
   * for one that is there.
   */
  async open(path: string, flag: OpenFlag = 'r', options: OpenOptions = {}): Promise<FileHandle> {
    const { mode, create, exclusive } = parseFlag(flag);
    const { requests } = this.#paths;
    try {
      const names = pathNames(path);
      const fid = create
        ? await openOrCreate(this.#paths, names, mode, exclusive, options)
        : await openExisting(this.#paths, names, mode, options);
      if (!flag.startsWith('a')) return new FileHandle(path, fid, requests);
      return new FileHandle(path, fid, requests, await this.#endOf(fid, options));
    } catch (error) {
      throw namedError(path, error);
    }
  }

  /**
   * Everything in a directory: names and kinds, with `stat` all that the server tells.
   * @throws NinePError (EFBIG) if there are more than `limit`, about a million by default
   */
  readdir(
    path: string,
    options: EntriesOptions & { readonly limit?: number | undefined } = {},
  ): Promise<FileEntry[]> {
    const { requests } = this.#paths;
    return this.#at(path, options, (fid) => listEntries(fid, requests, options));
  }

  /** The same one after the other while the server is still asked for more: for directories of any size. */
  async *entries(path: string, options: EntriesOptions = {}): AsyncGenerator<FileEntry> {
    const { requests } = this.#paths;
    let fid: Fid | undefined;
    try {
      fid = await this.#paths.locate(pathNames(path), options);
      for await (const entries of readEntries(fid, requests, options)) yield* entries;
    } catch (error) {
      throw namedError(path, error);
    } finally {
      if (fid) release(fid);
    }
  }

  /** What the server tells of a file; with `follow: false` of a symbolic link itself. */
  stat(path: string, options: FollowOptions = {}): Promise<FileStat> {
    return this.#at(path, options, (fid) => this.#paths.requests.stat(fid, options));
  }

  /** Whether a path leads to a file. */
  async exists(path: string, options: FollowOptions = {}): Promise<boolean> {
    try {
      await this.#at(path, options, async () => {});
      return true;
    } catch (error) {
      if (isErrno(error, Errno.ENOENT) || isErrno(error, Errno.ENOTDIR)) return false;
      throw error;
    }
  }

  /** A fid of the file, for requests of one's own; clunk it when done. */
  async walk(path: string, options: FollowOptions = {}): Promise<Fid> {
    try {
      return await this.#paths.locate(pathNames(path), options);
    } catch (error) {
      throw namedError(path, error);
    }
  }

  /** Makes a directory, with `recursive` those on the way to it and none that is there. Default mode 0o755. */
  async mkdir(
    path: string,
    options: OpenOptions & { readonly recursive?: boolean | undefined } = {},
  ): Promise<void> {
    const { mode = 0o755 } = options;
    const names = pathNames(path);
    try {
      if (options.recursive) await this.#makeAll(names, mode, options);
      else await this.#make(names, mode, options);
    } catch (error) {
      throw namedError(path, error);
    }
  }

  /**
   * Removes a file or an empty directory; with `recursive` all that is in it. Symbolic links are removed, never
   * followed. With `force` nothing there to remove is no error.
   */
  async rm(
    path: string,
    options: RequestOptions & { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> {
    const names = pathNames(path);
    try {
      if (names.length === 0) throw new NinePError('the root stays', Errno.EBUSY);
      const fid = await this.#paths.locate(names, { ...options, follow: false });
      if (options.recursive) await removeTree(fid, path, this.#paths.requests, options);
      else await fid.remove();
    } catch (error) {
      if (!(options.force && isErrno(error, Errno.ENOENT))) throw namedError(path, error);
    }
  }

  /** Moves a file, replacing what is at `to` where the server does so; 9P2000 and .u only within a directory (EXDEV). */
  async rename(from: string, to: string, options: RequestOptions = {}): Promise<void> {
    const paths = this.#paths;
    const held: Fid[] = [];
    try {
      const source = await paths.locateParent(pathNames(from), options);
      held.push(source.directory);
      const file = await source.directory.walk([source.name], options);
      held.push(file);
      const target = await this.#parentOf(to, options);
      held.push(target.directory);
      await paths.requests.rename(file, source.directory, target.directory, target.name, options);
    } catch (error) {
      throw namedError(from, error);
    } finally {
      for (const fid of held) release(fid);
    }
  }

  /** Makes a symbolic link at `path` that leads to `target`: .u and .L. */
  symlink(target: string, path: string, options: RequestOptions = {}): Promise<void> {
    return this.#inParent(path, options, async (directory, name) => {
      await this.#paths.requests.symlink(directory, name, target, options);
    });
  }

  /** Where a symbolic link leads: .u and .L. */
  readlink(path: string, options: RequestOptions = {}): Promise<string> {
    const here = { ...options, follow: false };
    return this.#at(path, here, (fid) => this.#paths.requests.readlink(fid, options));
  }

  /** Makes `path` one more name of the file `existing`: .u and .L. */
  link(existing: string, path: string, options: RequestOptions = {}): Promise<void> {
    return this.#inParent(path, options, (directory, name) =>
      this.#at(existing, { ...options, follow: false }, async (file) => {
        await this.#paths.requests.link(directory, name, file, options);
      }),
    );
  }

  /** Changes permissions, and set-uid, set-gid and sticky bits. */
  chmod(path: string, mode: number, options: FollowOptions = {}): Promise<void> {
    return this.change(path, { mode }, options);
  }

  /** Changes owner and group: by number in .L, by name in 9P2000, by either in .u; undefined leaves one as it is. */
  chown(
    path: string,
    owner: number | string | undefined,
    group: number | string | undefined,
    options: FollowOptions = {},
  ): Promise<void> {
    return this.change(path, { owner, group }, options);
  }

  /** Changes the times of the last read and the last change; undefined leaves one as it is. */
  utimes(
    path: string,
    atime: TimeLike | undefined,
    mtime: TimeLike | undefined,
    options: FollowOptions = {},
  ): Promise<void> {
    return this.change(path, { atime, mtime }, options);
  }

  /** Cuts a file off, or lets it grow by zeros. */
  truncate(path: string, size = 0, options: FollowOptions = {}): Promise<void> {
    return this.change(path, { size }, options);
  }

  /** Several changes in one request. */
  change(path: string, changes: FileChanges, options: FollowOptions = {}): Promise<void> {
    return this.#at(path, options, (fid) => this.#paths.requests.change(fid, changes, options));
  }

  /** The state of the file system that a file is in: .L. */
  statfs(path = '/', options: RequestOptions = {}): Promise<FileSystemStatistics> {
    return this.#at(path, options, (fid) => this.#paths.requests.statfs(fid, options));
  }

  /**
   * Copies a local file or directory to the server, as `remote`: recursive, symbolic links as links, files that are
   * there overwritten. Devices, pipes and sockets are skipped, and links where the dialect has none.
   */
  copyIn(local: string, remote: string, options: CopyOptions = {}): Promise<CopySummary> {
    return copyIn(this.#paths, local, remote, options);
  }

  /**
   * The same the other way round. Whatever the server says, nothing is written outside `local`: names are checked,
   * and no symbolic link at or below it is written through.
   */
  copyOut(remote: string, local: string, options: CopyOptions = {}): Promise<CopySummary> {
    return copyOut(this.#paths, remote, local, options);
  }

  /** Ends the conversation after what was sent has gone out. */
  close(): void {
    this.client.close();
  }

  /** As `close`, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  async #at<T>(path: string, options: FollowOptions, use: (fid: Fid) => Promise<T>): Promise<T> {
    try {
      const fid = await this.#paths.locate(pathNames(path), options);
      try {
        return await use(fid);
      } finally {
        release(fid);
      }
    } catch (error) {
      throw namedError(path, error);
    }
  }

  async #inParent(
    path: string,
    options: RequestOptions,
    use: (directory: Fid, name: string) => Promise<void>,
  ): Promise<void> {
    const { directory, name } = await this.#parentOf(path, options);
    try {
      await use(directory, name);
    } catch (error) {
      throw namedError(path, error);
    } finally {
      release(directory);
    }
  }

  async #parentOf(path: string, options: RequestOptions) {
    try {
      return await this.#paths.locateParent(pathNames(path), options);
    } catch (error) {
      throw namedError(path, error);
    }
  }

  async #opened<T>(
    path: string,
    flag: OpenFlag,
    options: OpenOptions,
    use: (file: FileHandle) => Promise<T>,
  ): Promise<T> {
    const file = await this.open(path, flag, options);
    try {
      return await use(file);
    } finally {
      release(file.fid);
    }
  }

  /** Writing at the end is the client's business where the dialect, or the server, has no append mode. */
  async #endOf(fid: Fid, options: RequestOptions): Promise<number> {
    try {
      return Number((await this.#paths.requests.stat(fid, options)).size);
    } catch (error) {
      release(fid);
      throw error;
    }
  }

  async #make(names: readonly string[], mode: number, options: RequestOptions): Promise<void> {
    const { directory, name } = await this.#paths.locateParent(names, options);
    try {
      await this.#paths.requests.mkdir(directory, name, mode, options);
    } finally {
      release(directory);
    }
  }

  /** From the end: most of the way is there already. */
  async #makeAll(names: readonly string[], mode: number, options: RequestOptions): Promise<void> {
    try {
      const fid = await this.#paths.locate(names, options);
      release(fid);
      if (!(fid.qid.type & QidType.DIR)) throw linuxError(Errno.ENOTDIR);
    } catch (error) {
      if (!isErrno(error, Errno.ENOENT) || names.length === 0) throw error;
      await this.#makeAll(names.slice(0, -1), mode, options);
      try {
        await this.#make(names, mode, options);
      } catch (failure) {
        // Somebody else was faster.
        if (!isErrno(failure, Errno.EEXIST)) throw failure;
      }
    }
  }
}

/** How a file is read whole. */
export interface ReadFileOptions extends RequestOptions {
  readonly encoding?: BufferEncoding | undefined;
  /** The most bytes to hold. */
  readonly limit?: number | undefined;
}

function tooLong(path: string, limit: number): NinePError {
  return new NinePError(`${path}: file longer than ${limit} bytes`, Errno.EFBIG);
}
