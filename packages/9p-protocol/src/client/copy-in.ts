import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { bytesToName } from '../codec/strings.js';
import { OpenMode, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { BulkWriter } from './bulk.js';
import { type CopyOptions, CopyRun, type CopySummary } from './copy.js';
import type { Fid } from './fid.js';
import type { FileKind } from './file-stat.js';
import { type PathWalker, pathNames, release } from './paths.js';
import { isErrno, linuxError, namedError } from './system-errors.js';

/** Copies a file or directory of this machine to the server; see `FileSystem.copyIn`. */
export async function copyIn(
  paths: PathWalker,
  local: string,
  remote: string,
  options: CopyOptions,
): Promise<CopySummary> {
  const copier = new CopierIn(paths, options);
  try {
    await copier.start(Buffer.from(local), pathNames(remote), remote.replace(/\/+$/, '') || '/');
  } catch (error) {
    throw namedError(remote, error);
  }
  return copier.run.summary;
}

/** A name in a directory of the server, and how it is called in messages. */
interface Place {
  readonly directory: Fid;
  readonly name: string;
  readonly path: string;
  /** The directory was made by this copy: nothing is in it. */
  readonly fresh: boolean;
}

class CopierIn {
  readonly run: CopyRun;
  readonly #paths: PathWalker;
  readonly #options: CopyOptions;

  constructor(paths: PathWalker, options: CopyOptions) {
    this.run = new CopyRun(options);
    this.#paths = paths;
    this.#options = options;
  }

  async start(source: Buffer, names: readonly string[], path: string): Promise<void> {
    const stat = await local(source, () => lstat(source, { bigint: true }));
    const there = stat.isDirectory() ? await this.#directoryAt(names) : undefined;
    const parent = there ?? (await this.#paths.locateParent(names, this.#options)).directory;
    try {
      const place = { directory: parent, name: names.at(-1) ?? '', path, fresh: false };
      if (there) {
        this.run.enter();
        await this.#contents(source, stat, there, path, false);
      } else await this.#copy(source, stat, place);
    } finally {
      await this.run.pool.settled();
      release(parent);
    }
    this.run.pool.check();
  }

  /** A directory that is there is taken, through a symbolic link too: the user himself named it. */
  async #directoryAt(names: readonly string[]): Promise<Fid | undefined> {
    try {
      const fid = await this.#paths.locate(names, this.#options);
      if (fid.qid.type & QidType.DIR) return fid;
      release(fid);
      throw linuxError(Errno.ENOTDIR);
    } catch (error) {
      if (isErrno(error, Errno.ENOENT)) return undefined;
      throw error;
    }
  }

  async #copy(source: Buffer, stat: BigIntStats, place: Place): Promise<void> {
    try {
      this.run.enter();
      if (stat.isDirectory()) await this.#directory(source, stat, place);
      else if (stat.isFile()) await this.#file(source, place);
      else if (stat.isSymbolicLink()) await this.#link(source, place);
      else this.run.skipped(place.path, kindOf(stat));
    } catch (error) {
      throw namedError(place.path, error);
    }
  }

  async #directory(source: Buffer, stat: BigIntStats, place: Place): Promise<void> {
    const { path, fresh } = place;
    let fid = fresh ? undefined : await this.#find(place);
    if (fid && !(fid.qid.type & QidType.DIR)) {
      release(fid);
      throw linuxError(Errno.ENOTDIR);
    }
    const made = !fid;
    fid ??= await this.#make(place, Number(stat.mode));
    try {
      await this.#contents(source, stat, fid, path, made);
    } finally {
      release(fid);
    }
  }

  async #make({ directory, name }: Place, mode: number): Promise<Fid> {
    // Open to us whatever its mode: there are files to be made in it.
    const permissions = (mode & 0o777) | 0o700;
    await this.#paths.requests.mkdir(directory, name, permissions, this.#options);
    return directory.walk([name], this.#options);
  }

  async #contents(
    source: Buffer,
    stat: BigIntStats,
    directory: Fid,
    path: string,
    fresh: boolean,
  ): Promise<void> {
    const files: Promise<void>[] = [];
    for (const bytes of await local(source, () => readdir(source, { encoding: 'buffer' }))) {
      const name = bytesToName(bytes);
      const place = { directory, name, path: path === '/' ? `/${name}` : `${path}/${name}`, fresh };
      const inside = Buffer.concat([source, SLASH, bytes]);
      const its = await local(inside, () => lstat(inside, { bigint: true }));
      if (its.isDirectory()) await this.#copy(inside, its, place);
      else {
        const { ended } = await this.run.pool.start(() => this.#copy(inside, its, place));
        files.push(ended);
      }
    }
    // The times of a directory are set when nothing is made in it any more.
    await Promise.all(files);
    this.run.pool.check();
    await this.#keep(directory, stat);
    this.run.done(path, 'directory');
  }

  async #file(source: Buffer, place: Place): Promise<void> {
    // What a name meant a moment ago may be a link or a pipe by now.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await local(source, () => open(source, flags));
    try {
      const stat = await file.stat({ bigint: true });
      if (!stat.isFile()) return this.run.skipped(place.path, kindOf(stat));
      const fid = await this.#create(place, Number(stat.mode) & 0o777);
      try {
        const writer = new BulkWriter(fid, { signal: this.#options.signal });
        try {
          // One byte more than there seems to be shows the end of a small file without another piece.
          const size = Math.min(fid.chunk, Number(stat.size) + 1);
          for (;;) {
            const piece = Buffer.allocUnsafe(size);
            const { bytesRead } = await local(source, () =>
              file.read(piece, 0, size, writer.offset),
            );
            if (bytesRead === 0) break;
            await writer.write(piece.subarray(0, bytesRead));
            this.run.moved(place.path, bytesRead, writer.offset);
          }
        } finally {
          await writer.finish();
        }
        await this.#keep(fid, stat);
        this.run.done(place.path, 'file', writer.offset);
      } catch (error) {
        release(fid);
        throw error;
      }
      await fid.clunk();
    } finally {
      await file.close();
    }
  }

  /** A file to be written from its beginning, open; what is there is emptied, a symbolic link taken away. */
  async #create(place: Place, permissions: number): Promise<Fid> {
    const { requests } = this.#paths;
    const there = place.fresh ? undefined : await this.#find(place);
    if (there && !(there.qid.type & QidType.SYMLINK)) {
      try {
        await requests.open(there, OpenMode.WRITE | OpenMode.TRUNCATE, this.#options);
        return there;
      } catch (error) {
        release(there);
        throw error;
      }
    }
    if (there) await there.remove();
    const fid = await place.directory.walk([], this.#options);
    try {
      await requests.create(fid, place.name, permissions, OpenMode.WRITE, this.#options);
      return fid;
    } catch (error) {
      release(fid);
      throw error;
    }
  }

  async #link(source: Buffer, place: Place): Promise<void> {
    const { directory, name, path } = place;
    if (directory.client.dialect === '9P2000') return this.run.skipped(path, 'symlink');
    const target = bytesToName(await local(source, () => readlink(source, { encoding: 'buffer' })));
    const there = place.fresh ? undefined : await this.#find(place);
    if (there && there.qid.type & QidType.DIR) {
      release(there);
      throw linuxError(Errno.EISDIR);
    }
    if (there) await there.remove();
    await this.#paths.requests.symlink(directory, name, target, this.#options);
    this.run.done(path, 'symlink');
  }

  /** What is at a place, whatever it is; undefined if nothing is. */
  async #find({ directory, name }: Place): Promise<Fid | undefined> {
    try {
      return await directory.walk([name], this.#options);
    } catch (error) {
      if (isErrno(error, Errno.ENOENT)) return undefined;
      throw error;
    }
  }

  async #keep(fid: Fid, { mode, atimeNs, mtimeNs }: BigIntStats): Promise<void> {
    if (!this.#options.preserve) return;
    // Only 9P2000.L lets a client say when a file was read last: stat(5).
    const atime = fid.client.dialect === '9P2000.L' ? atimeNs : undefined;
    const changes = { mode: Number(mode) & 0o777, atime, mtime: mtimeNs };
    await this.#paths.requests.change(fid, changes, this.#options);
  }
}

const SLASH = Buffer.from('/');

/** A failure of this machine's own is told with the local path. */
async function local<T>(path: Buffer, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw namedError(path.toString(), NinePError.from(error));
  }
}

function kindOf(stat: BigIntStats): FileKind {
  if (stat.isFIFO()) return 'pipe';
  if (stat.isSocket()) return 'socket';
  if (stat.isCharacterDevice()) return 'character-device';
  return stat.isBlockDevice() ? 'block-device' : 'file';
}
