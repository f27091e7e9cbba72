import { Duplex } from 'node:stream';
import { DuplexTransport } from './duplex.js';
import type { Transport } from './transport.js';

/** Two transports joined in memory: what one sends the other receives, with back-pressure. */
export function transportPair(): [Transport, Transport] {
  const a = new PairEnd();
  const b = new PairEnd();
  a.other = b;
  b.other = a;
  const peer = { address: 'memory', group: 'memory' };
  return [new DuplexTransport(a, peer, 'memory'), new DuplexTransport(b, peer, 'memory')];
}

class PairEnd extends Duplex {
  other!: PairEnd;
  #resume: (() => void) | undefined;

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.other.#receive(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.other.#receive(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What was sent before the end in order is still to be read; the end of it ends the other side.
    if (!this.writableFinished) setImmediate(() => this.other.destroy());
    this._read();
    done(error);
  }

  #receive(chunk: Buffer, done: () => void): void {
    if (this.destroyed) return done();
    if (this.push(chunk)) setImmediate(done);
    else this.#resume = done;
  }
}
