import { Errno, NinePError } from '@xcpu/9p-protocol';
import type { Awaitable, OpenFile, Request } from '@xcpu/9p-protocol/server';
import type { LogReader, StreamLog } from './stream-log.js';

interface WaitingRead {
  readonly count: number;
  readonly request: Request;
  readonly resolve: (pieces: readonly Uint8Array[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One open fid of `stdout` or `stderr`: a cursor that begins at the oldest byte kept. Offsets of reads mean
 * nothing, as in any pipe. Reads are answered in the order in which they came; one that is flushed before it
 * was answered has consumed nothing.
 */
export class LogFile implements OpenFile, LogReader {
  readonly stream = true;
  offset = 0;
  readonly #log: StreamLog;
  #waiting: WaitingRead[] = [];
  #busy = false;
  /** What is left to read of the text that tells of dropped output. */
  #marker: Buffer = Buffer.alloc(0);
  #drain: (() => void) | undefined;

  constructor(log: StreamLog) {
    this.#log = log;
    log.addReader(this);
  }

  read(_offset: number, count: number, request: Request): Awaitable<readonly Uint8Array[]> {
    if (this.#waiting.length === 0 && !this.#busy && !request.congested) {
      const pieces = this.#take(count);
      if (Array.isArray(pieces)) return pieces;
      if (pieces) return this.#hold(pieces, count);
    }
    return new Promise((resolve, reject) => {
      const waiting = { count, request, resolve, reject };
      this.#waiting.push(waiting);
      request.onCancel((reason) => this.#forget(waiting, reason));
      this.wake();
    });
  }

  /** Answers waiting reads as far as there is something to answer. */
  wake(): void {
    while (!this.#busy && this.#waiting.length > 0) {
      const { request, count, resolve, reject } = this.#waiting[0]!;
      if (request.congested) return this.#awaitDrain(request);
      const pieces = this.#take(count);
      if (!pieces) return;
      this.#waiting.shift();
      if (Array.isArray(pieces)) resolve(pieces);
      else this.#hold(pieces, count).then(resolve, reject);
    }
  }

  close(): void {
    this.#drain?.();
    for (const { reject } of this.#waiting) reject(new NinePError('closed', Errno.EBADF));
    this.#waiting = [];
    this.#log.removeReader(this);
  }

  /** The next bytes, an empty list at the end of the stream, undefined while there are none. */
  #take(count: number): Uint8Array[] | Promise<Uint8Array[]> | undefined {
    const log = this.#log;
    if (this.offset < log.start) {
      const marker = `\n[xcpufs: ${log.start - this.offset} bytes of output dropped]\n`;
      this.#marker = Buffer.concat([this.#marker, Buffer.from(marker)]);
      this.offset = log.start;
    }
    if (this.#marker.length > 0) {
      const piece = this.#marker.subarray(0, count);
      this.#marker = this.#marker.subarray(piece.length);
      return [piece];
    }
    if (this.offset === log.end) return log.ended ? [] : undefined;
    const pieces = log.read(this.offset, count);
    if (!Array.isArray(pieces)) return pieces;
    this.#advance(pieces);
    return pieces;
  }

  /** Later reads wait until this one has come from disk; what was dropped meanwhile is told by a marker. */
  async #hold(reading: Promise<Uint8Array[]>, count: number): Promise<Uint8Array[]> {
    this.#busy = true;
    try {
      const pieces = await reading;
      if (pieces.length === 0) {
        if (this.offset >= this.#log.start) throw new NinePError('i/o error', Errno.EIO);
        const marker = this.#take(count);
        if (Array.isArray(marker)) return marker;
      }
      this.#advance(pieces);
      return pieces;
    } finally {
      this.#busy = false;
      setImmediate(() => this.wake());
    }
  }

  #advance(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.offset += piece.length;
    this.#log.consumed();
  }

  #forget(waiting: WaitingRead, reason: NinePError): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiting.reject(reason);
  }

  #awaitDrain(request: Request): void {
    this.#drain ??= request.connection.onDrain(() => {
      this.#drain = undefined;
      this.wake();
    });
  }
}
