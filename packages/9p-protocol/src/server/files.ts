import type { Qid, Stat } from '../types.js';
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

/**
 * A file as a server shows it. A file has only the operations that it supports: a missing one answers the
 * client with an error. Every operation may throw a NinePError, or a system error of Node's, to refuse.
 *
 * `User` is whatever the file server's `attach` made of the client's proof of who it is.
 */
export interface ServerFile<User = unknown> {
  readonly qid: Qid;
  /** Where `..` leads; a file without one is its own parent. */
  readonly parent?: ServerFile<User>;
  stat(request: Request<User>): Awaitable<Stat>;
  /** The file of that name in this directory, undefined if there is none. Never called with `.`, `..` or a name with `/` or NUL. */
  walk?(name: string, request: Request<User>): Awaitable<ServerFile<User> | undefined>;
  /** Permission is checked here. `mode` is Topen's, see OpenMode. */
  open?(mode: number, request: Request<User>): Awaitable<OpenFile<User>>;
  /** Makes and opens a file in this directory. */
  create?(file: NewFile, request: Request<User>): Awaitable<CreatedFile<User>>;
  /** The fid is gone afterwards whether or not it succeeds. */
  remove?(request: Request<User>): Awaitable<void>;
  /** All of the changes or none of them. */
  wstat?(changes: StatChanges, request: Request<User>): Awaitable<void>;
  /** A fid, or an operation that is under way, names this file from now on. */
  acquire?(): void;
  /** One of them no longer does; called once for each `acquire`. */
  release?(): void;
}

/** What Tcreate asks for. */
export interface NewFile {
  readonly name: string;
  /** Mode bits, ModeBit.DIR for a directory. */
  readonly perm: number;
  readonly mode: number;
  /** 9P2000.u: what a special file is. */
  readonly extension: string;
}

/** What Tcreate made. */
export interface CreatedFile<User = unknown> {
  readonly file: ServerFile<User>;
  readonly open: OpenFile<User>;
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
  /** At most `count` bytes; none at the end. Pieces are sent one after the other without a copy. */
  read?(
    offset: number,
    count: number,
    request: Request<User>,
  ): Awaitable<Uint8Array | readonly Uint8Array[]>;
  /** The entries of a directory, in place of `read`: asked anew whenever the client reads from offset 0. */
  entries?(request: Request<User>): Awaitable<Iterable<Stat>>;
  /** Answers how many bytes were taken. `data` is a view that is valid until the answer: copy to keep. */
  write?(offset: number, data: Uint8Array, request: Request<User>): Awaitable<number>;
  /** The fid is clunked, or its connection gone. */
  close?(): Awaitable<void>;
}

/** Who wants in, as Tauth and Tattach say it. */
export interface Login {
  readonly uname: string;
  readonly aname: string;
  /** The user's number where 9P2000.u gave one. */
  readonly nUname: number | undefined;
}

/** A tree of files, and who may enter it. */
export interface FileServer<User = unknown> {
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
