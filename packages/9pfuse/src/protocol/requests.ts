/** What the kernel asks: one type for each request, with the fields of its structure in fuse.h. */
import type { Uint64 } from '@xcpu/9p-protocol';
import type { Opcode } from './constants.js';

type Code = typeof Opcode;

/** fuse_in_header. */
export interface RequestHeader {
  /** Names the request that a reply answers. */
  readonly unique: Uint64;
  /** The file that it is about: a number that a reply to LOOKUP gave out, or ROOT_NODE. */
  readonly node: Uint64;
  /** Whose process asks, with file-system ids. */
  readonly uid: number;
  readonly gid: number;
  /** 0 where the kernel asks for itself. */
  readonly pid: number;
}

interface Request<C extends number> extends RequestHeader {
  readonly opcode: C;
}

/** Opens the conversation. */
export interface Init extends Request<Code['INIT']> {
  readonly major: number;
  readonly minor: number;
  /** In bytes. */
  readonly maxReadahead: number;
  /** Bits of InitFlag. */
  readonly flags: number;
}
/** The file of that name in directory `node`; each answer is one reference to the file. */
export interface Lookup extends Request<Code['LOOKUP']> {
  readonly name: string;
}
/** Gives back references to `node`; has no reply. */
export interface Forget extends Request<Code['FORGET']> {
  readonly count: Uint64;
}
/** Several FORGETs; has no reply. */
export interface BatchForget extends Request<Code['BATCH_FORGET']> {
  readonly forgets: readonly { readonly node: Uint64; readonly count: Uint64 }[];
}
export interface Getattr extends Request<Code['GETATTR']> {
  /** An open file to ask through. */
  readonly handle: Uint64 | undefined;
}
export interface Setattr extends Request<Code['SETATTR']> {
  /** Bits of SetattrValid. */
  readonly valid: number;
  readonly handle: Uint64 | undefined;
  readonly size: Uint64;
  readonly atime: Uint64;
  readonly mtime: Uint64;
  readonly atimeNsec: number;
  readonly mtimeNsec: number;
  readonly mode: number;
  readonly newUid: number;
  readonly newGid: number;
}
export interface Readlink extends Request<Code['READLINK']> {}
export interface Symlink extends Request<Code['SYMLINK']> {
  readonly name: string;
  readonly target: string;
}
export interface Mknod extends Request<Code['MKNOD']> {
  readonly name: string;
  /** Kind and permissions, less the umask. */
  readonly mode: number;
  /** As the kernel packs it, see `deviceNumbers`. */
  readonly rdev: number;
  readonly umask: number;
}
export interface Mkdir extends Request<Code['MKDIR']> {
  readonly name: string;
  readonly mode: number;
  readonly umask: number;
}
export interface Unlink extends Request<Code['UNLINK']> {
  readonly name: string;
}
export interface Rmdir extends Request<Code['RMDIR']> {
  readonly name: string;
}
export interface Rename extends Request<Code['RENAME']> {
  readonly name: string;
  readonly newParent: Uint64;
  readonly newName: string;
}
/** renameat2(2). */
export interface Rename2 extends Request<Code['RENAME2']> {
  readonly name: string;
  readonly newParent: Uint64;
  readonly newName: string;
  readonly flags: number;
}
/** Makes `name` in directory `node` another name of `target`. */
export interface Link extends Request<Code['LINK']> {
  readonly target: Uint64;
  readonly name: string;
}
export interface Open extends Request<Code['OPEN']> {
  /** open(2)'s, by the numbers of this machine. */
  readonly flags: number;
}
export interface Opendir extends Request<Code['OPENDIR']> {
  readonly flags: number;
}
export interface Create extends Request<Code['CREATE']> {
  readonly name: string;
  readonly flags: number;
  /** Kind and permissions, less the umask. */
  readonly mode: number;
  readonly umask: number;
}
interface Ranged<C extends number> extends Request<C> {
  readonly handle: Uint64;
  readonly offset: Uint64;
  readonly size: number;
}
export interface Read extends Ranged<Code['READ']> {}
export interface Readdir extends Ranged<Code['READDIR']> {}
export interface Readdirplus extends Ranged<Code['READDIRPLUS']> {}
export interface Write extends Request<Code['WRITE']> {
  readonly handle: Uint64;
  readonly offset: Uint64;
  /** Bits of WriteFlag. */
  readonly writeFlags: number;
  /** A view of the message. */
  readonly data: Buffer;
}
export interface Statfs extends Request<Code['STATFS']> {}
interface Releasing<C extends number> extends Request<C> {
  readonly handle: Uint64;
  readonly flags: number;
  /** FUSE_RELEASE_FLUSH and FUSE_RELEASE_FLOCK_UNLOCK: all locks are given back, whatever they say. */
  readonly releaseFlags: number;
  readonly lockOwner: Uint64;
}
export interface Release extends Releasing<Code['RELEASE']> {}
export interface Releasedir extends Releasing<Code['RELEASEDIR']> {}
/** A descriptor of an open file was closed. */
export interface Flush extends Request<Code['FLUSH']> {
  readonly handle: Uint64;
  readonly lockOwner: Uint64;
}
interface Syncing<C extends number> extends Request<C> {
  readonly handle: Uint64;
  /** Bits of SyncFlag. */
  readonly flags: number;
}
export interface Fsync extends Syncing<Code['FSYNC']> {}
export interface Fsyncdir extends Syncing<Code['FSYNCDIR']> {}
export interface Setxattr extends Request<Code['SETXATTR']> {
  readonly name: string;
  readonly flags: number;
  /** A view of the message. */
  readonly value: Buffer;
}
export interface Getxattr extends Request<Code['GETXATTR']> {
  readonly name: string;
  /** 0 asks how long the value is. */
  readonly size: number;
}
export interface Listxattr extends Request<Code['LISTXATTR']> {
  readonly size: number;
}
export interface Removexattr extends Request<Code['REMOVEXATTR']> {
  readonly name: string;
}
/** A range of bytes, both ends included, and who has it locked or wants to. */
export interface FuseLock {
  readonly start: Uint64;
  readonly end: Uint64;
  /** One of FuseLockType. */
  readonly type: number;
  readonly pid: number;
}
interface Locking<C extends number> extends Request<C> {
  readonly handle: Uint64;
  readonly owner: Uint64;
  readonly lock: FuseLock;
  /** Bits of LockFlag. */
  readonly flags: number;
}
export interface Getlk extends Locking<Code['GETLK']> {}
export interface Setlk extends Locking<Code['SETLK']> {}
/** Waits for the lock. */
export interface Setlkw extends Locking<Code['SETLKW']> {}
export interface Access extends Request<Code['ACCESS']> {
  /** access(2)'s. */
  readonly mask: number;
}
/** The process that waits for the answer to `target` was sent a signal; has no reply if all is well. */
export interface Interrupt extends Request<Code['INTERRUPT']> {
  readonly target: Uint64;
}
export interface Destroy extends Request<Code['DESTROY']> {}
/** What this library does not serve, known or not. */
export interface Other extends Request<0> {
  /** Its number in fuse.h. */
  readonly code: number;
}

export type FuseRequest =
  | Init
  | Lookup
  | Forget
  | BatchForget
  | Getattr
  | Setattr
  | Readlink
  | Symlink
  | Mknod
  | Mkdir
  | Unlink
  | Rmdir
  | Rename
  | Rename2
  | Link
  | Open
  | Opendir
  | Create
  | Read
  | Readdir
  | Readdirplus
  | Write
  | Statfs
  | Release
  | Releasedir
  | Flush
  | Fsync
  | Fsyncdir
  | Setxattr
  | Getxattr
  | Listxattr
  | Removexattr
  | Getlk
  | Setlk
  | Setlkw
  | Access
  | Interrupt
  | Destroy
  | Other;
