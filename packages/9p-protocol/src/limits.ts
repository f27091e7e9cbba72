import { IO_HEADER_SIZE, MIN_MSIZE } from './constants.js';
import { Errno } from './errno.js';
import { NinePError } from './errors.js';

/** The largest message that either side offers by default: 1 MiB of data and the header. */
export const DEFAULT_MSIZE = 1024 * 1024 + IO_HEADER_SIZE;

/** The largest value of an extended attribute, in bytes: Linux's own limit (XATTR_SIZE_MAX). */
export const MAX_XATTR_BYTES = 64 * 1024;
/** The longest name of an extended attribute, in bytes: Linux's own limit (XATTR_NAME_MAX). */
export const MAX_XATTR_NAME = 255;

/** Longest name and target of a link of a file in memory, in bytes: Linux's own (NAME_MAX; PATH_MAX less its zero). */
export const MAX_NAME = 255;
export const MAX_LINK_TARGET = 4095;
/** Bytes of the files in memory of one server: those of a machine that has a few times as many. */
export const MAX_MEMORY_BYTES = 2 ** 30;
/** Users whom a server of files in memory tells apart by name: a peer may attach under any. */
export const MAX_NAMED_USERS = 10_000;
/** Devices of which a served directory tells the files apart: as many as fit into a qid's path beside an inode number. */
export const MAX_DEVICES = 0xffff;

/** Pipes and sockets that wait to be made in a served directory: programs make a few, at a few milliseconds each. */
export const MAX_WAITING_SPECIALS = 1024;
/** How long mkfifo(1) may take in a served directory, in milliseconds: it makes one system call. */
export const MAX_MKFIFO_MS = 10_000;

/** Pieces of one payload before they are put together after all: a peer that sends byte by byte costs no object per byte. */
export const MAX_PAYLOAD_PIECES = 64;

/**
 * How long the requests of one connection are dealt with in one turn of the loop, in milliseconds; the rest of what
 * came waits for the next. Thousands of requests fit into one chunk: no client may keep the others waiting with them.
 */
export const MAX_TURN_MS = 4;

/** Entries of one answer: listing a directory of a hundred thousand files must not hold up other clients. */
export const MAX_ENTRIES_PER_READ = 256;
/** The same for Rreaddir, whose entries cost a fraction of a stat's time. */
export const MAX_ENTRIES_PER_READDIR = 1024;

/** The longest name of a user who attaches, in bytes: Linux's own (LOGIN_NAME_MAX). Each fid may keep another. */
export const MAX_USER_NAME = 256;

/** The longest name of a client that locks, in bytes: Linux sends its host name, of 64 at the most. */
export const MAX_LOCK_CLIENT = 256;
/** Locked ranges that one connection may hold of a LockTable: an eighth, so that none takes all of them. */
export const MAX_LOCK_RANGES_PER_CLIENT = 8192;
/** Entries in a row that may turn out to be gone before other work gets its turn: each was looked for. */
export const MAX_MISSES_PER_TURN = 1024;

/** Locked ranges of one file: each new one is compared with them all. */
export const MAX_LOCK_RANGES_PER_FILE = 4096;
/** Locked ranges of all files of one LockTable: some 10 MB. */
export const MAX_LOCK_RANGES = 65_536;

/** Bytes that a request which waits for its answer takes beside those of its message, roughly. */
export const PENDING_REQUEST_BYTES = 512;

/** Bytes of memory that reads filled, kept to be filled again: as many as a few bulk transfers have under way. */
export const MAX_SPARE_READ_BYTES = 16 * 1024 * 1024;

/**
 * How long a transport may take to send what was ready when its conversation was ended, in milliseconds. Whoever reads
 * at all has two of the largest replies by then; for one who does not, the socket is not kept.
 */
export const MAX_CLOSING_MS = 10_000;

/**
 * How long a TCP connection's peer may leave without an answer what its system is asked, in milliseconds: as long as with
 * keepalive. Networks that come back, by another way or after a switch was started again, do so in that time.
 */
export const MAX_SILENCE_MS = 45_000;
/** How often that is looked at, in milliseconds: a silence is seen when it is by as much longer. */
export const SILENCE_LOOK_MS = 5_000;
/** Questions that must have stayed without an answer: one or two get lost in a bad network. */
export const MIN_UNANSWERED = 3;
/** Bytes of the system's list of connections that are read at a look: those of 200,000 take a second or two. */
export const MAX_SOCKET_TABLE_BYTES = 32 * 1024 * 1024;

/** What one peer, or all together, may make a server hold. Nothing a peer sends grows memory beyond these. */
export interface ServerLimits {
  /** Largest message agreed on, in bytes. */
  readonly msize: number;
  /** Largest message before a successful Tattach, in bytes: a stranger has only to say who he is. */
  readonly msizeBeforeAttach: number;
  /** Time to get from connecting to a successful Tattach, in milliseconds. */
  readonly attachTimeout: number;
  /** Fids of one connection. */
  readonly fids: number;
  /** Fids of one connection before a successful Tattach: those of its proofs. */
  readonly fidsBeforeAttach: number;
  /** Tattaches of one connection that may be refused before it is closed, until one was successful. */
  readonly refusedAttaches: number;
  /** Requests of one connection that wait for an answer. */
  readonly requests: number;
  /** Bytes of the requests of one connection that wait for an answer: above it no more are looked at until some have one. */
  readonly pendingBytes: number;
  /** The same before a successful Tattach. */
  readonly pendingBytesBeforeAttach: number;
  /** Bytes of Twrite data of one connection that wait in streams, which count apart: a stream may never take them. */
  readonly streamBytes: number;
  /** Bytes that the reads under way of one connection, streams apart, have asked for: above it the next wait their turn. */
  readonly readBytes: number;
  /** Bytes of extended attributes that are being read or written through the fids of one connection. */
  readonly xattrBytes: number;
  /** Entries in the directory listings that the open directories of one connection remember. */
  readonly listedEntries: number;
  /** Bytes of replies that a connection has not taken before its requests are no longer read. */
  readonly unsentBytes: number;
  /** The same before a successful Tattach. */
  readonly unsentBytesBeforeAttach: number;
  /** Connections of all peers. */
  readonly connections: number;
  /** Connections of one peer group (a host). */
  readonly connectionsPerPeer: number;
}

/** Limits for a server that a cluster of thousands of nodes and its users reach. */
export const defaultServerLimits: ServerLimits = {
  msize: DEFAULT_MSIZE,
  // Names, a challenge and a signature of 16384 bits fit many times over.
  msizeBeforeAttach: 8 * 1024,
  // Long enough for a client on a loaded machine that signs 10,000 challenges at once.
  attachTimeout: 60_000,
  // A kernel keeps one for each name that it remembers, 50,000 in a large tree; at 300 bytes for each some 20 MB.
  fids: 65_536,
  // A stranger with all the connections of a host then holds a few megabytes, not gigabytes.
  fidsBeforeAttach: 16,
  // Whoever mistyped a name or took the wrong key tries a few times; a guesser begins anew with each connection.
  refusedAttaches: 16,
  // A client that drives 1,000 sessions on one connection keeps stdout, stderr, wait and stdin of each waiting.
  requests: 4_096,
  // 16 writes of the largest size in flight fill any network that a cluster has.
  pendingBytes: 16 * DEFAULT_MSIZE,
  // Whoever proves who he is sends a request, and waits for the answer, before the next.
  pendingBytesBeforeAttach: 64 * 1024,
  streamBytes: 16 * DEFAULT_MSIZE,
  // What lies ready fills as much of the network's buffers, whoever waits longer reads no faster.
  readBytes: 16 * DEFAULT_MSIZE,
  // 64 of the largest that Linux allows, which go in and out one after the other.
  xattrBytes: 64 * MAX_XATTR_BYTES,
  // The largest directory that is practical, 20 times over; at 100 bytes for each some 200 MB.
  listedEntries: 2 * 1024 * 1024,
  // Two of the largest replies: one on its way, one to follow it.
  unsentBytes: 2 * DEFAULT_MSIZE,
  unsentBytesBeforeAttach: 64 * 1024,
  connections: 4_096,
  // A login host from which a few hundred users run jobs at once.
  connectionsPerPeer: 1_024,
};

const leastLimits: Record<string, number> = {
  msize: MIN_MSIZE,
  msizeBeforeAttach: MIN_MSIZE,
  // A socket's own buffer: with less in it, no socket tells when it has drained.
  unsentBytes: 64 * 1024,
  unsentBytesBeforeAttach: 64 * 1024,
};

/**
 * The default limits with some of them changed.
 * @throws NinePError (EINVAL) naming a limit that makes no sense.
 */
export function serverLimits(changes: Partial<ServerLimits> = {}): ServerLimits {
  const limits = { ...defaultServerLimits, ...changes };
  for (const [name, value] of Object.entries(limits)) {
    checkLimit(name, value, leastLimits[name] ?? 1);
  }
  return limits;
}

/** What one server may make a client hold or do; each can be changed where the call has an option for it. */
export const clientLimits = {
  /** Bytes of a file, or of a directory's listing, that are read into memory. A log of a day fits, a disk image does not. */
  readAll: 16 * 1024 * 1024,
  /** Names of a directory that are held at once: ten times the directories that people call large. */
  directoryEntries: 1024 * 1024,
  /** Characters of the names that are held at once, 64 for each: a server can make each one as long as a message. */
  directoryNames: 64 * 1024 * 1024,
  /** Symbolic links followed on the way to one file; as in Linux. */
  symlinks: 40,
  /** Names of a path, those that symbolic links put into it included: Linux's PATH_MAX of names of one letter. */
  pathNames: 2048,
  /** Requests of a bulk transfer under way at once: enough to hide a round trip, few enough to stay fair. */
  bulkRequests: 4,
  /** Small requests about the entries of one directory under way at once. */
  entryRequests: 32,
  /** Files copied at once: as many as hide the round trips of small ones without a descriptor for each of a thousand. */
  copiedFiles: 8,
  /** Files and directories that one recursive copy or removal touches: a server can invent them without end. */
  treeEntries: 16 * 1024 * 1024,
  /**
   * Bytes of messages that arrived while a transport was paused whose socket cannot be: twice what a copy of a tree has
   * under way (`copiedFiles` times `bulkRequests`). A MessagePort has them in the memory of the same process anyway.
   */
  pausedBytes: 64 * DEFAULT_MSIZE,
  /** The messages themselves: those of few bytes take more than their bytes. More than there are requests and flushes. */
  pausedMessages: 16_384,
} as const;

/** What a local-directory server may hold, for all of its connections together. */
export interface DirectoryLimits {
  /** Descriptors that only stand for files and directories on the way; others are opened again when they are needed. */
  readonly descriptors: number;
  /** Files and directories that clients have open: each takes a descriptor. */
  readonly openFiles: number;
  /** Files that fids name, and the directories on the way to them. */
  readonly nodes: number;
  /** Directories inside each other. */
  readonly depth: number;
  /** Bytes of all directory listings that are being read. */
  readonly listingBytes: number;
}

/** Limits for a directory that a few dozen clients use at once. */
export const defaultDirectoryLimits: DirectoryLimits = {
  // What is in use at a time: beyond it a directory costs another open(2) for each level.
  descriptors: 256,
  // Leaves room below the 65,536 or more descriptors of a process, and of the 1,048,576 of most systems.
  openFiles: 4_096,
  // At 300 to 400 bytes for each some 100 MB: four connections with all the fids that they may have.
  nodes: 262_144,
  // Nobody nests like that by hand; each level is a node, however few fids there are.
  depth: 256,
  // A directory of 100,000 files takes about 2 MB.
  listingBytes: 64 * 1024 * 1024,
};

/**
 * The default limits with some of them changed.
 * @throws NinePError (EINVAL) naming a limit that makes no sense.
 */
export function directoryLimits(changes: Partial<DirectoryLimits> = {}): DirectoryLimits {
  const limits = { ...defaultDirectoryLimits, ...changes };
  // A rename needs two descriptors at a time, and the way to them one.
  for (const [name, value] of Object.entries(limits)) {
    checkLimit(name, value, name === 'descriptors' ? 4 : 1);
  }
  return limits;
}

function checkLimit(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= 0x7fffffff) return;
  throw new NinePError(`limit ${name}: ${value} is not between ${least} and 2^31-1`, Errno.EINVAL);
}
