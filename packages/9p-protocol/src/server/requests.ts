import { NOFID } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { PENDING_REQUEST_BYTES, type ServerLimits } from '../limits.js';
import type { TMessage } from '../messages.js';
import type { Request } from './request.js';

const NONE: readonly number[] = [];

/** The requests of one connection that wait for an answer, what flushes them, and what they make the server hold. */
export class Requests {
  readonly #limits: ServerLimits;
  readonly #waiting = new Map<number, Request>();
  /** Answered when the request that they name is: tag of the flushed request → tags of the Tflushes. */
  readonly #flushes = new Map<number, number[]>();
  /** Above these no more requests are to be looked at. */
  maxBytes: number;
  #bytes = 0;
  #streamBytes = 0;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
    this.maxBytes = Math.min(limits.pendingBytesBeforeAttach, limits.pendingBytes);
  }

  /** Those that wait have more bytes than they may. */
  get full(): boolean {
    return this.#bytes > this.maxBytes;
  }

  /** Requests and flushes that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  get(tag: number): Request | undefined {
    return this.#waiting.get(tag);
  }

  has(tag: number): boolean {
    return this.#waiting.has(tag);
  }

  /** @param bytes how long its message is */
  add(request: Request, bytes: number): void {
    this.#waiting.set(request.tag, request);
    // What waits in a stream is counted there.
    request.pending = PENDING_REQUEST_BYTES + (request.charge > 0 ? 0 : bytes);
    this.#bytes += request.pending;
  }

  /** Notes that `flush` is to be answered when the request with that tag has ended, and cancels that one. */
  flush(flush: Request, request: Request): void {
    const flushes = this.#flushes.get(request.tag);
    if (flushes) flushes.push(flush.tag);
    else this.#flushes.set(request.tag, [flush.tag]);
    this.add(flush, 0);
    request.cancel('request flushed');
  }

  /** Somebody flushes it. */
  flushed(request: Request): boolean {
    return this.#flushes.has(request.tag);
  }

  /** Ends a request, what flushes it, and what flushes that: answers the tags of these flushes, in order. */
  settle(request: Request): readonly number[] {
    this.#remove(request);
    const direct = this.#flushes.get(request.tag);
    if (!direct) return NONE;
    this.#flushes.delete(request.tag);
    const ended = [...direct];
    for (const tag of ended) {
      const flush = this.#waiting.get(tag);
      if (flush) this.#remove(flush);
      const flushes = this.#flushes.get(tag);
      if (!flushes) continue;
      this.#flushes.delete(tag);
      ended.push(...flushes);
    }
    return ended;
  }

  /**
   * Counts what a request gives to a stream, until it is answered. That may take for ever, or until a later request is
   * answered: it must not keep those from being looked at.
   * @throws NinePError (ENOBUFS) above the limit.
   */
  charge(request: Request, bytes: number): void {
    const { streamBytes } = this.#limits;
    if (this.#streamBytes + bytes > streamBytes) {
      throw new NinePError('too many bytes being written on this connection', Errno.ENOBUFS);
    }
    this.#streamBytes += bytes;
    request.charge = bytes;
    if (request.pending === 0) return;
    this.#bytes -= request.pending - PENDING_REQUEST_BYTES;
    request.pending = PENDING_REQUEST_BYTES;
  }

  /** Takes back what was charged for it. */
  uncharge(request: Request): void {
    this.#streamBytes -= request.charge;
    request.charge = 0;
  }

  /** Cancels all of them; they are never answered. */
  abandonAll(reason: string): void {
    for (const request of this.#waiting.values()) {
      request.abandoned = true;
      this.#remove(request);
      request.cancel(reason);
    }
    this.#flushes.clear();
  }

  #remove(request: Request): void {
    this.uncharge(request);
    this.#bytes -= request.pending;
    request.pending = 0;
    this.#waiting.delete(request.tag);
  }
}

/** The fid that a message is about: of two the one that is to be changed or moved, NOFID for none. */
export function fidOf(message: TMessage): number {
  if ('fid' in message) return message.fid;
  if ('olddirfid' in message) return message.olddirfid;
  return 'dirfid' in message ? message.dirfid : NOFID;
}

/** What a cancelled request's operation throws of Node's own is only how it noticed. */
export function reasonOf(request: Request, thrown: unknown): NinePError {
  const aborted = request.cancelled && thrown instanceof Error && thrown.name === 'AbortError';
  return NinePError.from(aborted ? request.signal.reason : thrown);
}
