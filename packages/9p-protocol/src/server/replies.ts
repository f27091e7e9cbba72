import { encodeStat, statRoom } from '../codec/stat.js';
import type { Dialect } from '../constants.js';
import { HEADER_SIZE, IO_HEADER_SIZE, MessageType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { RMessage } from '../messages.js';
import type { Stat } from '../types.js';
import { giveReadBuffer } from './read-buffers.js';

/** What answers a request: a message, whose tag is filled in, or the pieces of an Rread. */
export type Reply = RMessage | ReadReply;

/** An Rread whose data is sent piece by piece, without a copy. */
export interface ReadReply {
  readonly pieces: readonly Uint8Array[];
  /** Bytes in all pieces. */
  readonly count: number;
  /** The buffer that they are in, if it is used again once they were sent: they are not to be kept. */
  readonly lent?: Buffer;
}

/** Largest count of a Tread or Twrite at this msize. */
export function maxCount(msize: number): number {
  return Math.max(msize - IO_HEADER_SIZE, 0);
}

/** The answer to a Tread. */
export function piecesReply(pieces: readonly Uint8Array[]): ReadReply {
  return { pieces, count: bytesIn(pieces) };
}

/** Bytes in all pieces. */
export function bytesIn(pieces: readonly Uint8Array[]): number {
  let count = 0;
  for (const piece of pieces) count += piece.length;
  return count;
}

/**
 * The answer to a Tread for `wanted` bytes with what a file server's read yielded.
 * @throws NinePError (`internal error`) if that is more.
 */
export function dataReply(data: Uint8Array | readonly Uint8Array[], wanted: number): ReadReply {
  const reply =
    data instanceof Uint8Array ? { pieces: [data], count: data.length } : piecesReply(data);
  if (reply.count > wanted) throw tooMuchRead();
  return reply;
}

/**
 * The answer to a Tread whose data is at the beginning of a read buffer.
 * @throws NinePError (`internal error`) if the file says that there is more than fits.
 */
export function filledReply(buffer: Buffer, length: number): ReadReply {
  if (length === buffer.length) return { pieces: [buffer], count: length, lent: buffer };
  const data = buffer.subarray(0, length);
  if (data.length !== length) throw tooMuchRead();
  if (length >= buffer.length / 2) return { pieces: [data], count: length, lent: buffer };
  // A small rest must not keep a large buffer until the client has taken it.
  const rest = Buffer.from(data);
  giveReadBuffer(buffer);
  return { pieces: [rest], count: length };
}

/** The answer to a Twrite. */
export function writtenReply(count: number): Reply {
  return { type: MessageType.Rwrite, tag: 0, count };
}

/**
 * The answer to a Tstat.
 * @throws NinePError (ENOBUFS) if it is larger than `msize`.
 */
export function statReply(stat: Stat, dialect: Dialect, msize: number): Reply {
  const room = msize - HEADER_SIZE - 2;
  // The estimate is above the truth where there are letters beyond ASCII, and most often far below msize.
  if (statRoom(stat) > room && encodeStat(stat, dialect).length > room) {
    throw new NinePError('stat does not fit into msize', Errno.ENOBUFS);
  }
  return { type: MessageType.Rstat, tag: 0, stat };
}

function tooMuchRead(): NinePError {
  const cause = 'read yields more than was asked for';
  return new NinePError('internal error', Errno.EIO, { cause });
}
