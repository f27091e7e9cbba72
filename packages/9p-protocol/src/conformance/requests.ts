import { MessageType, ModeBit, OpenMode } from '../constants.js';
import { FileMode, LinuxOpen, SetattrMask } from '../constants-linux.js';
import { dontTouch } from '../dont-touch.js';
import type { Tsetattr, Twstat } from '../messages.js';
import type { Attributes, Qid, Stat, Uint64 } from '../types.js';

/** What every dialect tells of a file. */
export interface FileInfo {
  readonly qid: Qid;
  readonly directory: boolean;
  /** rwxrwxrwx. */
  readonly permissions: number;
  readonly size: Uint64;
  /** Seconds since 1970. */
  readonly atime: Uint64;
  readonly mtime: Uint64;
}

/** What every dialect can change of a file. */
export interface FileChanges {
  readonly permissions?: number;
  readonly size?: Uint64;
  /** Seconds since 1970. */
  readonly atime?: number;
  readonly mtime?: number;
}

/** A Tsetattr that changes nothing. */
export const noChange: Omit<Tsetattr, 'tag' | 'fid'> = {
  type: MessageType.Tsetattr,
  valid: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  atimeSec: 0,
  atimeNsec: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
};

export function setattr(fid: number, changes: FileChanges): Omit<Tsetattr, 'tag'> {
  const { permissions, size, atime, mtime } = changes;
  let valid = 0;
  if (permissions !== undefined) valid |= SetattrMask.MODE;
  if (size !== undefined) valid |= SetattrMask.SIZE;
  if (atime !== undefined) valid |= SetattrMask.ATIME | SetattrMask.ATIME_SET;
  if (mtime !== undefined) valid |= SetattrMask.MTIME | SetattrMask.MTIME_SET;
  const set = {
    mode: permissions ?? 0,
    size: size ?? 0,
    atimeSec: atime ?? 0,
    mtimeSec: mtime ?? 0,
  };
  return { ...noChange, fid, valid, ...set };
}

/** The same as a Twstat; permissions are a plain file's. */
export function wstat(fid: number, changes: FileChanges): Omit<Twstat, 'tag'> {
  const { permissions, size, atime, mtime } = changes;
  const stat = {
    ...dontTouch,
    ...(permissions !== undefined && { mode: permissions }),
    ...(size !== undefined && { length: size }),
    ...(atime !== undefined && { atime }),
    ...(mtime !== undefined && { mtime }),
  };
  return { type: MessageType.Twstat, fid, stat };
}

export function infoOf(file: Stat | (Attributes & { readonly qid: Qid })): FileInfo {
  const { qid, mode } = file;
  const permissions = mode & FileMode.PERMISSIONS;
  if ('length' in file) {
    const { length: size, atime, mtime } = file;
    return { qid, directory: (mode & ModeBit.DIR) !== 0, permissions, size, atime, mtime };
  }
  const { size, atimeSec: atime, mtimeSec: mtime } = file;
  const directory = (mode & FileMode.TYPE_MASK) === FileMode.DIRECTORY;
  return { qid, directory, permissions, size, atime, mtime };
}

/** The flags of Tlopen that say what bits of OpenMode do. */
export function linuxFlags(mode: number): number {
  let flags = mode & OpenMode.ACCESS_MASK;
  if (mode & OpenMode.TRUNCATE) flags |= LinuxOpen.TRUNC;
  if (mode & OpenMode.APPEND) flags |= LinuxOpen.APPEND;
  return flags;
}
