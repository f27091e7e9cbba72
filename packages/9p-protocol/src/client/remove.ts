import { QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { clientLimits } from '../limits.js';
import { charactersOf, checkNames, listEntries } from './entries.js';
import type { Fid, RequestOptions } from './fid.js';
import { mapConcurrently } from './pool.js';
import type { FileRequests } from './requests.js';
import { isErrno, linuxError, namedError } from './system-errors.js';

/**
 * Removes a file, or a directory and all that is in it; links are not followed. The fid is clunked either way.
 * @throws NinePError naming the path of what could not be removed; `path` is the fid's
 */
export async function removeTree(
  fid: Fid,
  path: string,
  requests: FileRequests,
  options: RequestOptions,
): Promise<void> {
  let left = clientLimits.treeEntries;
  /** Of the names of all levels that are being emptied. */
  let characters = 0;
  const remove = async (file: Fid, at: string, depth: number): Promise<void> => {
    if (--left < 0) throw new NinePError('too many files in it', Errno.EFBIG);
    try {
      if (file.qid.type & QidType.DIR) await empty(file, at, depth);
    } catch (error) {
      await file.clunk().catch(() => {});
      throw error;
    }
    await file.remove();
  };
  const empty = async (directory: Fid, at: string, depth: number): Promise<void> => {
    // Each level is held until it is empty, and a server can invent them without end.
    if (depth >= clientLimits.pathNames) throw linuxError(Errno.ELOOP);
    const entries = await listEntries(directory, requests, options);
    const ofLevel = charactersOf(entries);
    characters += ofLevel;
    checkNames(characters);
    const child = async ({ name }: { name: string }) => {
      const below = `${at}/${name}`;
      try {
        await remove(await directory.walk([name], options), below, depth + 1);
      } catch (error) {
        // Somebody else was faster.
        if (isErrno(error, Errno.ENOENT)) return;
        throw namedError(below, error);
      }
    };
    const isDirectory = ({ kind }: { kind: string }) => kind === 'directory';
    const files = entries.filter((entry) => !isDirectory(entry));
    await mapConcurrently(files, clientLimits.entryRequests, child);
    for (const directories of entries.filter(isDirectory)) await child(directories);
    characters -= ofLevel;
  };
  await remove(fid, path, 0);
}
