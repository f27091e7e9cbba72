/**
 * An unsigned 64-bit number: a `number` up to 2^53 − 1 and a `bigint` beyond, never a `bigint` below.
 * One value so has one representation (`===` compares), and the usual case costs no BigInt.
 */
export type Uint64 = number | bigint;

/** What every message has. */
export interface Message<T extends number> {
  readonly type: T;
  /** Names the request that a reply answers; set by the client. */
  tag: number;
}

/** A server's name for a file, unique on that server: intro(5). */
export interface Qid {
  /** Bits of {@link QidType}. */
  readonly type: number;
  /** Changes whenever the file's contents do; 0 where the server does not count. */
  readonly version: number;
  /** Two files are the same file exactly if their paths are equal. */
  readonly path: Uint64;
}

/** A directory entry: stat(5), with the fields that 9P2000.u adds (left out in 9P2000). */
export interface Stat {
  /** For the server's kernel; 0. */
  readonly type: number;
  /** For the server's kernel; 0. */
  readonly dev: number;
  readonly qid: Qid;
  /** Permissions and bits of {@link ModeBit}. */
  readonly mode: number;
  /** Last read, in seconds since 1970. */
  readonly atime: number;
  /** Last change, in seconds since 1970. */
  readonly mtime: number;
  /** In bytes; 0 for directories and streams. */
  readonly length: Uint64;
  /** The last element of its path; `/` for a root. */
  readonly name: string;
  readonly uid: string;
  readonly gid: string;
  /** Who changed it last. */
  readonly muid: string;
  /** 9P2000.u: target of a symbolic link, or `b MAJOR MINOR`, `c MAJOR MINOR`. */
  readonly extension?: string;
  /** 9P2000.u: numeric owner. */
  readonly nUid?: number;
  /** 9P2000.u: numeric group. */
  readonly nGid?: number;
  /** 9P2000.u: numeric last writer. */
  readonly nMuid?: number;
}

/**
 * What stat(2) tells of a file, in Rgetattr of 9P2000.L; the number of its inode is its qid's path.
 * Seconds count from 1970; earlier ones are negative, in two's complement of 64 bits.
 */
export interface Attributes {
  /** Kind and permissions, see FileMode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names that the file has. */
  readonly nlink: Uint64;
  /** Of a device: its numbers, as the C library's makedev(3) packs them. */
  readonly rdev: Uint64;
  /** In bytes. */
  readonly size: Uint64;
  /** Bytes that are best read or written at once. */
  readonly blksize: Uint64;
  /** Pieces of 512 bytes that the file takes on its disk. */
  readonly blocks: Uint64;
  /** Last read. */
  readonly atimeSec: Uint64;
  readonly atimeNsec: number;
  /** Last change of its contents. */
  readonly mtimeSec: Uint64;
  readonly mtimeNsec: number;
  /** Last change of its contents or attributes. */
  readonly ctimeSec: Uint64;
  readonly ctimeNsec: number;
  /** When it was made. */
  readonly btimeSec: Uint64;
  readonly btimeNsec: number;
  /** Tells files apart that had the same inode one after the other. */
  readonly gen: Uint64;
  /** Changes whenever the contents do. */
  readonly dataVersion: Uint64;
}

/** What statfs(2) tells of the file system that a file is in, in Rstatfs of 9P2000.L. */
export interface FileSystemStatistics {
  /** The kind of file system, by the numbers of statfs(2). */
  readonly type: number;
  /** Bytes of the blocks that the other numbers count. */
  readonly bsize: number;
  readonly blocks: Uint64;
  readonly bfree: Uint64;
  /** Free for users other than root. */
  readonly bavail: Uint64;
  /** Inodes. */
  readonly files: Uint64;
  readonly ffree: Uint64;
  readonly fsid: Uint64;
  /** The longest name, in bytes. */
  readonly namelen: number;
}
