import type { Duplex } from 'node:stream';
import type { PeerIdentity, Transport, TransportEvents } from './transport.js';

/**
 * Any Node duplex stream of bytes as a transport. Who reads at its other end may keep what it was given, so it never
 * tells that pieces were taken.
 */
export class DuplexTransport implements Transport {
  readonly peer: PeerIdentity;
  readonly localAddress: string;
  readonly #stream: Duplex;

  constructor(stream: Duplex, peer: PeerIdentity, localAddress = 'local') {
    this.#stream = stream;
    this.peer = peer;
    this.localAddress = localAddress;
    // Errors may come before `start`; the close that follows tells them.
    stream.on('error', ignore);
  }

  get unsent(): number {
    return this.#stream.writableLength;
  }

  start(events: TransportEvents): void {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => events.data(chunk));
    stream.on('drain', () => events.drain());
    // The peer's end of stream is the end of the conversation: 9P has no use for half of one.
    stream.on('end', () => stream.end());
    let over = false;
    const close = () => {
      if (!over) events.close(stream.errored ?? undefined);
      over = true;
    };
    stream.on('close', close);
    // It may have told so already, before there was anyone to hear it.
    if (stream.closed) queueMicrotask(close);
  }

  send(pieces: readonly Uint8Array[]): void {
    this.write(pieces, undefined);
  }

  /** @param done called when the stream has written the last piece, or failed to */
  protected write(
    pieces: readonly Uint8Array[],
    done: ((error: Error | null | undefined) => void) | undefined,
  ): void {
    const stream = this.#stream;
    if (!stream.writable) return;
    const last = pieces.length - 1;
    if (last === 0) {
      stream.write(pieces[0], done);
      return;
    }
    stream.cork();
    for (let index = 0; index < last; index++) stream.write(pieces[index]);
    stream.write(pieces[last], done);
    stream.uncork();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#stream.end(() => this.#stream.destroy());
  }

  destroy(error?: Error): void {
    this.#stream.destroy(error);
  }
}

function ignore(): void {}
