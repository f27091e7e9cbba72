import { STREAM_WINDOW } from '../limits.js';
import type { Spool } from './spool.js';

/** Chunks below this many bytes are gathered in blocks: a program that writes byte by byte costs no object per byte. */
const SMALL = 2048;
const BLOCK = 4096;

interface Chunk {
  /** Where it begins in the stream. */
  readonly offset: number;
  data: Buffer;
}

/** Whoever reads a log: where it stands, and how it hears that there is more. */
export interface LogReader {
  offset: number;
  wake(): void;
}

/**
 * What a program wrote to one stream, by absolute offset. Every reader gets all of it from the oldest byte kept.
 *
 * Without a spool nothing is dropped that an open reader (or, with none, no reader so far) has not seen: the
 * window fills up and the program waits, as at a terminal. With a spool, older bytes move to disk and the
 * program never waits for a reader.
 */
export class StreamLog {
  /** Where the stream ends so far. */
  end = 0;
  /** Nothing more will come. */
  ended = false;
  /** Called when the log wants more after having been full. */
  onRoom: (() => void) | undefined;
  #chunks: Chunk[] = [];
  /** Oldest byte in memory. */
  #memoryStart = 0;
  /** The block that small chunks go to, and how much of it is used. */
  #block: Buffer | undefined;
  #used = 0;
  readonly #readers = new Set<LogReader>();
  /** How far any reader that has left got. */
  #seen = 0;
  #spool: Spool | undefined;
  /** Where a reader begins who comes while there is a spool: he is told of what was dropped since. */
  #spooledFrom = 0;
  #spooling: Promise<void> | undefined;
  readonly #window: number;

  /** @param window bytes kept in memory, and how far the program may get ahead of its slowest reader */
  constructor(window = STREAM_WINDOW) {
    this.#window = window;
  }

  /** The oldest byte that can still be read. */
  get start(): number {
    return this.#spool ? Math.min(this.#spool.start, this.#memoryStart) : this.#memoryStart;
  }

  /** The window is full: the program has to wait. */
  get full(): boolean {
    if (this.#spool) return this.end - this.#memoryStart >= 2 * this.#window;
    return this.end - this.#droppable() >= this.#window;
  }

  /** From now on older output goes to disk, and no reader makes the program wait. */
  spoolTo(spool: Spool): void {
    this.#spool = spool;
    this.#spooledFrom = this.#memoryStart;
    spool.begin(this.#memoryStart);
    this.#trim();
    this.onRoom?.();
  }

  append(data: Buffer): void {
    if (data.length < SMALL) this.#appendSmall(data);
    else this.#push(data);
    this.#trim();
    this.#wake();
  }

  finish(): void {
    this.ended = true;
    this.#wake();
  }

  addReader(reader: LogReader): void {
    reader.offset = this.#spool ? this.#spooledFrom : this.start;
    this.#readers.add(reader);
  }

  removeReader(reader: LogReader): void {
    this.#readers.delete(reader);
    this.#seen = Math.max(this.#seen, reader.offset);
    this.consumed();
  }

  /** A reader went on: perhaps there is room for more now. */
  consumed(): void {
    this.#trim();
    if (!this.full) this.onRoom?.();
  }

  /** Bytes from `offset` on, as pieces without a copy; a promise where they come from disk. Empty at the end. */
  read(offset: number, count: number): Uint8Array[] | Promise<Uint8Array[]> {
    if (this.#spool && offset < this.#memoryStart) {
      const wanted = Math.min(count, this.#memoryStart - offset);
      return this.#spool.read(offset, wanted);
    }
    return this.#slice(offset, count);
  }

  #slice(offset: number, count: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let at = offset;
    const end = Math.min(this.end, offset + count);
    for (let index = this.#indexOf(offset); at < end; index++) {
      const chunk = this.#chunks[index]!;
      const piece = chunk.data.subarray(at - chunk.offset, end - chunk.offset);
      pieces.push(piece);
      at += piece.length;
    }
    return pieces;
  }

  /** The last chunk that begins at or before the offset. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#chunks[middle]!.offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #push(data: Buffer): void {
    this.#block = undefined;
    this.#chunks.push({ offset: this.end, data });
    this.end += data.length;
  }

  /** Blocks only ever grow at their end: pieces of them that are on their way to a reader stay as they are. */
  #appendSmall(data: Buffer): void {
    if (!this.#block || this.#used + data.length > BLOCK) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#used = 0;
      this.#chunks.push({ offset: this.end, data: this.#block.subarray(0, 0) });
    }
    data.copy(this.#block, this.#used);
    this.#used += data.length;
    this.#chunks[this.#chunks.length - 1]!.data = this.#block.subarray(0, this.#used);
    this.end += data.length;
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /** Up to here every open reader has read; with none open, up to where the furthest one got. */
  #droppable(): number {
    if (this.#readers.size === 0) return this.#seen;
    let least = this.end;
    for (const reader of this.#readers) least = Math.min(least, reader.offset);
    return least;
  }

  #trim(): void {
    if (this.#spool) {
      this.#spooling ??= this.#evict()?.finally(() => {
        this.#spooling = undefined;
        this.#trim();
      });
      return;
    }
    const limit = Math.min(this.#droppable(), this.end - this.#window);
    let count = 0;
    while (count < this.#chunks.length - 1 && this.#chunks[count + 1]!.offset <= limit) count++;
    this.#drop(count);
  }

  /** Writes what is beyond the window to disk; it leaves memory once it is there. */
  #evict(): Promise<void> | undefined {
    const limit = this.end - this.#window;
    const old = this.#chunks.filter((chunk) => chunk.offset + chunk.data.length <= limit);
    if (old.length === 0 || !this.#spool) return undefined;
    const pieces = old.map((chunk) => chunk.data);
    return this.#spool.append(pieces).then(() => {
      this.#drop(old.length);
      if (!this.full) this.onRoom?.();
    });
  }

  #drop(count: number): void {
    if (count === 0) return;
    this.#chunks.splice(0, count);
    this.#memoryStart = this.#chunks[0]?.offset ?? this.end;
  }
}
