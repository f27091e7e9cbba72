import { OpenMode, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { clientLimits } from '../limits.js';
import type { Fid, RequestOptions } from './fid.js';
import type { FileStat } from './file-stat.js';
import { isFileName, release } from './paths.js';
import { mapConcurrently } from './pool.js';
import type { FileEntry, FileRequests } from './requests.js';
import { isErrno, linuxError } from './system-errors.js';

/** What entries are read with. */
export interface EntriesOptions extends RequestOptions {
  /** Asks for what each file is (9P2000.L: a few requests for each; else it comes for nothing). */
  readonly stat?: boolean | undefined;
}

/**
 * The entries of a directory in pieces as the server sends them, without `.` and `..`, however many there are; what
 * `directory` names stays as it was.
 * @throws NinePError (ENOTDIR), (protocol) if the server calls a file by what is no name
 */
export async function* readEntries(
  directory: Fid,
  requests: FileRequests,
  options: EntriesOptions,
): AsyncGenerator<FileEntry[]> {
  if (!(directory.qid.type & QidType.DIR)) throw linuxError(Errno.ENOTDIR);
  const open = await directory.walk([], options);
  try {
    await requests.open(open, OpenMode.READ, options);
    for await (const batch of requests.entries(open, options)) {
      const entries = batch.filter(({ name }) => name !== '.' && name !== '..');
      for (const { name } of entries) {
        if (!isFileName(name)) {
          throw protocolError(`server lists a file by the name of ${JSON.stringify(name)}`);
        }
      }
      yield options.stat ? await withStats(directory, entries, requests, options) : entries;
    }
  } finally {
    release(open);
  }
}

/**
 * All entries of a directory.
 * @throws NinePError (EFBIG) if there are more than `limit`, or their names are too long to hold them
 */
export async function listEntries(
  directory: Fid,
  requests: FileRequests,
  options: EntriesOptions & { readonly limit?: number | undefined },
): Promise<FileEntry[]> {
  const { limit = clientLimits.directoryEntries } = options;
  const all: FileEntry[] = [];
  let characters = 0;
  for await (const entries of readEntries(directory, requests, options)) {
    if (all.length + entries.length > limit) {
      throw new NinePError(`directory of more than ${limit} files`, Errno.EFBIG);
    }
    characters += charactersOf(entries);
    checkNames(characters);
    for (const entry of entries) all.push(entry);
  }
  return all;
}

/** How much there is of the names of entries. */
export function charactersOf(entries: readonly FileEntry[]): number {
  return entries.reduce((sum, { name }) => sum + name.length, 0);
}

/** @throws NinePError (EFBIG) if so much of names is not to be held at once */
export function checkNames(characters: number): void {
  if (characters <= clientLimits.directoryNames) return;
  throw new NinePError('names of too many characters', Errno.EFBIG);
}

/** Files that went away since they were listed are left out. */
async function withStats(
  directory: Fid,
  entries: readonly FileEntry[],
  requests: FileRequests,
  options: RequestOptions,
): Promise<FileEntry[]> {
  const told = await mapConcurrently(entries, clientLimits.entryRequests, async (entry) => {
    const stat = entry.stat ?? (await statOf(directory, entry.name, requests, options));
    return stat && { ...entry, kind: stat.kind, stat };
  });
  return told.filter((entry) => entry !== undefined);
}

async function statOf(
  directory: Fid,
  name: string,
  requests: FileRequests,
  options: RequestOptions,
): Promise<FileStat | undefined> {
  try {
    const fid = await directory.walk([name], options);
    try {
      return await requests.stat(fid, options);
    } finally {
      release(fid);
    }
  } catch (error) {
    if (isErrno(error, Errno.ENOENT)) return undefined;
    throw error;
  }
}
