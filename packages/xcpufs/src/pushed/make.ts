import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { Errno, NinePError } from '@xcpu/9p-protocol';
import { inDirectory } from './beneath.js';

/** Permission bits that a client may set: none that lend rights. */
export const MODE_MASK = 0o777;

/** Where files are made, and whose they become. */
export interface Place {
  readonly root: string;
  /** undefined where all is the daemon's own user's. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** A new file belongs to the session's user before it gets its permissions. */
export function giveFile({ owner }: Place, fd: number, perm: number): void {
  if (owner) fchownSync(fd, owner.uid, owner.gid);
  fchmodSync(fd, perm & MODE_MASK);
}

/** Makes a directory for the session's user below the place. */
export function makeDirectory(
  place: Place,
  parent: readonly string[],
  name: string,
  perm: number,
): Stats {
  return inDirectory(place.root, parent, (path) => makeDirectoryAt(place, path, name, perm));
}

/**
 * The same in a directory that `path` stands for.
 * @throws NinePError (EBUSY) if something else stands there at once: it is not given away
 */
export function makeDirectoryAt(place: Place, path: string, name: string, perm: number): Stats {
  mkdirSync(`${path}/${name}`, 0o700);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY;
  const fd = openSync(`${path}/${name}`, flags);
  try {
    if (fstatSync(fd).uid !== process.geteuid?.()) {
      throw new NinePError('the directory was replaced while it was made', Errno.EBUSY);
    }
    giveFile(place, fd, perm);
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}
