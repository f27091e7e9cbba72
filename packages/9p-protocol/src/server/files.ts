import type { Dialect } from '../constants.js';
import type { Attributes, FileSystemStatistics, Qid, Stat } from '../types.js';
import type { Request } from './request.js';

/** A value, or a promise of one: only what really waits costs a promise. */
export type Awaitable<T> = T | Promise<T>;

/** What a Twstat asks to change; fields left out stay as they are: stat(5). */
export type StatChanges = Partial<
  Pick<
    Stat,
    'mode' | 'atime' | 'mtime' | 'length' | 'name' | 'uid' | 'gid' | 'muid' | 'nUid' | 'nGid'
  >
>;

/** A moment: seconds since 1970 and nanoseconds beyond, or the server's present time. */
export type Moment = { readonly sec: number; readonly nsec: number } | 'now';

/** What a Tsetattr asks to change; fields left out stay as they are. */
export interface AttributeChanges {
  /** Permissions and the set-id and sticky bits, without the file's type. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** In bytes; a file grows by zeros. */
  readonly size?: number;
  readonly atime?: Moment;
  readonly mtime?: Moment;
}

/**
 * A file as a server shows it, in every dialect. A file has only the operations that it supports: of a missing one
 * the server makes what it can out of the others, or answers the client with an error (EPERM; EOPNOTSUPP for extended
 * attributes, ENOLCK for locks). Every operation may throw a NinePError, or a system error of Node's, to refuse.
 *
 * `User` is whatever the file server's `attach` made of the client's proof of who it is.
 */
export interface ServerFile<User = unknown> {
  readonly qid: Qid;
  /** Where `..` leads; a file without one is its own parent. */
  readonly parent?: ServerFile<User> | undefined;
  /** What 9P2000 tells of a file; 9P2000.L is answered from it unless there is `getattr`. */
  stat(request: Request<User>): Awaitable<Stat>;
  /** The file of that name in this directory, undefined if there is none. Never called with `.`, `..` or a name with `/` or NUL. */
  walk?(name: string, request: Request<User>): Awaitable<ServerFile<User> | undefined>;
  /** Permission is checked here. `mode` is Topen's, see OpenMode; Tlopen's flags are said in the same bits. */
  open?(mode: number, request: Request<User>): Awaitable<OpenFile<User>>;
  /**
   * Makes and opens a file in this directory, whichever message asks for it: Tcreate, Tlcreate, Tmkdir, Tsymlink,
   * Tmknod. The last three close it at once.
   */
  create?(file: NewFile, request: Request<User>): Awaitable<CreatedFile<User>>;
  /** The fid is gone afterwards whether or not it succeeds. */
  remove?(request: Request<User>): Awaitable<void>;
  /** All of the changes or none of them. A file that has `setattr` and `rename` needs none. */
  wstat?(changes: StatChanges, request: Request<User>): Awaitable<void>;
  /** A fid, or an operation that is under way, names this file from now on. */
  acquire?(): void;
  /** One of them no longer does; called once for each `acquire`. */
  release?(): void;

  /** What stat(2) tells. Without it the answer is made of `stat`. */
  getattr?(request: Request<User>): Awaitable<Attributes>;
  /** chmod, chown, truncate and utimensat in one. Without it `wstat` is asked. */
  setattr?(changes: AttributeChanges, request: Request<User>): Awaitable<void>;
  /** Where this symbolic link leads. Without it `stat` tells, in its extension. */
  readlink?(request: Request<User>): Awaitable<string>;
  /**
   * Moves this file to `name` in `directory`, replacing what is there as rename(2) does; fids that name it follow.
   * Without it `wstat` is asked where the directory stays the same.
   */
  rename?(directory: ServerFile<User>, name: string, request: Request<User>): Awaitable<void>;
  /** Makes `name` in this directory another name of `file`. */
  link?(file: ServerFile<User>, name: string, request: Request<User>): Awaitable<void>;
  /** What statfs(2) tells of the file system that the file is in. */
  statfs?(request: Request<User>): Awaitable<FileSystemStatistics>;
  /** Extended attributes: xattr(7). Without it there are none, and none can be set (EOPNOTSUPP). */
  readonly xattrs?: ExtendedAttributes<User>;
}

/** The extended attributes of a file. */
export interface ExtendedAttributes<User = unknown> {
  /** The names of those that are there. */
  list(request: Request<User>): Awaitable<readonly string[]>;
  /** undefined if there is none of that name. */
  get(name: string, request: Request<User>): Awaitable<Uint8Array | undefined>;
  /** `flags` are setxattr(2)'s XATTR_CREATE (1) and XATTR_REPLACE (2). */
  set(name: string, value: Uint8Array, flags: number, request: Request<User>): Awaitable<void>;
  /** Takes one away. */
  remove(name: string, request: Request<User>): Awaitable<void>;
}

/** What Tcreate and its like ask for. */
export interface NewFile {
  readonly name: string;
  /** Mode bits; ModeBit.DIR, SYMLINK, DEVICE, NAMED_PIPE or SOCKET tells the kind. */
  readonly perm: number;
  readonly mode: number;
  /** Where a symbolic link leads; what a device is (`c 1 3`). */
  readonly extension: string;
  /** An existing file is an error; else it is opened, as open(2) does without O_EXCL. Tlcreate alone asks for that. */
  readonly exclusive: boolean;
  /** The group that the file is to have, where 9P2000.L names one. */
  readonly gid: number | undefined;
}

/** What Tcreate made. */
export interface CreatedFile<User = unknown> {
  readonly file: ServerFile<User>;
  readonly open: OpenFile<User>;
}

/** One name in a directory, as Rreaddir tells it. */
export interface DirectoryItem {
  readonly name: string;
  readonly qid: Qid;
  /** The kind of file, see DirentType; without it the qid tells, which does not know of devices, pipes and sockets. */
  readonly type?: number;
}

/** The names in a directory as they were at one moment; an array is one. */
export interface DirectoryListing {
  readonly length: number;
  /** Looked up when it is asked for; undefined where the file is gone by now. */
  at(index: number): DirectoryItem | undefined;
}

/** A lock on a range of bytes: fcntl(2), F_SETLK. */
export interface FileLock {
  /** See LockType. */
  readonly type: number;
  readonly start: number;
  /** 0 reaches to the end of the file, however long it grows. */
  readonly length: number;
  /** Who holds it: a process of a client. */
  readonly procId: number;
  readonly clientId: string;
}

/** A file opened through one fid. */
export interface OpenFile<User = unknown> {
  /** Most bytes for one read or write in one piece; 0, the default, leaves it to msize. */
  readonly iounit?: number;
  /**
   * Reads may wait without end (a pipe, an event). They are not counted in the limit of waiting reads: the
   * file looks at `request.congested` itself before it answers. An answer counts from the next turn of the loop
   * on, so a file that has many requests to answer does not answer all of them in one.
   */
  readonly stream?: boolean;
  /**
   * At most `count` bytes; none at the end. Pieces are sent one after the other without a copy, and must not change
   * afterwards.
   */
  read?(
    offset: number,
    count: number,
    request: Request<User>,
  ): Awaitable<Uint8Array | readonly Uint8Array[]>;
  /**
   * The same into a buffer of the server's, in place of `read`: answers how many bytes are in it. Such buffers are
   * used again once the system has taken the bytes, so that reads in large pieces need no new memory. It is not to be
   * touched after the answer.
   */
  readInto?(offset: number, buffer: Buffer, request: Request<User>): Awaitable<number>;
  /**
   * The entries of a directory, in place of `read`: asked anew whenever the client reads from offset 0. An entry that
   * turns out to be gone when its turn comes is undefined.
   */
  entries?(request: Request<User>): Awaitable<Iterable<Stat | undefined>>;
  /** The same for 9P2000.L, without `.` and `..`, which the server adds. Without it `entries` are taken. */
  list?(request: Request<User>): Awaitable<DirectoryListing>;
  /** Answers how many bytes were taken. `data` is a view that is valid until the answer: copy to keep. */
  write?(offset: number, data: Uint8Array, request: Request<User>): Awaitable<number>;
  /** The same for data that arrived in several pieces; without it they are put together for `write`. */
  writePieces?(
    offset: number,
    pieces: readonly Uint8Array[],
    request: Request<User>,
  ): Awaitable<number>;
  /** What was written is on the disk: fsync(2), or fdatasync(2). Without it there is nothing to do. */
  sync?(dataOnly: boolean, request: Request<User>): Awaitable<void>;
  /** Takes or gives up a lock at once; false where another holder is in the way. */
  lock?(lock: FileLock, request: Request<User>): Awaitable<boolean>;
  /** The lock that is in the way of this one, undefined where none is. */
  getlock?(lock: FileLock, request: Request<User>): Awaitable<FileLock | undefined>;
  /** The fid is clunked, or its connection gone. */
  close?(): Awaitable<void>;
}

/** Who wants in, as Tauth and Tattach say it. */
export interface Login {
  readonly uname: string;
  readonly aname: string;
  /** The user's number where 9P2000.u or 9P2000.L gave one. */
  readonly nUname: number | undefined;
}

/** A tree of files, and who may enter it. */
export interface FileServer<User = unknown> {
  /** The dialects that it is served in; all by default. */
  readonly dialects?: readonly Dialect[];
  /**
   * Names are bytes, which need not be UTF-8: what is not arrives, and is given, as `bytesToName` makes it. Else
   * a request with such a name is refused before the file server sees it.
   */
  readonly byteNames?: boolean;
  /** An authentication file, opened; a server without this needs no authentication. */
  auth?(login: Login, request: Request<undefined>): Awaitable<AuthFile>;
  /** Decides who the client is and what it sees as the root. */
  attach(
    login: Login,
    auth: AuthFile | undefined,
    request: Request<undefined>,
  ): Awaitable<{ root: ServerFile<User>; user: User }>;
}

/** The file behind an afid. */
export interface AuthFile extends OpenFile<undefined> {
  readonly qid: Qid;
}
