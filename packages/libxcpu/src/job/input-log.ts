import { unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What an input log may hold. */
export interface InputLogLimits {
  /** Bytes kept in memory before the oldest go to a temporary file. */
  readonly memory: number;
  /** Bytes in the file before the source waits for the slowest reader. */
  readonly disk: number;
  /** Bytes by which the source runs ahead of the fastest reader. */
  readonly ahead: number;
}

const defaultLimits: InputLogLimits = {
  memory: 8 * 1024 * 1024,
  disk: 4 * 1024 * 1024 * 1024,
  ahead: 1024 * 1024,
};

interface Piece {
  /** Where it begins in the whole input. */
  readonly offset: number;
  readonly data: Uint8Array;
}

/**
 * One input for many readers, each at its own pace: written once, read by all from the beginning. What all have read
 * is forgotten. The input follows the fastest reader; for the slower ones it is kept, in memory first and then in an
 * unlinked temporary file, so that none holds up another. Where the file has its limit, or the disk is full, the
 * input waits for the slowest: nothing is lost.
 */
export class InputLog {
  readonly #limits: InputLogLimits;
  readonly #readers = new Set<InputReader>();
  /** What is in memory, in order; it follows what is in the file. */
  readonly #pieces: Piece[] = [];
  #memoryBytes = 0;
  #end = 0;
  /** How far the fastest reader has come. */
  #fastest = 0;
  #ended = false;
  #file: FileHandle | undefined;
  /** The file holds the input from here to the first piece. */
  #fileStart = 0;
  #fileBytes = 0;
  #progress = new Wakeup();
  #arrival = new Wakeup();

  constructor(limits: Partial<InputLogLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Bytes that are in memory and in the file. */
  get held(): { readonly memory: number; readonly disk: number } {
    return { memory: this.#memoryBytes, disk: this.#fileBytes };
  }

  /** A reader that begins at the beginning; all are made before the first byte is appended. */
  reader(): InputReader {
    const reader = new InputReader(this);
    this.#readers.add(reader);
    return reader;
  }

  /**
   * Adds to the input and waits until more is wanted: the next call comes after that. Answers false once nobody
   * reads any more.
   */
  async append(data: Uint8Array): Promise<boolean> {
    this.#pieces.push({ offset: this.#end, data });
    this.#memoryBytes += data.length;
    this.#end += data.length;
    this.#arrival.wake();
    for (;;) {
      // Waited for from before the look: what happens during it is not missed.
      const progress = this.#progress.wait();
      if (this.#readers.size === 0) return false;
      if (await this.#hasRoom()) return true;
      await progress;
    }
  }

  /** The input is complete. */
  end(): void {
    this.#ended = true;
    this.#arrival.wake();
  }

  /** Lets go of everything; readers are at the end. */
  async close(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    this.#pieces.length = 0;
    this.#memoryBytes = 0;
    this.end();
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Called by a reader: at most `most` bytes from `offset` on, undefined at the end. */
  async read(reader: InputReader, offset: number, most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      if (!this.#readers.has(reader)) return undefined;
      if (offset < this.#end) return this.#readAt(offset, most);
      if (this.#ended) return undefined;
      await this.#arrival.wait();
    }
  }

  /** Called by a reader that has advanced to `offset`. */
  advanced(offset: number): void {
    if (offset <= this.#fastest) return this.#caughtUp();
    this.#fastest = offset;
    this.#progress.wake();
  }

  /** Called by a reader that has closed. */
  closed(reader: InputReader): void {
    if (!this.#readers.delete(reader)) return;
    if (reader.offset === this.#fastest) this.#fastest = this.#furthest(Math.max, 0);
    this.#progress.wake();
    this.#arrival.wake();
  }

  /** Among thousands of readers it matters to the source only while it waits for the slowest. */
  #caughtUp(): void {
    if (this.#memoryBytes > this.#limits.memory) this.#progress.wake();
  }

  #furthest(choose: (a: number, b: number) => number, start: number): number {
    let furthest = start;
    for (const { offset } of this.#readers) furthest = choose(furthest, offset);
    return furthest;
  }

  async #hasRoom(): Promise<boolean> {
    if (this.#memoryBytes > this.#limits.memory) {
      await this.#forget(this.#furthest(Math.min, this.#end));
    }
    while (this.#memoryBytes > this.#limits.memory) {
      if (!(await this.#spill(this.#pieces[0]!))) return false;
    }
    return this.#end - this.#fastest <= this.#limits.ahead;
  }

  /** Drops what lies wholly before `offset`, which every reader has passed. */
  async #forget(offset: number): Promise<void> {
    let count = 0;
    for (const piece of this.#pieces) {
      if (piece.offset + piece.data.length > offset) break;
      this.#memoryBytes -= piece.data.length;
      count++;
    }
    this.#pieces.splice(0, count);
    if (this.#fileBytes > 0 && offset >= this.#fileStart + this.#fileBytes) {
      this.#fileBytes = 0;
      await this.#file?.truncate(0);
    }
    if (this.#fileBytes === 0) this.#fileStart = this.#pieces[0]?.offset ?? this.#end;
  }

  /** Moves the oldest piece in memory to the file; false where there is no room. */
  async #spill({ data }: Piece): Promise<boolean> {
    if (this.#fileBytes + data.length > this.#limits.disk) return false;
    try {
      this.#file ??= await openUnlinked();
      let done = 0;
      while (done < data.length) {
        const rest = data.length - done;
        const { bytesWritten } = await this.#file.write(data, done, rest, this.#fileBytes + done);
        done += bytesWritten;
      }
    } catch {
      return false;
    }
    this.#fileBytes += data.length;
    this.#memoryBytes -= data.length;
    this.#pieces.shift();
    return true;
  }

  async #readAt(offset: number, most: number): Promise<Uint8Array | undefined> {
    const first = this.#pieces[0];
    if (!first || offset < first.offset) {
      const rest = (first?.offset ?? this.#end) - offset;
      const buffer = Buffer.allocUnsafe(Math.min(most, rest));
      const file = this.#file;
      if (!file) return undefined;
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset - this.#fileStart);
      return buffer.subarray(0, bytesRead);
    }
    const { data, offset: start } = this.#pieces[this.#indexAt(offset)]!;
    return data.subarray(offset - start, offset - start + most);
  }

  /** The piece in memory that holds the byte at `offset`. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#pieces[middle]!.offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** One reader's place in an input log. */
export class InputReader {
  readonly #log: InputLog;
  #offset = 0;

  constructor(log: InputLog) {
    this.#log = log;
  }

  /** How far it has come. */
  get offset(): number {
    return this.#offset;
  }

  /** The next bytes, at most `most`; undefined at the end or once closed. */
  async next(most: number): Promise<Uint8Array | undefined> {
    const data = await this.#log.read(this, this.#offset, most);
    if (data) {
      this.#offset += data.length;
      this.#log.advanced(this.#offset);
    }
    return data;
  }

  /** Nothing more is wanted. */
  close(): void {
    this.#log.closed(this);
  }
}

/** Something to wait for that happens again and again. */
class Wakeup {
  #waiting: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

let filesOpened = 0;

/** A temporary file that is gone when its last user is, whatever becomes of this program. */
async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `xcpu-stdin-${process.pid}-${Date.now()}-${filesOpened++}`);
  const file = await open(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}
