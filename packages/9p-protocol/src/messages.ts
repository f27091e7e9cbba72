/** Every message of 9P2000 and 9P2000.u: Plan 9 manual section 5. Names of .u's fields are in camel case. */
import type { MessageType } from './constants.js';
import type { LinuxRMessage, LinuxTMessage } from './messages-linux.js';
import type { Message, Qid, Stat, Uint64 } from './types.js';

export type * from './messages-linux.js';

type Type = typeof MessageType;

/** Opens the conversation: the client's msize and version. */
export interface Tversion extends Message<Type['Tversion']> {
  readonly msize: number;
  readonly version: string;
}
/** The server's choice; `unknown` where it speaks no such version. */
export interface Rversion extends Message<Type['Rversion']> {
  readonly msize: number;
  readonly version: string;
}
/** Asks for an authentication file to prove uname on. */
export interface Tauth extends Message<Type['Tauth']> {
  readonly afid: number;
  readonly uname: string;
  readonly aname: string;
  /** .u and .L: the user's number, NONUNAME without one. */
  readonly nUname: number;
}
/** afid names an authentication file now, which this is the qid of. */
export interface Rauth extends Message<Type['Rauth']> {
  readonly aqid: Qid;
}
/** Names the root of the tree by fid, for uname. */
export interface Tattach extends Message<Type['Tattach']> {
  readonly fid: number;
  /** An authenticated afid, or NOFID. */
  readonly afid: number;
  readonly uname: string;
  readonly aname: string;
  /** .u and .L: the user's number, NONUNAME without one. */
  readonly nUname: number;
}
/** fid names a root now, which this is the qid of. */
export interface Rattach extends Message<Type['Rattach']> {
  readonly qid: Qid;
}
/** Why a request failed, in 9P2000 and 9P2000.u. */
export interface Rerror extends Message<Type['Rerror']> {
  readonly ename: string;
  /** .u: a Linux error number. */
  readonly errno: number;
}
/** Cancels the request with tag oldtag. */
export interface Tflush extends Message<Type['Tflush']> {
  readonly oldtag: number;
}
/** No answer to the flushed request follows; its tag is free. */
export interface Rflush extends Message<Type['Rflush']> {}
/** Goes from fid along names and calls the result newfid. */
export interface Twalk extends Message<Type['Twalk']> {
  readonly fid: number;
  readonly newfid: number;
  readonly names: readonly string[];
}
/** One qid per name that was reached; newfid exists only if all were. */
export interface Rwalk extends Message<Type['Rwalk']> {
  readonly qids: readonly Qid[];
}
/** Opens what fid names; mode is bits of OpenMode. */
export interface Topen extends Message<Type['Topen']> {
  readonly fid: number;
  readonly mode: number;
}
/** iounit is the most bytes that one read or write moves in one piece; 0 leaves it to msize. */
export interface Ropen extends Message<Type['Ropen']> {
  readonly qid: Qid;
  readonly iounit: number;
}
/** Makes name in directory fid and opens it; fid then names the new file. */
export interface Tcreate extends Message<Type['Tcreate']> {
  readonly fid: number;
  readonly name: string;
  readonly perm: number;
  readonly mode: number;
  /** .u: what a special file is (see {@link Stat.extension}). */
  readonly extension: string;
}
/** As Ropen. */
export interface Rcreate extends Message<Type['Rcreate']> {
  readonly qid: Qid;
  readonly iounit: number;
}
/** Asks for at most count bytes of an open file. */
export interface Tread extends Message<Type['Tread']> {
  readonly fid: number;
  readonly offset: Uint64;
  readonly count: number;
}
/** What was read: nothing at the end of the file. */
export interface Rread extends Message<Type['Rread']> {
  readonly data: Uint8Array;
  /** In place of `data`, which is empty then: the payload in the pieces that were received. */
  readonly parts?: readonly Uint8Array[];
}
/** Writes data to an open file. */
export interface Twrite extends Message<Type['Twrite']> {
  readonly fid: number;
  readonly offset: Uint64;
  /** On arrival a view of the received bytes, not a copy: whoever keeps it copies it. */
  readonly data: Uint8Array;
  /** In place of `data`, which is empty then: the payload in the pieces that were received, or are to be sent. */
  readonly parts?: readonly Uint8Array[];
}
/** How many bytes were taken. */
export interface Rwrite extends Message<Type['Rwrite']> {
  readonly count: number;
}
/** Gives fid up. */
export interface Tclunk extends Message<Type['Tclunk']> {
  readonly fid: number;
}
/** fid is free. */
export interface Rclunk extends Message<Type['Rclunk']> {}
/** Removes the file, and gives fid up whether or not that succeeds. */
export interface Tremove extends Message<Type['Tremove']> {
  readonly fid: number;
}
/** The file is gone, and fid free. */
export interface Rremove extends Message<Type['Rremove']> {}
/** Asks what there is to know about the file. */
export interface Tstat extends Message<Type['Tstat']> {
  readonly fid: number;
}
/** What there is to know about the file. */
export interface Rstat extends Message<Type['Rstat']> {
  readonly stat: Stat;
}
/** Fields that are all ones (strings: empty) stay as they are; see `dontTouch`. */
export interface Twstat extends Message<Type['Twstat']> {
  readonly fid: number;
  readonly stat: Stat;
}
/** All of the changes were made. */
export interface Rwstat extends Message<Type['Rwstat']> {}

/** What a client sends. */
export type TMessage =
  | Tversion
  | Tauth
  | Tattach
  | Tflush
  | Twalk
  | Topen
  | Tcreate
  | Tread
  | Twrite
  | Tclunk
  | Tremove
  | Tstat
  | Twstat
  | LinuxTMessage;

/** What a server sends. */
export type RMessage =
  | Rversion
  | Rauth
  | Rattach
  | Rerror
  | Rflush
  | Rwalk
  | Ropen
  | Rcreate
  | Rread
  | Rwrite
  | Rclunk
  | Rremove
  | Rstat
  | Rwstat
  | LinuxRMessage;

/** Every message. */
export type AnyMessage = TMessage | RMessage;
