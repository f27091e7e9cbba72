/** Numbers and bits of 9P2000.L. Source: include/net/9p/9p.h of Linux, diod's protocol.md, and the manual pages named. */

/** Which fields an Rgetattr is asked for, and which it has. */
export const GetattrMask = {
  MODE: 0x1,
  NLINK: 0x2,
  UID: 0x4,
  GID: 0x8,
  RDEV: 0x10,
  ATIME: 0x20,
  MTIME: 0x40,
  CTIME: 0x80,
  INO: 0x100,
  SIZE: 0x200,
  BLOCKS: 0x400,
  BTIME: 0x800,
  GEN: 0x1000,
  DATA_VERSION: 0x2000,
  /** What stat(2) tells: everything up to BLOCKS. */
  BASIC: 0x7ff,
  ALL: 0x3fff,
} as const;

/** Which fields a Tsetattr sets. A time without its SET bit becomes the server's present time. */
export const SetattrMask = {
  MODE: 0x1,
  UID: 0x2,
  GID: 0x4,
  SIZE: 0x8,
  ATIME: 0x10,
  MTIME: 0x20,
  CTIME: 0x40,
  ATIME_SET: 0x80,
  MTIME_SET: 0x100,
} as const;

/**
 * Tlopen and Tlcreate flags: open(2). The numbers are fixed on the wire (asm-generic's, SYNC apart) and are not those
 * of every machine: `fs.constants` differ from them on ARM and outside Linux.
 */
export const LinuxOpen = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCESS_MASK: 3,
  CREATE: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  FASYNC: 0o20000,
  DIRECT: 0o40000,
  LARGEFILE: 0o100000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
  SYNC: 0o4000000,
} as const;

/** The mode of Attributes, Tlcreate, Tmkdir, Tmknod and Tsetattr: inode(7). The low nine bits are rwxrwxrwx. */
export const FileMode = {
  TYPE_MASK: 0o170000,
  SOCKET: 0o140000,
  SYMLINK: 0o120000,
  REGULAR: 0o100000,
  BLOCK_DEVICE: 0o060000,
  DIRECTORY: 0o040000,
  CHARACTER_DEVICE: 0o020000,
  FIFO: 0o010000,
  SETUID: 0o4000,
  SETGID: 0o2000,
  STICKY: 0o1000,
  PERMISSIONS: 0o777,
} as const;

/** The kind of file in a directory entry of Rreaddir: readdir(3), d_type. Each is the type bits of FileMode, shifted by 12. */
export const DirentType = {
  UNKNOWN: 0,
  FIFO: 1,
  CHARACTER_DEVICE: 2,
  DIRECTORY: 4,
  BLOCK_DEVICE: 6,
  REGULAR: 8,
  SYMLINK: 10,
  SOCKET: 12,
} as const;

/** What a Tlock asks for, and what an Rgetlock found; UNLCK there means that nobody is in the way. */
export const LockType = { RDLCK: 0, WRLCK: 1, UNLCK: 2 } as const;

/** Bits of Tlock's flags. */
export const LockFlag = {
  /** The client would wait: it asks again when it is answered BLOCKED. */
  BLOCK: 1,
  /** The client had this lock before the server lost its memory. */
  RECLAIM: 2,
} as const;

/** What became of a Tlock. */
export const LockStatus = {
  SUCCESS: 0,
  /** Somebody else has it. */
  BLOCKED: 1,
  ERROR: 2,
  /** The server gives former holders the time to come back. */
  GRACE: 3,
} as const;

/** The one bit of Tunlinkat's flags: the name is a directory's, see unlinkat(2). */
export const AT_REMOVEDIR = 0x200;

/** Txattrcreate's flags: setxattr(2). */
export const XattrFlag = {
  /** Fail if the attribute exists. */
  CREATE: 1,
  /** Fail unless the attribute exists. */
  REPLACE: 2,
} as const;
