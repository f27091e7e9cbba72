/** Numbers and bits of the kernel's FUSE protocol. Source: include/uapi/linux/fuse.h of Linux. */

/** The version that this library speaks; the kernel keeps to the lesser of its own minor and this. */
export const MAJOR = 7;
export const MINOR = 31;

/** The node that stands for the root of the mount. */
export const ROOT_NODE = 1;

/** Bytes of fuse_in_header, in front of every request. */
export const IN_HEADER_SIZE = 40;
/** Bytes of fuse_out_header, in front of every reply. */
export const OUT_HEADER_SIZE = 16;
/** The kernel counts the pages of a request in these, whatever the machine's own are. */
export const PAGE_SIZE = 4096;
/** The most pages in one request that kernels allow unless root allowed more (fs.fuse.max_pages_limit). */
export const MAX_PAGES = 256;

/** What a request asks for. */
export const Opcode = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  BMAP: 37,
  DESTROY: 38,
  IOCTL: 39,
  POLL: 40,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  SETUPMAPPING: 48,
  REMOVEMAPPING: 49,
  SYNCFS: 50,
  TMPFILE: 51,
  STATX: 52,
} as const;

/** What the kernel offers in INIT, and what is taken of it. */
export const InitFlag = {
  /** Reads of one file may be under way side by side. */
  ASYNC_READ: 1 << 0,
  /** fcntl(2) locks are asked for here, not kept in the kernel. */
  POSIX_LOCKS: 1 << 1,
  /** OPEN is told of O_TRUNC, in place of a SETATTR before it. */
  ATOMIC_O_TRUNC: 1 << 3,
  /** Writes may be larger than a page. */
  BIG_WRITES: 1 << 5,
  /** flock(2) locks are asked for here. */
  FLOCK_LOCKS: 1 << 10,
  /** Cached contents go when GETATTR tells another time of change. */
  AUTO_INVAL_DATA: 1 << 12,
  DO_READDIRPLUS: 1 << 13,
  /** READDIRPLUS only where the attributes look wanted. */
  READDIRPLUS_AUTO: 1 << 14,
  /** Direct reads and writes of one call may be under way side by side. */
  ASYNC_DIO: 1 << 15,
  /** Writes stay in the page cache for a while; the kernel keeps size and times itself. */
  WRITEBACK_CACHE: 1 << 16,
  /** Lookups and listings in one directory may be under way side by side. */
  PARALLEL_DIROPS: 1 << 18,
  /** The reply's maxPages counts. */
  MAX_PAGES: 1 << 22,
  /** READLINK is asked once while the kernel knows the link. */
  CACHE_SYMLINKS: 1 << 23,
} as const;

/** How an opened file is treated: the flags of the replies to OPEN, OPENDIR and CREATE. */
export const OpenReplyFlag = {
  /** Past the page cache. */
  DIRECT_IO: 1 << 0,
  /** What is cached of its contents is still right. */
  KEEP_CACHE: 1 << 1,
  /** There is no FLUSH when it is closed. Kernels before 5.16 do not know it. */
  NOFLUSH: 1 << 5,
} as const;

/** What the kernel is told without asking. */
export const NotifyCode = {
  /** Attributes of a file, and contents if a range is given, are no longer right. */
  INVAL_INODE: 2,
  /** Contents of a file: they go into its page cache. */
  STORE: 4,
} as const;

/** Which attributes a SETATTR changes. */
export const SetattrValid = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  HANDLE: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  CTIME: 1 << 10,
} as const;

/** Bits of an ACCESS's mask: access(2). */
export const AccessMask = { EXECUTE: 1, WRITE: 2, READ: 4 } as const;

/** Bits of a WRITE's writeFlags: CACHE is a write out of the page cache, whose handle is any that may write. */
export const WriteFlag = { CACHE: 1 << 0 } as const;

/** Bits of a lock's flags: FLOCK is flock(2)'s, else it is fcntl(2)'s. */
export const LockFlag = { FLOCK: 1 << 0 } as const;

/** The type of a lock: fcntl(2), as Linux numbers it on all machines that FUSE runs on. */
export const FuseLockType = { READ: 0, WRITE: 1, UNLOCK: 2 } as const;

/** Bits of a FSYNC's flags: DATA_ONLY is fdatasync(2). */
export const SyncFlag = { DATA_ONLY: 1 << 0 } as const;

/** The end of a lock that reaches to the end of the file: Linux's OFFSET_MAX. */
export const LOCK_TO_END = 0x7fffffffffffffffn;
