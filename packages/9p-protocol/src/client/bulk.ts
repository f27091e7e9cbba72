import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { clientLimits } from '../limits.js';
import type { Fid, RequestOptions } from './fid.js';

/** What part of a file is moved, and how. */
export interface RangeOptions extends RequestOptions {
  /** Where it begins, in bytes. Default 0. */
  readonly start?: number | undefined;
  /** Requests under way at once. */
  readonly inFlight?: number | undefined;
}

/** What part of a file is read. */
export interface ReadRangeOptions extends RangeOptions {
  /** Where it ends, exclusive; default the end of the file. */
  readonly end?: number | undefined;
}

/**
 * A file's bytes in order while the next reads are under way, in the pieces that were received; ends at the first
 * empty read.
 */
export async function* readRange(fid: Fid, options: ReadRangeOptions): AsyncGenerator<Uint8Array> {
  const { start = 0, end = Infinity, inFlight = clientLimits.bulkRequests } = options;
  const reads: { offset: number; count: number; data: Promise<readonly Uint8Array[]> }[] = [];
  let next = start;
  try {
    for (;;) {
      while (reads.length < inFlight && next < end) {
        const count = Math.min(fid.chunk, end - next);
        const data = fid.readPieces(next, count, options);
        // A read beyond the end of the transfer may fail with nobody left to care.
        data.catch(() => {});
        reads.push({ offset: next, count, data });
        next += count;
      }
      const read = reads.shift();
      if (!read) return;
      let at = read.offset;
      const until = read.offset + read.count;
      let pieces = await read.data;
      // A short read is not the end of the file: ask for the rest of this piece before the next one counts.
      for (;;) {
        const before = at;
        for (const piece of pieces) {
          if (piece.length === 0) continue;
          at += piece.length;
          yield piece;
        }
        if (at === before) return;
        if (at === until) break;
        pieces = await fid.readPieces(at, until - at, options);
      }
    }
  } finally {
    await Promise.allSettled(reads.map((read) => read.data));
  }
}

/**
 * The same for a file of which nothing is known: one request at a time for as long as answers come short, as those
 * of pipes, events and small files do, several at once behind the first full one.
 */
export async function* readContents(
  fid: Fid,
  options: ReadRangeOptions,
): AsyncGenerator<Uint8Array> {
  const { start = 0, end = Infinity } = options;
  let at = start;
  while (at < end) {
    const count = Math.min(fid.chunk, end - at);
    let length = 0;
    for (const piece of await fid.readPieces(at, count, options)) {
      if (piece.length === 0) continue;
      length += piece.length;
      yield piece;
    }
    if (length === 0) return;
    at += length;
    if (length === count) {
      yield* readRange(fid, { ...options, start: at });
      return;
    }
  }
}

/** Writes a buffer, several requests under way at once; a server that takes less is sent the rest again. */
export async function writeRange(
  fid: Fid,
  data: Uint8Array,
  options: RequestOptions & { offset?: number; inFlight?: number },
): Promise<void> {
  const writer = new BulkWriter(fid, { ...options, start: options.offset });
  try {
    await writer.write(data);
  } finally {
    await writer.finish();
  }
}

/** Writes what comes piece by piece one behind the other, several requests under way at once. */
export class BulkWriter {
  readonly #fid: Fid;
  readonly #options: RangeOptions;
  readonly #writes: Promise<void>[] = [];
  #failed: { readonly error: unknown } | undefined;
  /** Where the next piece goes. */
  offset: number;

  constructor(fid: Fid, options: RangeOptions) {
    this.#fid = fid;
    this.#options = options;
    this.offset = options.start ?? 0;
  }

  /**
   * Takes a piece; answers when there is room for the next one. The data must not be changed before `finish`.
   * @throws what a piece before it failed with
   */
  async write(data: Uint8Array): Promise<void> {
    const { inFlight = clientLimits.bulkRequests } = this.#options;
    const count = this.#fid.chunk;
    for (let at = 0; at < data.length; at += count) {
      while (this.#writes.length >= inFlight) await this.#writes.shift();
      this.#check();
      const piece = data.subarray(at, at + count);
      const write = writePiece(this.#fid, this.offset, piece, this.#options);
      write.catch((error: unknown) => {
        this.#failed ??= { error };
      });
      this.#writes.push(write);
      this.offset += piece.length;
    }
  }

  /** Everything was taken by the server. */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#writes.splice(0));
    this.#check();
  }

  #check(): void {
    if (this.#failed) throw this.#failed.error;
  }
}

async function writePiece(
  fid: Fid,
  offset: number,
  piece: Uint8Array,
  options: RequestOptions,
): Promise<void> {
  let done = 0;
  while (done < piece.length) {
    const count = await fid.write(offset + done, piece.subarray(done), options);
    if (count === 0) throw new NinePError('server takes no more data', Errno.ENOSPC);
    done += count;
  }
}
