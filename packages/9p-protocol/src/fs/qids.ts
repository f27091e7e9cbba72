import type { BigIntStats } from 'node:fs';
import { QidType } from '../constants.js';
import { DirentType, FileMode } from '../constants-linux.js';
import { MAX_DEVICES } from '../limits.js';
import type { Qid, Uint64 } from '../types.js';

/** Bits of an inode number beside which that of its device fits into a path. */
const INODE_BITS = 48n;
/** An odd number with bits all over it: 2^64 divided by the golden ratio. */
const SCATTER = 0x9e3779b97f4a7c15n;

/** Makes qids of what stat(2) tells. */
export class Qids {
  readonly #rootDevice: bigint;
  /** The other devices below the root, numbered in the order in which they were met. */
  readonly #devices = new Map<bigint, bigint>();

  constructor(rootDevice: bigint) {
    this.#rootDevice = rootDevice;
  }

  of(stats: BigIntStats): Qid {
    return {
      type: qidType(Number(stats.mode)),
      version: qidVersion(stats),
      path: this.path(stats),
    };
  }

  /**
   * A number of 64 bits that no other file of the tree has: that of its inode, and on file systems that are mounted
   * below the root, whose inodes have the same numbers again, that of the mount in the upper 16 bits. Only inode
   * numbers there that need these bits themselves (no common disk file system has them) are scattered over the 64.
   */
  path({ dev, ino }: BigIntStats): Uint64 {
    if (dev === this.#rootDevice) return uint64(ino);
    let index = this.#devices.get(dev);
    if (index === undefined && this.#devices.size < MAX_DEVICES) {
      index = BigInt(this.#devices.size + 1);
      this.#devices.set(dev, index);
    }
    if (index !== undefined && ino >> INODE_BITS === 0n) {
      return uint64((index << INODE_BITS) | ino);
    }
    return uint64(BigInt.asUintN(64, (ino * SCATTER) ^ (dev * SCATTER * SCATTER)));
  }
}

/**
 * A number that changes whenever the contents do: made of the time of change, which nobody can set back, and the
 * length, which tells changes apart that one tick of the kernel's clock has seen.
 */
export function qidVersion({ ctimeNs, size }: BigIntStats): number {
  return Number(BigInt.asUintN(32, ctimeNs ^ (ctimeNs >> 32n) ^ (size << 10n)));
}

/** What a qid tells of the mode of stat(2). */
export function qidType(mode: number): number {
  const kind = mode & FileMode.TYPE_MASK;
  if (kind === FileMode.DIRECTORY) return QidType.DIR;
  return kind === FileMode.SYMLINK ? QidType.SYMLINK : QidType.FILE;
}

/** The kind of file for a directory entry: see DirentType. */
export function kindOf(mode: number): number {
  return (mode & FileMode.TYPE_MASK) >> DIRENT_SHIFT;
}

export function uint64(value: bigint): Uint64 {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Where the kind stands in a mode: the regular file's number tells. */
const DIRENT_SHIFT = Math.log2(FileMode.REGULAR / DirentType.REGULAR);
