import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Space } from './space.js';

/** Bytes of a file that are kept in one piece. */
const CHUNK = 64 * 1024;
/** The least that is set aside for a piece with something in it. */
const LEAST = 64;
const zeros = Buffer.alloc(CHUNK);

/** A piece of a file, as long as something was written to it; zeros follow. */
interface Chunk {
  bytes: Buffer;
  /** A reader has a view of it, which later writes must not change. */
  shown: boolean;
}

/** The bytes of a sparse file: what was never written takes no space and reads as zeros. */
export class Contents {
  size = 0;
  /** Bytes that it takes from the space. */
  taken = 0;
  readonly #space: Space;
  readonly #chunks = new Map<number, Chunk>();

  constructor(space: Space) {
    this.#space = space;
  }

  /** At most `count` bytes, as views or copies; they keep what they show, and no more than twice as much memory. */
  read(offset: number, count: number): readonly Uint8Array[] {
    const end = Math.min(offset + count, this.size);
    const pieces: Uint8Array[] = [];
    for (let at = offset; at < end; ) {
      const chunk = this.#chunks.get(Math.floor(at / CHUNK));
      const within = at % CHUNK;
      const most = Math.min(CHUNK - within, end - at);
      const written = chunk ? Math.min(chunk.bytes.length - within, most) : 0;
      if (chunk && written > 0) {
        pieces.push(shown(chunk, within, within + written));
        at += written;
      } else {
        pieces.push(zeros.subarray(0, most));
        at += most;
      }
    }
    return pieces;
  }

  /**
   * Answers how many bytes there was space for.
   * @throws NinePError (ENOSPC) if there is none; EFBIG beyond what JavaScript counts.
   */
  write(offset: number, data: Uint8Array): number {
    checkSize(offset + data.length);
    let done = 0;
    while (done < data.length) {
      const at = offset + done;
      const within = at % CHUNK;
      const piece = data.subarray(done, done + CHUNK - within);
      try {
        this.#writable(Math.floor(at / CHUNK), within + piece.length).set(piece, within);
      } catch (error) {
        if (done === 0) throw error;
        break;
      }
      done += piece.length;
    }
    if (done > 0) this.size = Math.max(this.size, offset + done);
    return done;
  }

  /** @throws NinePError (EFBIG) */
  truncate(size: number): void {
    checkSize(size);
    if (size < this.size) this.#cut(size);
    this.size = size;
  }

  #cut(size: number): void {
    const last = Math.floor(size / CHUNK);
    for (const [index, chunk] of this.#chunks) {
      if (index < last) continue;
      const kept = index === last ? Math.min(size % CHUNK, chunk.bytes.length) : 0;
      this.#account(kept - chunk.bytes.length);
      if (kept === 0) this.#chunks.delete(index);
      else
        this.#chunks.set(index, {
          bytes: Buffer.from(chunk.bytes.subarray(0, kept)),
          shown: false,
        });
    }
  }

  /** The bytes of a chunk, `length` of them at least, that nobody else sees. */
  #writable(index: number, length: number): Buffer {
    const chunk = this.#chunks.get(index);
    const before = chunk?.bytes.length ?? 0;
    if (chunk && before >= length && !chunk.shown) return chunk.bytes;
    const size = Math.max(before, roundedUp(length));
    this.#account(size - before);
    const bytes = Buffer.alloc(size);
    if (chunk) bytes.set(chunk.bytes);
    this.#chunks.set(index, { bytes, shown: false });
    return bytes;
  }

  #account(bytes: number): void {
    if (bytes > 0) this.#space.take(bytes);
    else this.#space.give(-bytes);
    this.taken += bytes;
  }
}

/** Bytes of a chunk for a reader, who may keep them for long: a few must not hold the memory of them all. */
function shown(chunk: Chunk, start: number, end: number): Uint8Array {
  const view = chunk.bytes.subarray(start, end);
  // Not Buffer.from(), whose small copies share one larger piece of memory.
  if (view.length < chunk.bytes.length / 2) return new Uint8Array(view);
  chunk.shown = true;
  return view;
}

/** A file that grows by small writes is not copied at each. */
function roundedUp(length: number): number {
  return Math.max(LEAST, 2 ** Math.ceil(Math.log2(length)));
}

function checkSize(size: number): void {
  if (size > Number.MAX_SAFE_INTEGER) throw new NinePError('file too large', Errno.EFBIG);
}
