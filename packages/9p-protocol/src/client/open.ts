import { QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { clientLimits } from '../limits.js';
import type { Fid, RequestOptions } from './fid.js';
import { type PathWalker, release } from './paths.js';
import { isErrno, linuxError } from './system-errors.js';

/** How a file is opened. */
export interface OpenOptions extends RequestOptions {
  /** Permissions of a file that is made, and set-id bits; the server may take some away. Default 0o644. */
  readonly mode?: number | undefined;
}

/**
 * Opens a file that is there; `mode` is OpenMode's.
 * @throws NinePError (EISDIR) for a directory: what reading one yields is each dialect's own affair
 */
export async function openExisting(
  paths: PathWalker,
  names: readonly string[],
  mode: number,
  options: OpenOptions,
): Promise<Fid> {
  const fid = await paths.locate(names, options);
  try {
    if (fid.qid.type & QidType.DIR) throw linuxError(Errno.EISDIR);
    await paths.requests.open(fid, mode, options);
    return fid;
  } catch (error) {
    release(fid);
    throw error;
  }
}

/** Opens a file, or makes it. It may come or go between the two attempts: then both are made again. */
export async function openOrCreate(
  paths: PathWalker,
  names: readonly string[],
  mode: number,
  exclusive: boolean,
  options: OpenOptions,
): Promise<Fid> {
  for (let attempt = 0; ; attempt++) {
    if (!exclusive) {
      try {
        return await openExisting(paths, names, mode, options);
      } catch (error) {
        if (!isErrno(error, Errno.ENOENT)) throw error;
      }
    }
    try {
      return await create(paths, names, mode, options);
    } catch (error) {
      if (exclusive || !isErrno(error, Errno.EEXIST)) throw error;
      if (attempt >= clientLimits.symlinks) throw linuxError(Errno.ELOOP);
    }
    // A symbolic link that leads to nothing: the file is made where it leads.
    names = (await paths.linkAt(names, options)) ?? names;
  }
}

async function create(
  paths: PathWalker,
  names: readonly string[],
  mode: number,
  options: OpenOptions,
): Promise<Fid> {
  if (names.length === 0) throw linuxError(Errno.EISDIR);
  const { directory, name } = await paths.locateParent(names, options);
  try {
    await paths.requests.create(directory, name, options.mode ?? 0o644, mode, options);
    return directory;
  } catch (error) {
    release(directory);
    throw error;
  }
}
