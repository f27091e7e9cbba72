import type { BigIntStats, BigIntStatsFs } from 'node:fs';
import { ModeBit } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import { plan9Permissions } from '../permissions.js';
import type { Attributes, FileSystemStatistics, Qid, Stat, Uint64 } from '../types.js';
import type { OwnerNames } from './owner-names.js';
import { uint64 } from './qids.js';

const NSEC = 1_000_000_000n;
/** The last second that a stat can tell; one more says "leave as it is". */
const LAST_SECOND = 0xfffffffe;
/** The longest name that Linux has on any file system: limits.h, NAME_MAX. */
const NAME_MAX = 255;

/** A file as 9P2000.L shows it. */
export function attributesOf(stats: BigIntStats, qid: Qid): Attributes {
  const { atimeNs, mtimeNs, ctimeNs, birthtimeNs } = stats;
  return {
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    nlink: uint64(stats.nlink),
    rdev: uint64(stats.rdev),
    size: uint64(stats.size),
    blksize: uint64(stats.blksize),
    blocks: uint64(stats.blocks),
    atimeSec: wireSeconds(atimeNs),
    atimeNsec: nanoseconds(atimeNs),
    mtimeSec: wireSeconds(mtimeNs),
    mtimeNsec: nanoseconds(mtimeNs),
    ctimeSec: wireSeconds(ctimeNs),
    ctimeNsec: nanoseconds(ctimeNs),
    btimeSec: wireSeconds(birthtimeNs),
    btimeNsec: nanoseconds(birthtimeNs),
    gen: 0,
    dataVersion: qid.version,
  };
}

/**
 * A file as 9P2000 and 9P2000.u show it. Times that a stat cannot tell are the nearest that it can.
 * @param target where a symbolic link leads
 */
export function statOf(
  stats: BigIntStats,
  name: string,
  qid: Qid,
  owners: OwnerNames,
  target: string | undefined,
): Stat {
  const mode = Number(stats.mode);
  const [nUid, nGid] = [Number(stats.uid), Number(stats.gid)];
  const uid = owners.userName(nUid);
  const kind = mode & FileMode.TYPE_MASK;
  return {
    type: 0,
    dev: 0,
    qid,
    mode: (plan9Kind(kind) | plan9Permissions(mode)) >>> 0,
    atime: plan9Seconds(stats.atimeNs),
    mtime: plan9Seconds(stats.mtimeNs),
    length: kind === FileMode.DIRECTORY ? 0 : uint64(stats.size),
    name,
    uid,
    gid: owners.groupName(nGid),
    muid: uid,
    extension: target ?? deviceExtension(kind, stats.rdev),
    nUid,
    nGid,
    nMuid: nUid,
  };
}

/** @param device the number of the device that the file system is on, which tells it from others */
export function statisticsOf(stats: BigIntStatsFs, device: bigint): FileSystemStatistics {
  return {
    type: Number(BigInt.asUintN(32, stats.type)),
    bsize: Number(stats.bsize),
    blocks: uint64(stats.blocks),
    bfree: uint64(stats.bfree),
    bavail: uint64(stats.bavail),
    files: uint64(stats.files),
    ffree: uint64(stats.ffree),
    fsid: uint64(device),
    namelen: NAME_MAX,
  };
}

/** Seconds since 1970, rounded down. */
export function seconds(time: bigint): bigint {
  return time >= 0n ? time / NSEC : -((-time + NSEC - 1n) / NSEC);
}

/** What {@link seconds} leaves. */
export function nanoseconds(time: bigint): number {
  return Number(time >= 0n ? time % NSEC : ((time % NSEC) + NSEC) % NSEC);
}

function wireSeconds(time: bigint): Uint64 {
  return time >= 0n ? Number(time / NSEC) : BigInt.asUintN(64, seconds(time));
}

function plan9Seconds(time: bigint): number {
  return Math.min(Math.max(Number(seconds(time)), 0), LAST_SECOND);
}

function plan9Kind(kind: number): number {
  switch (kind) {
    case FileMode.DIRECTORY:
      return ModeBit.DIR;
    case FileMode.SYMLINK:
      return ModeBit.SYMLINK;
    case FileMode.FIFO:
      return ModeBit.NAMED_PIPE;
    case FileMode.SOCKET:
      return ModeBit.SOCKET;
    case FileMode.BLOCK_DEVICE:
    case FileMode.CHARACTER_DEVICE:
      return ModeBit.DEVICE;
    default:
      return 0;
  }
}

function deviceExtension(kind: number, rdev: bigint): string {
  if (kind !== FileMode.BLOCK_DEVICE && kind !== FileMode.CHARACTER_DEVICE) return '';
  // How the C library's makedev(3) packs them.
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${kind === FileMode.BLOCK_DEVICE ? 'b' : 'c'} ${major} ${minor}`;
}
