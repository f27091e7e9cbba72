import type { Duplex } from 'node:stream';
import type { ConnectOptions } from './mounter.js';

/** Bytes that may wait for one end while the other must not be stalled: beyond them, the conversation is given up. */
const MOST_WAITING = 64 * 1024 * 1024;

/** Joins two streams of bytes: what one reads the other writes, and when one ends so does the other. */
export function relay(a: Duplex, b: Duplex, { neverStall }: ConnectOptions): void {
  forward(a, b, neverStall);
  forward(b, a, neverStall);
}

function forward(from: Duplex, to: Duplex, neverStall: boolean): void {
  from.on('error', () => {});
  from.on('data', (chunk: Buffer) => {
    if (!to.writable || to.write(chunk)) return;
    if (!neverStall) {
      from.pause();
      to.once('drain', () => from.resume());
    } else if (to.writableLength > MOST_WAITING) {
      from.destroy();
    }
  });
  from.once('end', () => to.end());
  from.once('close', () => {
    // What came before an end in order is still to go out.
    if (from.readableEnded && !to.writableFinished) to.end(() => to.destroy());
    else to.destroy();
  });
  if (from.closed) to.destroy();
}
