import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
} from 'node:fs';
import { nameToBytes } from '../codec/strings.js';
import { type Dialect, ModeBit, OpenMode } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { linuxPermissions } from '../permissions.js';
import type { NewFile, OpenFile } from '../server/files.js';
import { goneError, permissionError } from './errors.js';
import type { GraphNode } from './graph-node.js';
import { openDirectory } from './open-directory.js';
import { OpenLocalFile, openFile, systemFlags } from './open-file.js';
import { entryPath, fdPath } from './paths.js';

/** Kinds of file that Node cannot make by itself (create-special.ts), and the hard link, which `link` makes. */
const UNSUPPORTED_KINDS = ModeBit.DEVICE | ModeBit.NAMED_PIPE | ModeBit.SOCKET | ModeBit.LINK;
/** What a directory of Linux cannot keep: whoever relies on it shall not be told that it is so. */
export const UNSUPPORTED_FLAGS = ModeBit.APPEND | ModeBit.EXCLUSIVE;
const UNSUPPORTED = UNSUPPORTED_KINDS | UNSUPPORTED_FLAGS;
const MODE_MASK = FileMode.SETUID | FileMode.SETGID | FileMode.STICKY | FileMode.PERMISSIONS;
const OWNER = 0o700;
/** "No change" to chown(2). */
const SAME = -1;
const EXACT = { bigint: true } as const;
/** How often a name may come and go between two looks at it. */
const ATTEMPTS = 8;

export interface Created<N> {
  readonly file: N;
  readonly open: OpenFile<string>;
}

/**
 * Makes a file, directory or symbolic link in a directory, and opens it.
 *
 * Its permissions are those asked for, less, in 9P2000, what open(5) takes away: clients of the other dialects have
 * applied their user's umask, and the server's takes nothing away. Its group is the one asked for where the server
 * may give it away and the directory, by its set-gid bit, does not say otherwise.
 * @throws NinePError (EROFS, EEXIST, EPERM for other kinds of file), Node's system errors
 */
export function createFile<N extends GraphNode>(
  directory: N,
  file: NewFile,
  dialect: Dialect | undefined,
): Created<N> {
  directory.tree.checkWritable();
  if (file.perm & UNSUPPORTED) throw permissionError();
  directory.checkRoom();
  const parent = directory.stats();
  if (file.perm & ModeBit.SYMLINK) return makeLink(directory, file, parent);
  const mode = permissionsOf(file, dialect, Number(parent.mode));
  if (file.perm & ModeBit.DIR) return makeDirectory(directory, file, mode, parent);
  return makeFile(directory, file, mode, parent);
}

/** The permissions of a new file, as chmod(2) has them: open(5). */
export function permissionsOf(file: NewFile, dialect: Dialect | undefined, parent: number): number {
  if (dialect !== '9P2000') return linuxPermissions(file.perm);
  const inherited = file.perm & ModeBit.DIR ? 0o777 : 0o666;
  return file.perm & (~inherited | (parent & inherited)) & FileMode.PERMISSIONS;
}

function makeLink<N extends GraphNode>(
  directory: N,
  { name, extension, gid }: NewFile,
  parent: BigIntStats,
): Created<N> {
  if (extension === '') throw new NinePError('a link must lead somewhere', Errno.ENOENT);
  if (extension.includes('\0')) throw new NinePError('invalid link target', Errno.EINVAL);
  symlinkSync(nameToBytes(extension), entryPath(directory.descriptor(), name));
  const file = found(directory, name);
  giveGroup(file.descriptor(), file.stats(), gid, parent);
  return { file, open: {} };
}

function makeDirectory<N extends GraphNode>(
  directory: N,
  { name, gid, mode: openMode }: NewFile,
  mode: number,
  parent: BigIntStats,
): Created<N> {
  // Whoever makes a directory may read it, whatever its permissions are to be.
  mkdirSync(entryPath(directory.descriptor(), name), (mode & FileMode.PERMISSIONS) | OWNER);
  const file = found(directory, name);
  const open = openDirectory(file, openMode);
  try {
    const stats = giveGroup(open.fd, file.stats(), gid, parent);
    // Below a set-gid directory the kernel has set the bit, which is to stay.
    giveMode(open.fd, stats, mode | (Number(stats.mode) & FileMode.SETGID));
  } catch (error) {
    open.close();
    throw error;
  }
  return { file, open };
}

function makeFile<N extends GraphNode>(
  directory: N,
  file: NewFile,
  mode: number,
  parent: BigIntStats,
): Created<N> {
  const { name, exclusive } = file;
  // What exists is opened like any other file: only so no pipe is opened that has the name.
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (!exclusive) {
      const existing = directory.child(name);
      if (existing) return { file: existing, open: openExisting(existing, file.mode) };
    }
    const path = entryPath(directory.descriptor(), name);
    const { O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const flags = systemFlags(file.mode) | O_CREAT | O_EXCL | O_NOFOLLOW;
    const fd = openNew(directory, path, flags, mode, exclusive);
    if (fd !== undefined) return finish(directory, fd, file, mode, parent);
  }
  throw new NinePError('file comes and goes', Errno.EAGAIN);
}

function openExisting(file: GraphNode, mode: number): OpenFile<string> {
  if (file.isDirectory) throw new NinePError('is a directory', Errno.EISDIR);
  return openFile(file, mode);
}

/** undefined if there is something that could be opened instead. */
function openNew(
  directory: GraphNode,
  path: string | Buffer,
  flags: number,
  mode: number,
  exclusive: boolean,
): number | undefined {
  try {
    return directory.tree.opening(() => openSync(path, flags, mode & FileMode.PERMISSIONS));
  } catch (error) {
    if (!exclusive && (error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

function finish<N extends GraphNode>(
  directory: N,
  fd: number,
  { name, mode: openMode, gid }: NewFile,
  mode: number,
  parent: BigIntStats,
): Created<N> {
  try {
    const stats = giveGroup(fd, fstatSync(fd, EXACT), gid, parent);
    giveMode(fd, stats, mode);
    const file = directory.born(name, stats);
    const access = openMode & OpenMode.ACCESS_MASK;
    const writable = access === OpenMode.WRITE || access === OpenMode.READ_WRITE;
    return { file, open: new OpenLocalFile(file, fd, writable) };
  } catch (error) {
    closeSync(fd);
    directory.tree.closed();
    throw error;
  }
}

/** @throws NinePError (ENOENT) if what was made there is gone by now */
export function found<N extends GraphNode>(directory: N, name: string): N {
  const file = directory.child(name);
  if (!file) throw goneError();
  return file;
}

/** Returns what stat(2) tells afterwards, times apart. */
export function giveGroup(
  fd: number,
  stats: BigIntStats,
  gid: number | undefined,
  parent: BigIntStats,
): BigIntStats {
  if (gid === undefined || gid === Number(stats.gid)) return stats;
  if (Number(parent.mode) & FileMode.SETGID) return stats;
  try {
    chownSync(fdPath(fd), SAME, gid);
  } catch (error) {
    // A group that the server's user is not in: the file has the server's, then.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
  return fstatSync(fd, EXACT);
}

/** Only for a file of the server's own: another may have been put where a directory was just made. */
export function giveMode(fd: number, stats: BigIntStats, mode: number): void {
  if ((Number(stats.mode) & MODE_MASK) === mode) return;
  if (Number(stats.uid) === process.geteuid!()) chmodSync(fdPath(fd), mode);
}
