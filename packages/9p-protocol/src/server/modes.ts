import { ModeBit, OpenMode, QidType } from '../constants.js';
import { DirentType, FileMode, LinuxOpen } from '../constants-linux.js';
import { linuxPermissions } from '../permissions.js';
import type { Qid } from '../types.js';
import { invalid } from './refusals.js';

/** A mode of stat(2) for a mode of stat(5). */
export function linuxMode(mode: number, extension: string | undefined): number {
  return linuxType(mode, extension) | linuxPermissions(mode);
}

/** The kind of file that a directory entry tells, as far as a qid knows it. */
export function direntType(qid: Qid): number {
  if (qid.type & QidType.DIR) return DirentType.DIRECTORY;
  return qid.type & QidType.SYMLINK ? DirentType.SYMLINK : DirentType.REGULAR;
}

/**
 * OpenMode for the flags of open(2): access, truncation and appending; the others mean nothing to a file server, or
 * are dealt with by the server, as {@link durability}.
 * @throws NinePError (EINVAL) for the access mode 3
 */
export function openMode(flags: number): number {
  const access = flags & LinuxOpen.ACCESS_MASK;
  if (access === LinuxOpen.ACCESS_MASK) throw invalid('invalid access mode');
  let mode = access;
  if (flags & LinuxOpen.TRUNC) mode |= OpenMode.TRUNCATE;
  if (flags & LinuxOpen.APPEND) mode |= OpenMode.APPEND;
  return mode;
}

/** What has to be on the disk before a write is answered, by the flags of open(2): O_SYNC and O_DSYNC. */
export function durability(flags: number): Durability | undefined {
  if (flags & LinuxOpen.SYNC) return 'file';
  return flags & LinuxOpen.DSYNC ? 'data' : undefined;
}

/** `data`: contents, and what it takes to read them, as fdatasync(2) has it; `file`: times and the like, too. */
export type Durability = 'data' | 'file';

/** The numbers of a device in the extension of a stat of 9P2000.u (`c 1 3`), packed as makedev(3) does; 0 for none. */
export function deviceNumber(extension: string | undefined): number {
  const match = /^[bc] (\d{1,10}) (\d{1,10})$/.exec(extension ?? '');
  if (!match) return 0;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const low = ((major & 0xfff) << 8) | (minor & 0xff);
  // Beyond 32 bits of the low half, JavaScript's bit operations end.
  return low + (minor & 0xfff00) * 0x1000;
}

function linuxType(mode: number, extension: string | undefined): number {
  if (mode & ModeBit.DIR) return FileMode.DIRECTORY;
  if (mode & ModeBit.SYMLINK) return FileMode.SYMLINK;
  if (mode & ModeBit.NAMED_PIPE) return FileMode.FIFO;
  if (mode & ModeBit.SOCKET) return FileMode.SOCKET;
  if (mode & ModeBit.DEVICE) {
    return extension?.startsWith('b') ? FileMode.BLOCK_DEVICE : FileMode.CHARACTER_DEVICE;
  }
  return FileMode.REGULAR;
}
