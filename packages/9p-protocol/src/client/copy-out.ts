import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, stat, symlink, unlink } from 'node:fs/promises';
import { nameToBytes } from '../codec/strings.js';
import { OpenMode } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { readContents } from './bulk.js';
import { type CopyOptions, CopyRun, type CopySummary } from './copy.js';
import { readEntries } from './entries.js';
import type { Fid } from './fid.js';
import type { FileStat } from './file-stat.js';
import { type PathWalker, pathNames, release } from './paths.js';
import { namedError } from './system-errors.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Copies a file or directory of the server to this machine; see `FileSystem.copyOut`. */
export async function copyOut(
  paths: PathWalker,
  remote: string,
  local: string,
  options: CopyOptions,
): Promise<CopySummary> {
  const copier = new CopierOut(paths, options);
  try {
    const fid = await paths.locate(pathNames(remote), options);
    const target = Buffer.from(local);
    try {
      await copier.copy(fid, remote.replace(/\/+$/, '') || '/', target, true);
    } finally {
      await copier.run.pool.settled();
      release(fid);
    }
    copier.run.pool.check();
  } catch (error) {
    throw namedError(remote, error);
  }
  return copier.run.summary;
}

class CopierOut {
  readonly run: CopyRun;
  readonly #paths: PathWalker;
  readonly #options: CopyOptions;

  constructor(paths: PathWalker, options: CopyOptions) {
    this.run = new CopyRun(options);
    this.#paths = paths;
    this.#options = options;
  }

  /** Copies what a fid names to a local path; `top` is what the user named, where links are his own business. */
  async copy(fid: Fid, path: string, target: Buffer, top = false): Promise<void> {
    try {
      this.run.enter();
      const stat = await this.#paths.requests.stat(fid, this.#options);
      // A fid keeps its file: what it is cannot change between here and its use, whatever a name means by then.
      if (stat.kind === 'directory') await this.#directory(fid, path, target, stat, top);
      else if (stat.kind === 'file') await this.#file(fid, path, target, stat);
      else if (stat.kind === 'symlink') await this.#link(fid, path, target);
      else this.run.skipped(path, stat.kind);
    } catch (error) {
      throw localError(path, target, error);
    }
  }

  async #directory(
    fid: Fid,
    path: string,
    target: Buffer,
    stat: FileStat,
    top: boolean,
  ): Promise<void> {
    await makeDirectory(target, stat.mode, top);
    const files: Promise<void>[] = [];
    const batches = readEntries(fid, this.#paths.requests, { signal: this.#options.signal });
    for await (const entries of batches) {
      for (const { name, kind } of entries) {
        const below = path === '/' ? `/${name}` : `${path}/${name}`;
        const inside = localPath(target, name);
        if (kind === 'directory') await this.#child(fid, name, below, inside);
        else {
          const { ended } = await this.run.pool.start(() => this.#child(fid, name, below, inside));
          files.push(ended);
        }
      }
      // The times of a directory are set when nothing is made in it any more.
      await Promise.all(files.splice(0));
      this.run.pool.check();
    }
    if (this.#options.preserve) await keepDirectory(target, stat, top);
    this.run.done(path, 'directory');
  }

  async #child(directory: Fid, name: string, path: string, target: Buffer): Promise<void> {
    let fid: Fid;
    try {
      fid = await directory.walk([name], this.#options);
    } catch (error) {
      throw namedError(path, error);
    }
    try {
      await this.copy(fid, path, target);
    } finally {
      release(fid);
    }
  }

  async #file(fid: Fid, path: string, target: Buffer, stat: FileStat): Promise<void> {
    const { preserve, signal } = this.#options;
    await this.#paths.requests.open(fid, OpenMode.READ, this.#options);
    const mode = stat.mode & 0o777;
    const file = await createFile(target, preserve ? 0o600 : mode);
    try {
      let at = 0;
      for await (const piece of readContents(fid, { signal })) {
        this.run.moved(path, piece.length, at + piece.length);
        for (let done = 0; done < piece.length; ) {
          const { bytesWritten } = await file.write(piece, done, piece.length - done, at + done);
          done += bytesWritten;
        }
        at += piece.length;
      }
      if (preserve) await keep(file, stat);
      this.run.done(path, 'file', at);
    } finally {
      await file.close();
    }
  }

  async #link(fid: Fid, path: string, target: Buffer): Promise<void> {
    const leadsTo = nameToBytes(await this.#paths.requests.readlink(fid, this.#options));
    for (let again = false; ; again = true) {
      try {
        await symlink(leadsTo, target);
        break;
      } catch (error) {
        if (again || codeOf(error) !== 'EEXIST') throw error;
        await makeWay(target);
      }
    }
    this.run.done(path, 'symlink');
  }
}

/**
 * Opens a file for writing that nothing but this name leads to, emptied if it was there. A link of that name,
 * symbolic or one of several to a file, is taken away first, so that it is never written through.
 */
async function createFile(target: Buffer, mode: number): Promise<FileHandle> {
  for (let again = false; ; again = true) {
    try {
      return await open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    } catch (error) {
      if (again || codeOf(error) !== 'EEXIST') throw error;
    }
    if (isOwnFile(await lstat(target))) {
      const file = await openEmptied(target);
      if (file) return file;
    } else {
      await makeWay(target);
    }
  }
}

/** Nothing if the target has become something else than a file of one name. */
async function openEmptied(target: Buffer): Promise<FileHandle | undefined> {
  // Not emptied by opening it: what it is by then is only known afterwards.
  const file = await open(target, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  let emptied = false;
  try {
    if (!isOwnFile(await file.stat())) return undefined;
    await file.truncate();
    emptied = true;
    return file;
  } finally {
    if (!emptied) await file.close();
  }
}

function isOwnFile(there: Stats): boolean {
  return there.isFile() && there.nlink === 1;
}

/** Takes away a file or a link, and nothing else: to root, /dev/null is a file that could be replaced. */
async function makeWay(target: Buffer): Promise<void> {
  const there = await lstat(target);
  if (there.isDirectory()) throw inTheWay(Errno.EISDIR, 'is a directory');
  if (!there.isFile() && !there.isSymbolicLink()) {
    throw inTheWay(Errno.EEXIST, 'is a pipe, a socket or a device');
  }
  await unlink(target);
}

/**
 * A directory that is there is taken, a link to one only if the user himself named it: the server may have had the
 * link made a moment ago.
 */
async function makeDirectory(target: Buffer, mode: number, top: boolean): Promise<void> {
  try {
    // Open to us whatever its mode: there are files to be made in it.
    await mkdir(target, (mode & 0o777) | 0o700);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const there = await (top ? stat(target) : lstat(target));
    if (!there.isDirectory()) throw inTheWay(Errno.ENOTDIR, 'not a directory');
  }
}

async function keepDirectory(target: Buffer, stat: FileStat, top: boolean): Promise<void> {
  const directory = await open(target, O_RDONLY | O_DIRECTORY | (top ? 0 : O_NOFOLLOW));
  try {
    await keep(directory, stat);
  } finally {
    await directory.close();
  }
}

async function keep(file: FileHandle, { mode, atimeMs, mtimeMs }: FileStat): Promise<void> {
  await file.chmod(mode & 0o777);
  await file.utimes(atimeMs / 1000, mtimeMs / 1000);
}

/** Names are bytes on the server as they are here. */
function localPath(directory: Buffer, name: string): Buffer {
  const bytes = nameToBytes(name);
  // On Windows more than the slash leads out of a directory.
  if (process.platform === 'win32' && /[\\:]/.test(name)) {
    throw new NinePError(`${JSON.stringify(name)} is no name here`, Errno.EINVAL);
  }
  return Buffer.concat([directory, SLASH, bytes]);
}

const SLASH = Buffer.from('/');

/** A failure of this machine's own, with the local path, since the other end has nothing to do with it. */
function localError(path: string, target: Buffer, error: unknown): unknown {
  if (error instanceof InTheWay) return namedError(target.toString(), error.reason);
  if (error instanceof NinePError) return namedError(path, error);
  return codeOf(error) ? namedError(target.toString(), NinePError.from(error)) : error;
}

/** What is at the target is of another kind than what comes, and not to be replaced. */
class InTheWay extends Error {
  constructor(readonly reason: NinePError) {
    super(reason.message);
  }
}

function inTheWay(errno: number, text: string): InTheWay {
  return new InTheWay(new NinePError(text, errno));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error && 'errno' in error ? error.code : undefined;
}
