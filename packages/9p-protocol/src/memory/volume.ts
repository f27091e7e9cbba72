import { LockTable } from '../server/locks.js';
import type { FileSystemStatistics, Uint64 } from '../types.js';
import type { Inode, Time } from './inode.js';
import { Space } from './space.js';
import type { Users } from './users.js';

/** The number of Linux's own file system in memory, tmpfs: statfs(2). */
const TMPFS_MAGIC = 0x01021994;
const BLOCK = 4096;

/** What all files of a server have in common. */
export class Volume {
  readonly space: Space;
  readonly users: Users;
  readonly locks = new LockTable<Inode>();
  #path: bigint;

  constructor(limit: number, firstPath: Uint64, users: Users) {
    this.space = new Space(limit);
    this.users = users;
    this.#path = BigInt(firstPath);
  }

  /** A number that no other file has, nor has had. */
  nextPath(): Uint64 {
    const path = this.#path++;
    return path > Number.MAX_SAFE_INTEGER ? path : Number(path);
  }

  now(): Time {
    const ms = Date.now();
    return { sec: Math.floor(ms / 1000), nsec: (ms % 1000) * 1e6 };
  }

  statistics(): FileSystemStatistics {
    const blocks = Math.floor(this.space.limit / BLOCK);
    const free = Math.floor((this.space.limit - this.space.used) / BLOCK);
    return {
      type: TMPFS_MAGIC,
      bsize: BLOCK,
      blocks,
      bfree: free,
      bavail: free,
      files: blocks,
      ffree: free,
      fsid: 0,
      namelen: 255,
    };
  }
}
