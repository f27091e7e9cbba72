/** The messages that 9P2000.L has of its own, all with numbers below 100: diod's protocol.md. */
import type { MessageType } from './constants.js';
import type { Attributes, FileSystemStatistics, Message, Qid, Uint64 } from './types.js';

type Type = typeof MessageType;

/** What .L answers in place of Rerror. */
export interface Rlerror extends Message<Type['Rlerror']> {
  /** A Linux error number. */
  readonly ecode: number;
}
/** Asks for the state of the file system that fid is in: statfs(2). */
export interface Tstatfs extends Message<Type['Tstatfs']> {
  readonly fid: number;
}
/** The state of the file system. */
export interface Rstatfs extends Message<Type['Rstatfs']> {
  readonly statistics: FileSystemStatistics;
}
/** Opens what fid names: open(2). */
export interface Tlopen extends Message<Type['Tlopen']> {
  readonly fid: number;
  /** Bits of LinuxOpen. */
  readonly flags: number;
}
/** iounit is the most bytes that one read or write moves in one piece; 0 leaves it to msize. */
export interface Rlopen extends Message<Type['Rlopen']> {
  readonly qid: Qid;
  readonly iounit: number;
}
/** Makes a regular file in directory fid and opens it; fid then names the new file. */
export interface Tlcreate extends Message<Type['Tlcreate']> {
  readonly fid: number;
  readonly name: string;
  /** Bits of LinuxOpen. */
  readonly flags: number;
  /** Bits of FileMode. */
  readonly mode: number;
  /** The group of the new file. */
  readonly gid: number;
}
/** As Rlopen. */
export interface Rlcreate extends Message<Type['Rlcreate']> {
  readonly qid: Qid;
  readonly iounit: number;
}
/** Makes a symbolic link to target in directory fid. */
export interface Tsymlink extends Message<Type['Tsymlink']> {
  readonly fid: number;
  readonly name: string;
  readonly target: string;
  readonly gid: number;
}
/** The new link. */
export interface Rsymlink extends Message<Type['Rsymlink']> {
  readonly qid: Qid;
}
/** Makes a device, a pipe or a socket in directory fid: mknod(2). */
export interface Tmknod extends Message<Type['Tmknod']> {
  readonly fid: number;
  readonly name: string;
  /** Bits of FileMode. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly gid: number;
}
/** The new file. */
export interface Rmknod extends Message<Type['Rmknod']> {
  readonly qid: Qid;
}
/** Moves what fid names to name in directory dfid. */
export interface Trename extends Message<Type['Trename']> {
  readonly fid: number;
  readonly dfid: number;
  readonly name: string;
}
/** The file has its new name. */
export interface Rrename extends Message<Type['Rrename']> {}
/** Asks where a symbolic link leads. */
export interface Treadlink extends Message<Type['Treadlink']> {
  readonly fid: number;
}
/** Where the link leads. */
export interface Rreadlink extends Message<Type['Rreadlink']> {
  readonly target: string;
}
/** Asks for attributes: stat(2). */
export interface Tgetattr extends Message<Type['Tgetattr']> {
  readonly fid: number;
  /** Bits of GetattrMask. */
  readonly requestMask: Uint64;
}
/** The attributes that the server knows of those that were asked for, and perhaps more. */
export interface Rgetattr extends Message<Type['Rgetattr']> {
  /** Bits of GetattrMask: which of the attributes mean something. */
  readonly valid: Uint64;
  readonly qid: Qid;
  readonly attributes: Attributes;
}
/** Changes the attributes that valid names and no others. */
export interface Tsetattr extends Message<Type['Tsetattr']> {
  readonly fid: number;
  /** Bits of SetattrMask. */
  readonly valid: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: Uint64;
  readonly atimeSec: Uint64;
  readonly atimeNsec: number;
  readonly mtimeSec: Uint64;
  readonly mtimeNsec: number;
}
/** All of the changes were made. */
export interface Rsetattr extends Message<Type['Rsetattr']> {}
/** Calls an extended attribute of fid newfid, to be read; with an empty name, the list of their names. */
export interface Txattrwalk extends Message<Type['Txattrwalk']> {
  readonly fid: number;
  readonly newfid: number;
  readonly name: string;
}
/** newfid can be read. */
export interface Rxattrwalk extends Message<Type['Rxattrwalk']> {
  /** Bytes that there are to read. */
  readonly size: Uint64;
}
/** Makes fid an extended attribute of what it named; what is written to it takes effect with Tclunk. */
export interface Txattrcreate extends Message<Type['Txattrcreate']> {
  readonly fid: number;
  readonly name: string;
  /** Bytes that will be written. */
  readonly size: Uint64;
  /** Bits of XattrFlag. */
  readonly flags: number;
}
/** fid can be written. */
export interface Rxattrcreate extends Message<Type['Rxattrcreate']> {}
/** Reads directory entries from where the entry with that offset left off; 0 is the beginning. */
export interface Treaddir extends Message<Type['Treaddir']> {
  readonly fid: number;
  readonly offset: Uint64;
  readonly count: number;
}
/** Directory entries. */
export interface Rreaddir extends Message<Type['Rreaddir']> {
  /** Whole entries, see `decodeDirents`; none at the end. On arrival a view of the received bytes. */
  readonly data: Uint8Array;
}
/** Waits until the file is on disk: fsync(2). */
export interface Tfsync extends Message<Type['Tfsync']> {
  readonly fid: number;
  /** Not 0: only what reading it back takes, as fdatasync(2). */
  readonly datasync: number;
}
/** The file is on disk. */
export interface Rfsync extends Message<Type['Rfsync']> {}
/** Takes or gives back an advisory lock: fcntl(2), F_SETLK. */
export interface Tlock extends Message<Type['Tlock']> {
  readonly fid: number;
  /** One of LockType. */
  readonly lockType: number;
  /** Bits of LockFlag. */
  readonly flags: number;
  readonly start: Uint64;
  /** In bytes; 0 reaches to the end of the file, however far that will be. */
  readonly length: Uint64;
  /** With clientId: whose lock it is. */
  readonly procId: number;
  readonly clientId: string;
}
/** What became of the lock. */
export interface Rlock extends Message<Type['Rlock']> {
  /** One of LockStatus. */
  readonly status: number;
}
/** Asks whose lock is in the way of this one: fcntl(2), F_GETLK. */
export interface Tgetlock extends Message<Type['Tgetlock']> {
  readonly fid: number;
  readonly lockType: number;
  readonly start: Uint64;
  readonly length: Uint64;
  readonly procId: number;
  readonly clientId: string;
}
/** The lock that is in the way, or lockType UNLCK. */
export interface Rgetlock extends Message<Type['Rgetlock']> {
  readonly lockType: number;
  readonly start: Uint64;
  readonly length: Uint64;
  readonly procId: number;
  readonly clientId: string;
}
/** Makes name in directory dfid one more name of what fid names. */
export interface Tlink extends Message<Type['Tlink']> {
  readonly dfid: number;
  readonly fid: number;
  readonly name: string;
}
/** The file has one more name. */
export interface Rlink extends Message<Type['Rlink']> {}
/** Makes a directory in directory fid. */
export interface Tmkdir extends Message<Type['Tmkdir']> {
  readonly fid: number;
  readonly name: string;
  /** Bits of FileMode. */
  readonly mode: number;
  readonly gid: number;
}
/** The new directory. */
export interface Rmkdir extends Message<Type['Rmkdir']> {
  readonly qid: Qid;
}
/** Moves a file from one directory and name to another: renameat(2). */
export interface Trenameat extends Message<Type['Trenameat']> {
  readonly olddirfid: number;
  readonly oldname: string;
  readonly newdirfid: number;
  readonly newname: string;
}
/** The file has its new name. */
export interface Rrenameat extends Message<Type['Rrenameat']> {}
/** Takes name out of directory dirfid: unlinkat(2). */
export interface Tunlinkat extends Message<Type['Tunlinkat']> {
  readonly dirfid: number;
  readonly name: string;
  /** AT_REMOVEDIR for a directory, else 0. */
  readonly flags: number;
}
/** The name is gone. */
export interface Runlinkat extends Message<Type['Runlinkat']> {}

/** What only a 9P2000.L client sends. */
export type LinuxTMessage =
  | Tstatfs
  | Tlopen
  | Tlcreate
  | Tsymlink
  | Tmknod
  | Trename
  | Treadlink
  | Tgetattr
  | Tsetattr
  | Txattrwalk
  | Txattrcreate
  | Treaddir
  | Tfsync
  | Tlock
  | Tgetlock
  | Tlink
  | Tmkdir
  | Trenameat
  | Tunlinkat;

/** What only a 9P2000.L server sends. */
export type LinuxRMessage =
  | Rlerror
  | Rstatfs
  | Rlopen
  | Rlcreate
  | Rsymlink
  | Rmknod
  | Rrename
  | Rreadlink
  | Rgetattr
  | Rsetattr
  | Rxattrwalk
  | Rxattrcreate
  | Rreaddir
  | Rfsync
  | Rlock
  | Rgetlock
  | Rlink
  | Rmkdir
  | Rrenameat
  | Runlinkat;
