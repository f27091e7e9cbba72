import type { Socket } from 'node:net';
import { Errno, NinePError } from '@xcpu/9p-protocol';
import type { Request } from '@xcpu/9p-protocol/server';
import { type OwnEnd, streamOf } from '../program/pipes.js';

interface WaitingWrite {
  readonly data: Uint8Array;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A program's standard input. Writes of all clients go in one after the other, in the order in which they
 * came; each is answered when the pipe has taken it, so that a program that does not read holds up its writers.
 */
export class Stdin {
  #socket: Socket | undefined;
  #waiting: WaitingWrite[] = [];
  #writing = false;
  #closing = false;
  #ended = false;

  /** The pipe is there: what was written before goes in now. */
  connect(end: OwnEnd): void {
    this.#socket = streamOf(end, 'writable');
    this.#socket.on('error', () => this.end());
    if (this.#ended) this.#socket.destroy();
    this.#next();
  }

  /** @throws NinePError (EPIPE) once the input is closed or the program has ended */
  write(data: Uint8Array, request: Request): Promise<number> {
    if (this.#closing || this.#ended) throw brokenPipe();
    return new Promise((resolve, reject) => {
      const waiting = { data, resolve, reject };
      this.#waiting.push(waiting);
      request.onCancel((reason) => this.#forget(waiting, reason));
      this.#next();
    });
  }

  /** End of input, after what was written so far. */
  close(): void {
    this.#closing = true;
    this.#next();
  }

  /** Nobody reads any more: waiting writes fail. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket?.destroy();
    for (const { reject } of this.#waiting) reject(brokenPipe());
    this.#waiting = [];
  }

  #next(): void {
    if (this.#writing || this.#ended || !this.#socket) return;
    const waiting = this.#waiting[0];
    if (!waiting) {
      if (this.#closing) this.#socket.end();
      return;
    }
    this.#waiting.shift();
    this.#writing = true;
    this.#socket.write(waiting.data, (error) => {
      this.#writing = false;
      if (error) waiting.reject(brokenPipe());
      else waiting.resolve(waiting.data.length);
      this.#next();
    });
  }

  /**
   * A flushed write has no effect, unless the pipe has begun to take it. It is answered even then: a client that
   * went away must not hold the session until its program reads.
   */
  #forget(waiting: WaitingWrite, reason: NinePError): void {
    const index = this.#waiting.indexOf(waiting);
    if (index >= 0) this.#waiting.splice(index, 1);
    waiting.reject(reason);
  }
}

function brokenPipe(): NinePError {
  return new NinePError('broken pipe', Errno.EPIPE);
}
