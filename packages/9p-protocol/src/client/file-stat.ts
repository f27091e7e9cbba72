import { type Dialect, ModeBit, NONUNAME, QidType } from '../constants.js';
import { DirentType, FileMode, GetattrMask } from '../constants-linux.js';
import type { Attributes, Qid, Stat, Uint64 } from '../types.js';

/** What sort of file. */
export type FileKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'pipe'
  | 'socket'
  | 'character-device'
  | 'block-device';

/** What a server tells of a file, in one shape for every dialect; what it does not tell is left out. */
export interface FileStat {
  readonly kind: FileKind;
  /** Permissions (0o777) and set-uid, set-gid and sticky bits (0o7000), without the kind. */
  readonly mode: number;
  /** In bytes; 0 for directories and streams in most servers. */
  readonly size: Uint64;
  /** Two files are the same exactly if their `qid.path` is. */
  readonly qid: Qid;
  /** Last read, in milliseconds since 1970 and fractions of them. */
  readonly atimeMs: number;
  /** Last change of its contents. */
  readonly mtimeMs: number;
  /** The same in nanoseconds: exact where the server is (9P2000.L), whole seconds else. */
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  /** Last change of its contents or attributes: 9P2000.L. */
  readonly ctimeNs?: bigint;
  /** When it was made: 9P2000.L, where the server knows. */
  readonly btimeNs?: bigint;
  /** The owner's and the group's number: 9P2000.u and 9P2000.L. */
  readonly uid?: number;
  readonly gid?: number;
  /** The owner's and the group's name: 9P2000 and 9P2000.u. */
  readonly user?: string;
  readonly group?: string;
  /** Names that the file has: 9P2000.L. */
  readonly nlink?: Uint64;
  /** Where a symbolic link leads, if the server said so unasked: 9P2000.u. */
  readonly target?: string;
  /** Pieces of 512 bytes that it takes on its disk: 9P2000.L. */
  readonly blocks?: Uint64;
  /** What a device is, as the C library's makedev(3) packs it: 9P2000.L. */
  readonly rdev?: Uint64;
}

/** A moment to set: seconds since 1970 as a number (fractions count), nanoseconds as a bigint, a Date, or the server's present time. */
export type TimeLike = number | bigint | Date | 'now';

/** What to change of a file; fields left out stay as they are. */
export interface FileChanges {
  /** Permissions and set-id bits. */
  readonly mode?: number | undefined;
  /** A number; in 9P2000 a name, in 9P2000.u either. */
  readonly owner?: number | string | undefined;
  readonly group?: number | string | undefined;
  /** In bytes. */
  readonly size?: Uint64 | undefined;
  readonly atime?: TimeLike | undefined;
  readonly mtime?: TimeLike | undefined;
}

/** What 9P2000 and 9P2000.u tell. */
export function fromStat(stat: Stat, dialect: Dialect): FileStat {
  const { mode, qid, length, atime, mtime, uid, gid, nUid, nGid, extension = '' } = stat;
  const kind = kindOfStat(mode, extension, dialect);
  return {
    kind,
    mode: permissionsOf(mode),
    size: length,
    qid,
    ...timesOf(seconds(atime), seconds(mtime)),
    ...(isNumber(nUid) && { uid: nUid }),
    ...(isNumber(nGid) && { gid: nGid }),
    user: uid,
    group: gid,
    ...(kind === 'symlink' && { target: extension }),
  };
}

/** What 9P2000.L tells; `valid` are bits of GetattrMask. */
export function fromAttributes(attributes: Attributes, qid: Qid, valid: Uint64): FileStat {
  const { mode, size, uid, gid, nlink, blocks, rdev } = attributes;
  const has = (bit: number) => (BigInt(valid) & BigInt(bit)) !== 0n;
  const born = nanoseconds(attributes.btimeSec, attributes.btimeNsec);
  return {
    kind: kindOfMode(mode) ?? kindOfQid(qid),
    mode: mode & 0o7777,
    size,
    qid,
    ...timesOf(
      nanoseconds(attributes.atimeSec, attributes.atimeNsec),
      nanoseconds(attributes.mtimeSec, attributes.mtimeNsec),
    ),
    ctimeNs: nanoseconds(attributes.ctimeSec, attributes.ctimeNsec),
    ...(has(GetattrMask.BTIME) && { btimeNs: born }),
    ...(has(GetattrMask.UID) && { uid }),
    ...(has(GetattrMask.GID) && { gid }),
    ...(has(GetattrMask.NLINK) && { nlink }),
    ...(has(GetattrMask.BLOCKS) && { blocks }),
    ...(has(GetattrMask.RDEV) && { rdev }),
  };
}

/** The kind that a directory entry of 9P2000.L tells. */
export function kindOfDirent(type: number, qid: Qid): FileKind {
  return type === DirentType.UNKNOWN ? kindOfQid(qid) : (kindOfMode(type << 12) ?? kindOfQid(qid));
}

/** The kind as far as a qid tells it. */
export function kindOfQid({ type }: Qid): FileKind {
  if (type & QidType.DIR) return 'directory';
  return type & QidType.SYMLINK ? 'symlink' : 'file';
}

/** Whole seconds and nanoseconds beyond, as setattr wants them. */
export function momentOf(time: TimeLike): { sec: Uint64; nsec: number } | 'now' {
  if (time === 'now') return time;
  const ns = nanosecondsOf(time);
  const nsec = ((ns % SECOND) + SECOND) % SECOND;
  const sec = BigInt.asUintN(64, (ns - nsec) / SECOND);
  return { sec: sec <= Number.MAX_SAFE_INTEGER ? Number(sec) : sec, nsec: Number(nsec) };
}

/** Seconds since 1970, as wstat wants them. */
export function secondsOf(time: TimeLike): number {
  if (time === 'now') return Math.floor(Date.now() / 1000);
  return Math.min(Math.max(Number(nanosecondsOf(time) / SECOND), 0), 0xfffffffe);
}

const SECOND = 1_000_000_000n;

function kindOfStat(mode: number, extension: string, dialect: Dialect): FileKind {
  if (mode & ModeBit.DIR) return 'directory';
  if (dialect === '9P2000') return 'file';
  if (mode & ModeBit.SYMLINK) return 'symlink';
  if (mode & ModeBit.NAMED_PIPE) return 'pipe';
  if (mode & ModeBit.SOCKET) return 'socket';
  if (mode & ModeBit.DEVICE) return extension.startsWith('b') ? 'block-device' : 'character-device';
  return 'file';
}

function kindOfMode(mode: number): FileKind | undefined {
  switch (mode & FileMode.TYPE_MASK) {
    case FileMode.REGULAR:
      return 'file';
    case FileMode.DIRECTORY:
      return 'directory';
    case FileMode.SYMLINK:
      return 'symlink';
    case FileMode.FIFO:
      return 'pipe';
    case FileMode.SOCKET:
      return 'socket';
    case FileMode.CHARACTER_DEVICE:
      return 'character-device';
    case FileMode.BLOCK_DEVICE:
      return 'block-device';
    default:
      return undefined;
  }
}

function permissionsOf(mode: number): number {
  const special =
    (mode & ModeBit.SETUID ? FileMode.SETUID : 0) |
    (mode & ModeBit.SETGID ? FileMode.SETGID : 0) |
    (mode & ModeBit.STICKY ? FileMode.STICKY : 0);
  return (mode & FileMode.PERMISSIONS) | special;
}

function timesOf(atimeNs: bigint, mtimeNs: bigint) {
  return { atimeMs: milliseconds(atimeNs), mtimeMs: milliseconds(mtimeNs), atimeNs, mtimeNs };
}

function milliseconds(ns: bigint): number {
  return Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1e6;
}

function seconds(sec: number): bigint {
  return BigInt(sec) * SECOND;
}

/** Seconds before 1970 come in two's complement. */
function nanoseconds(sec: Uint64, nsec: number): bigint {
  return BigInt.asIntN(64, BigInt(sec)) * SECOND + BigInt(nsec);
}

function nanosecondsOf(time: number | bigint | Date): bigint {
  if (typeof time === 'bigint') return time;
  if (time instanceof Date) return BigInt(time.getTime()) * 1_000_000n;
  // Through microseconds: a double has no more digits to give for a date of our days.
  return BigInt(Math.round(time * 1e6)) * 1000n;
}

function isNumber(id: number | undefined): id is number {
  return id !== undefined && id !== NONUNAME;
}
