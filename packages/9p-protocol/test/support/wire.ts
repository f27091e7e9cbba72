import type { Transport, TransportEvents } from '../../src/index.js';

/** A transport that a test plays the other end of, so as to see the very pieces that are sent and received. */
export class Wire implements Transport {
  readonly peer = { address: 'test', group: 'test' };
  readonly localAddress = 'test';
  unsent = 0;
  /** What was sent, by call. */
  readonly sent: {
    readonly pieces: readonly Uint8Array[];
    readonly taken: (() => void) | undefined;
  }[] = [];
  #events!: TransportEvents;

  start(events: TransportEvents): void {
    this.#events = events;
  }

  send(pieces: readonly Uint8Array[], taken?: () => void): void {
    this.sent.push({ pieces, taken });
  }

  /** Bytes from the other end. */
  receive(...chunks: Buffer[]): void {
    for (const chunk of chunks) this.#events.data(chunk);
  }

  /** All that was sent until now, as one; forgets it. */
  take(): Buffer {
    return Buffer.concat(this.sent.splice(0).flatMap(({ pieces }) => pieces));
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
  destroy(): void {}
}

/** Whether the view lies in the memory of the other, so that no byte of it was copied. */
export function liesIn(view: Uint8Array, whole: Uint8Array): boolean {
  const start = view.byteOffset - whole.byteOffset;
  return view.buffer === whole.buffer && start >= 0 && start + view.length <= whole.length;
}
