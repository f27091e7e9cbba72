import { encodedLength, nameToBytes } from '../codec/strings.js';
import { FileMode } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_LINK_TARGET, MAX_NAME } from '../limits.js';
import type { CreatedFile, NewFile } from '../server/files.js';
import { linuxMode } from '../server/modes.js';
import { MemoryFile } from './file.js';
import { Inode } from './inode.js';
import { flagsOf } from './modes.js';
import { Access, checkAccess, type Person } from './users.js';

/** Bytes, roughly, that are kept for a name. */
const NAME_COST = 512;

/** Makes a file in a directory, and opens it as far as it can be opened. */
export function createFile(
  directory: MemoryFile,
  file: NewFile,
  user: Person,
): CreatedFile<Person> {
  const there = directory.inode.children?.get(file.name);
  if (there && !file.exclusive) return openThere(there, file, user);
  checkNewName(directory, file.name, user);
  const inode = makeInode(directory, file, user);
  const made = new MemoryFile(file.name, inode, directory);
  try {
    inode.charge(encodedLength(inode.target));
    enter(made, directory, user);
  } catch (error) {
    inode.reclaim();
    throw error;
  }
  const opens = inode.children || inode.contents;
  return { file: made, open: opens ? made.opened(file.mode, user) : {} };
}

/** Gives a file a further name: link(2). */
export function linkFile(
  directory: MemoryFile,
  file: MemoryFile,
  name: string,
  user: Person,
): void {
  if (file.inode.children) {
    throw new NinePError('a directory has one name only', Errno.EPERM);
  }
  if (file.inode.nlink === 0) throw notFound();
  checkNewName(directory, name, user);
  enter(new MemoryFile(name, file.inode, directory), directory, user);
  file.inode.ctime = file.inode.volume.now();
}

/** Takes a name away; the file goes with its last one. */
export function removeFile(file: MemoryFile, user: Person): void {
  const directory = checkRemoval(file, user);
  if (file.inode.children?.size) throw notEmpty();
  leave(file, directory, user);
}

/**
 * Sees whether the file may be moved to that name, replacing what is there: rename(2).
 * @returns what moves it, and cannot fail
 */
export function prepareRename(
  file: MemoryFile,
  directory: MemoryFile,
  name: string,
  user: Person,
): () => void {
  const from = checkRemoval(file, user);
  checkDirectory(directory);
  checkNameLength(name);
  checkAccess(user, directory.inode, Access.WRITE | Access.EXECUTE);
  for (let at: MemoryFile | undefined = directory; at; at = at.parent) {
    if (at === file) throw new NinePError('a directory cannot be moved into itself', Errno.EINVAL);
  }
  const replaced = directory.inode.children!.get(name);
  if (replaced?.inode === file.inode) return () => {};
  if (replaced) checkReplacement(file, replaced, user);
  return () => {
    if (replaced) leave(replaced, directory, user);
    from.inode.children!.delete(file.name);
    if (file.inode.children) {
      from.inode.nlink--;
      directory.inode.nlink++;
    }
    file.name = name;
    file.parent = directory;
    directory.inode.children!.set(name, file);
    file.inode.ctime = file.inode.volume.now();
    from.rearranged(user);
    if (directory !== from) directory.rearranged(user);
  };
}

/**
 * The directory that a file can be taken out of.
 * @throws NinePError (EBUSY, ENOENT, EACCES, EPERM)
 */
export function checkRemoval(file: MemoryFile, user: Person): MemoryFile {
  const { parent } = file;
  if (!parent) throw new NinePError('the root stays where it is', Errno.EBUSY);
  if (file.removed) throw notFound();
  checkAccess(user, parent.inode, Access.WRITE | Access.EXECUTE);
  const owner = user.privileged || user.uid === parent.inode.uid || user.uid === file.inode.uid;
  if (parent.inode.mode & FileMode.STICKY && !owner) {
    throw new NinePError('operation not permitted', Errno.EPERM);
  }
  return parent;
}

function openThere(file: MemoryFile, { perm, mode }: NewFile, user: Person): CreatedFile<Person> {
  if (linuxMode(perm, '') & FileMode.REGULAR && !file.inode.children) {
    const open = file.open(mode, { user } as Parameters<MemoryFile['open']>[1]);
    return { file, open };
  }
  throw new NinePError('file already exists', Errno.EEXIST);
}

function makeInode(directory: MemoryFile, file: NewFile, user: Person): Inode {
  const { perm, extension } = file;
  const mode = linuxMode(perm, extension);
  const kind = mode & FileMode.TYPE_MASK;
  const isDevice = kind === FileMode.CHARACTER_DEVICE || kind === FileMode.BLOCK_DEVICE;
  if (isDevice) checkDevice(extension);
  if (kind === FileMode.SYMLINK) checkTarget(extension);
  const inode = new Inode(directory.inode.volume, mode, flagsOf(perm), user);
  if (isDevice) inode.device = extension;
  if (kind === FileMode.SYMLINK) {
    inode.target = extension;
    inode.mode = kind | FileMode.PERMISSIONS;
  }
  if (directory.inode.mode & FileMode.SETGID) {
    inode.gid = directory.inode.gid;
    if (kind === FileMode.DIRECTORY) inode.mode |= FileMode.SETGID;
  } else if (file.gid !== undefined && (user.privileged || user.groups.includes(file.gid))) {
    inode.gid = file.gid;
  }
  return inode;
}

/** @throws NinePError (EINVAL) unless the extension of a device tells its numbers: `c 1 3`. */
function checkDevice(extension: string): void {
  if (/^[bc] \d{1,10} \d{1,10}$/.test(extension)) return;
  throw new NinePError(`not a device: ${JSON.stringify(extension)}`, Errno.EINVAL);
}

function checkTarget(target: string): void {
  if (target === '') throw new NinePError('a symbolic link leads somewhere', Errno.ENOENT);
  if (nameToBytes(target).length > MAX_LINK_TARGET) throw tooLong();
}

function checkReplacement(file: MemoryFile, replaced: MemoryFile, user: Person): void {
  if (replaced.inode.children && !file.inode.children) {
    throw new NinePError('is a directory', Errno.EISDIR);
  }
  if (file.inode.children && !replaced.inode.children) throw notDirectory();
  checkRemoval(replaced, user);
  if (replaced.inode.children?.size) throw notEmpty();
}

function checkNewName(directory: MemoryFile, name: string, user: Person): void {
  checkDirectory(directory);
  checkNameLength(name);
  if (directory.inode.children!.has(name)) {
    throw new NinePError('file already exists', Errno.EEXIST);
  }
  checkAccess(user, directory.inode, Access.WRITE | Access.EXECUTE);
}

function checkDirectory(directory: MemoryFile): void {
  if (!directory.inode.children) throw notDirectory();
  if (directory.removed) throw notFound();
}

function checkNameLength(name: string): void {
  if (nameToBytes(name).length > MAX_NAME) throw tooLong();
}

/** @throws NinePError (ENOSPC) */
function enter(file: MemoryFile, directory: MemoryFile, user: Person): void {
  const { inode } = file;
  inode.charge(NAME_COST);
  inode.nlink += inode.children ? 2 : 1;
  if (inode.children) directory.inode.nlink++;
  directory.inode.children!.set(file.name, file);
  directory.rearranged(user);
}

function leave(file: MemoryFile, directory: MemoryFile, user: Person): void {
  const { inode } = file;
  directory.inode.children!.delete(file.name);
  file.removed = true;
  inode.nlink -= inode.children ? 2 : 1;
  if (inode.children) directory.inode.nlink--;
  inode.charge(-NAME_COST);
  inode.ctime = inode.volume.now();
  inode.reclaim();
  directory.rearranged(user);
}

function notFound(): NinePError {
  return new NinePError('file not found', Errno.ENOENT);
}

function notDirectory(): NinePError {
  return new NinePError('not a directory', Errno.ENOTDIR);
}

function notEmpty(): NinePError {
  return new NinePError('directory not empty', Errno.ENOTEMPTY);
}

function tooLong(): NinePError {
  return new NinePError('file name too long', Errno.ENAMETOOLONG);
}
