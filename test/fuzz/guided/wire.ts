import type { Transport, TransportEvents } from '@xcpu/9p-protocol';

/** The end of a connection that the code under test holds; the input plays the other, and says when what is taken. */
export class Wire implements Transport {
  readonly peer = { address: 'fuzz', group: 'fuzz' };
  readonly localAddress = 'fuzz';
  /** Whether what is sent is taken at once. */
  taking = true;
  closed = false;
  readonly #received: (bytes: Buffer) => void;
  #events: TransportEvents | undefined;
  #untaken: Buffer[] = [];
  #unsent = 0;
  #paused = false;
  #waiting: Buffer[] = [];

  /** @param received is told all that is taken, in order */
  constructor(received: (bytes: Buffer) => void) {
    this.#received = received;
  }

  get unsent(): number {
    return this.#unsent;
  }

  start(events: TransportEvents): void {
    this.#events = events;
  }

  send(pieces: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(pieces);
    this.#untaken.push(bytes);
    this.#unsent += bytes.length;
    if (this.taking) setImmediate(() => this.take());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && this.#waiting.length > 0) this.deliver(this.#waiting.shift()!);
  }

  close(): void {
    this.take();
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#waiting = [];
    setImmediate(() => this.#events?.close(undefined));
  }

  /** Takes what was sent. */
  take(): void {
    if (this.#unsent === 0) return;
    const taken = this.#untaken;
    this.#untaken = [];
    this.#unsent = 0;
    for (const bytes of taken) this.#received(bytes);
    if (!this.closed) this.#events?.drain();
  }

  /** Hands over bytes, now or when it is no longer paused. */
  deliver(bytes: Buffer): void {
    if (this.closed) return;
    if (this.#paused) this.#waiting.push(bytes);
    else this.#events?.data(bytes);
  }

  /** The other end goes. */
  leave(): void {
    this.closed = true;
    this.#waiting = [];
    this.#events?.close(undefined);
  }
}

/** One turn of the loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Lets the loop turn until it is so, quickly at first, then for three seconds: something may wait for the disk.
 * @returns whether it became so
 */
export async function becomes(done: () => boolean): Promise<boolean> {
  for (let turns = 0; turns < 300; turns++) {
    if (done()) return true;
    await turn();
  }
  for (let wait = 0; wait < 600; wait++) {
    if (done()) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return done();
}
