import { NOFID } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { ServerLimits } from '../limits.js';
import type { TMessage } from '../messages.js';
import type { Request } from './request.js';

const NONE: readonly number[] = [];

/** The requests of one connection that wait for an answer, what flushes them, and what they make the server hold. */
export class Requests {
  readonly #limits: ServerLimits;
  readonly #waiting = new Map<number, Request>();
  /** Answered when the request that they name is: tag of the flushed request → tags of the Tflushes. */
  readonly #flushes = new Map<number, number[]>();
  #writeBytes = 0;
  #readBytes = 0;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
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

  add(request: Request): void {
    this.#waiting.set(request.tag, request);
  }

  /** Notes that `flush` is to be answered when the request with that tag has ended, and cancels that one. */
  flush(flush: Request, request: Request): void {
    const flushes = this.#flushes.get(request.tag);
    if (flushes) flushes.push(flush.tag);
    else this.#flushes.set(request.tag, [flush.tag]);
    this.add(flush);
    request.cancel('request flushed');
  }

  /** Somebody flushes it. */
  flushed(request: Request): boolean {
    return this.#flushes.has(request.tag);
  }

  /** Ends a request, what flushes it, and what flushes that: answers the tags of these flushes, in order. */
  settle(request: Request): readonly number[] {
    this.uncharge(request);
    this.#waiting.delete(request.tag);
    const direct = this.#flushes.get(request.tag);
    if (!direct) return NONE;
    this.#flushes.delete(request.tag);
    const ended = [...direct];
    for (const tag of ended) {
      this.#waiting.delete(tag);
      const flushes = this.#flushes.get(tag);
      if (!flushes) continue;
      this.#flushes.delete(tag);
      ended.push(...flushes);
    }
    return ended;
  }

  /**
   * Counts what a request makes the server hold until it is answered.
   * @throws NinePError (ENOBUFS) above the limit.
   */
  charge(request: Request, kind: 'read' | 'write', bytes: number): void {
    if (kind === 'write') {
      if (this.#writeBytes + bytes > this.#limits.writeBytes) throw tooMuch('written');
      this.#writeBytes += bytes;
      request.charge = bytes;
    } else {
      if (this.#readBytes + bytes > this.#limits.readBytes) throw tooMuch('read');
      this.#readBytes += bytes;
      request.charge = -bytes;
    }
  }

  /** Takes back what was charged for it. */
  uncharge(request: Request): void {
    if (request.charge > 0) this.#writeBytes -= request.charge;
    else this.#readBytes += request.charge;
    request.charge = 0;
  }

  /** Cancels all of them; they are never answered. */
  abandonAll(reason: string): void {
    for (const request of this.#waiting.values()) {
      request.abandoned = true;
      this.uncharge(request);
      request.cancel(reason);
    }
    this.#waiting.clear();
    this.#flushes.clear();
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

function tooMuch(what: string): NinePError {
  return new NinePError(`too many bytes being ${what} on this connection`, Errno.ENOBUFS);
}
