import type { Socket } from 'node:net';
import { type OwnEnd, streamOf } from '../program/pipes.js';
import type { StreamLog } from './stream-log.js';

/** Moves what a program writes to a pipe into a log, and stops reading the pipe while the log is full. */
export class Output {
  readonly #log: StreamLog;
  #socket: Socket | undefined;
  #closed = false;

  constructor(log: StreamLog) {
    this.#log = log;
    log.onRoom = () => {
      if (this.#socket?.isPaused()) this.#socket.resume();
    };
  }

  connect(end: OwnEnd): void {
    const socket = streamOf(end, 'readable');
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#log.append(chunk);
      if (this.#log.full) socket.pause();
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#finish());
    if (this.#closed) socket.destroy();
  }

  /** Ends the stream: the program is told by SIGPIPE if it goes on writing. */
  close(): void {
    this.#closed = true;
    if (this.#socket) this.#socket.destroy();
    else this.#finish();
  }

  #finish(): void {
    this.#closed = true;
    this.#log.finish();
  }
}
