/** Sizes, numbers and bits that the protocol fixes. Source: Plan 9 manual section 5, and the 9P2000.u draft; constants-linux.ts has 9P2000.L's. */

/**
 * Message numbers as they stand in byte 4 of a frame: intro(5). Those below 100 are 9P2000.L's. Terror (106) and
 * Tlerror (6) are never sent.
 */
export const MessageType = {
  Rlerror: 7,
  Tstatfs: 8,
  Rstatfs: 9,
  Tlopen: 12,
  Rlopen: 13,
  Tlcreate: 14,
  Rlcreate: 15,
  Tsymlink: 16,
  Rsymlink: 17,
  Tmknod: 18,
  Rmknod: 19,
  Trename: 20,
  Rrename: 21,
  Treadlink: 22,
  Rreadlink: 23,
  Tgetattr: 24,
  Rgetattr: 25,
  Tsetattr: 26,
  Rsetattr: 27,
  Txattrwalk: 30,
  Rxattrwalk: 31,
  Txattrcreate: 32,
  Rxattrcreate: 33,
  Treaddir: 40,
  Rreaddir: 41,
  Tfsync: 50,
  Rfsync: 51,
  Tlock: 52,
  Rlock: 53,
  Tgetlock: 54,
  Rgetlock: 55,
  Tlink: 70,
  Rlink: 71,
  Tmkdir: 72,
  Rmkdir: 73,
  Trenameat: 74,
  Rrenameat: 75,
  Tunlinkat: 76,
  Runlinkat: 77,
  Tversion: 100,
  Rversion: 101,
  Tauth: 102,
  Rauth: 103,
  Tattach: 104,
  Rattach: 105,
  Rerror: 107,
  Tflush: 108,
  Rflush: 109,
  Twalk: 110,
  Rwalk: 111,
  Topen: 112,
  Ropen: 113,
  Tcreate: 114,
  Rcreate: 115,
  Tread: 116,
  Rread: 117,
  Twrite: 118,
  Rwrite: 119,
  Tclunk: 120,
  Rclunk: 121,
  Tremove: 122,
  Rremove: 123,
  Tstat: 124,
  Rstat: 125,
  Twstat: 126,
  Rwstat: 127,
} as const;

/** The dialects that this library speaks; the version strings of Tversion and Rversion. */
export type Dialect = '9P2000' | '9P2000.u' | '9P2000.L';

/** The tag of Tversion: version(5). */
export const NOTAG = 0xffff;
/** "No fid": the afid of a Tattach without authentication. */
export const NOFID = 0xffffffff;
/** "No number": n_uname, n_uid, n_gid where 9P2000.u and 9P2000.L have none to give. */
export const NONUNAME = 0xffffffff;

/** size[4] type[1] tag[2] in front of every message. */
export const HEADER_SIZE = 7;
/** What a read or write message takes beside its data, rounded up as Plan 9 does: the largest count is msize less this. */
export const IO_HEADER_SIZE = 24;
/** Bytes in front of the data of an Rread: header and count[4]. */
export const RREAD_HEADER_SIZE = 11;
/** Bytes in front of the data of a Twrite: header, fid[4], offset[8] and count[4]. */
export const TWRITE_HEADER_SIZE = 23;
/** The most names in one Twalk: walk(5). */
export const MAX_WALK_NAMES = 16;
/** The smallest msize worth agreeing on: below it no stat fits into an answer. */
export const MIN_MSIZE = 256;
/** Bytes of a qid on the wire: type[1] version[4] path[8]. */
export const QID_SIZE = 13;

/** Topen and Tcreate modes: open(5). The low two bits are the access, the others modify it. */
export const OpenMode = {
  READ: 0,
  WRITE: 1,
  READ_WRITE: 2,
  EXECUTE: 3,
  ACCESS_MASK: 3,
  TRUNCATE: 0x10,
  REMOVE_ON_CLOSE: 0x40,
  /** Writes go to the end whatever their offset; not in Plan 9, understood by npfs and its children. */
  APPEND: 0x80,
} as const;

/** The top byte of a qid's type and of a mode's high bits: stat(5). */
export const QidType = {
  DIR: 0x80,
  APPEND: 0x40,
  EXCLUSIVE: 0x20,
  AUTH: 0x08,
  TEMPORARY: 0x04,
  SYMLINK: 0x02,
  FILE: 0x00,
} as const;

/** High bits of a stat's mode; the low nine are rwxrwxrwx. SYMLINK and those below it are 9P2000.u's. */
export const ModeBit = {
  DIR: 0x80000000,
  APPEND: 0x40000000,
  EXCLUSIVE: 0x20000000,
  AUTH: 0x08000000,
  TEMPORARY: 0x04000000,
  SYMLINK: 0x02000000,
  /** A hard link to the fid whose number the extension of the Tcreate is. */
  LINK: 0x01000000,
  DEVICE: 0x00800000,
  NAMED_PIPE: 0x00200000,
  SOCKET: 0x00100000,
  SETUID: 0x00080000,
  SETGID: 0x00040000,
  STICKY: 0x00010000,
} as const;
