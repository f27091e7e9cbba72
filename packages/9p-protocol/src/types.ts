/**
 * An unsigned 64-bit number: a `number` up to 2^53 − 1 and a `bigint` beyond, never a `bigint` below.
 * One value so has one representation (`===` compares), and the usual case costs no BigInt.
 */
export type Uint64 = number | bigint;

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
