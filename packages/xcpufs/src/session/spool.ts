import { type FileHandle, open, unlink } from 'node:fs/promises';

/** Bytes of one file of a spool, unless told otherwise: the oldest is dropped as a whole. */
const SEGMENT = 4 * 1024 * 1024;

interface Segment {
  readonly offset: number;
  length: number;
  readonly file: FileHandle;
}

/** The older output of a persistent session on disk, in files whose names are gone at once: a crash leaves none behind. */
export class Spool {
  /** The oldest byte kept. */
  start = 0;
  readonly #path: string;
  readonly #quota: number;
  readonly #segment: number;
  #end = 0;
  #segments: Segment[] = [];
  #number = 0;
  #closed = false;

  /**
   * @param path where the files are made, a number is appended
   * @param quota bytes kept at the most
   * @param segment bytes of one file
   */
  constructor(path: string, quota: number, segment = SEGMENT) {
    this.#path = path;
    this.#quota = quota;
    this.#segment = segment;
  }

  /** The stream's bytes are spooled from this offset on. */
  begin(offset: number): void {
    this.start = offset;
    this.#end = offset;
  }

  /**
   * Adds the next bytes of the stream. What does not fit under the quota, or on the disk, pushes out the
   * oldest: the newest output of a job tells most.
   */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      try {
        const segment = await this.#segmentFor(piece.length);
        const { bytesWritten } = await segment.file.write(piece, 0, piece.length, segment.length);
        if (bytesWritten < piece.length) throw new Error('disk full');
        segment.length += piece.length;
        this.#end += piece.length;
      } catch {
        await this.#dropAll(piece.length);
      }
    }
  }

  /** Bytes from `offset` on, fewer than `count` at the end of a file; none where they were dropped meanwhile. */
  async read(offset: number, count: number): Promise<Uint8Array[]> {
    const segment = this.#segments.find(
      ({ offset: begin, length }) => offset >= begin && offset < begin + length,
    );
    if (!segment) return [];
    const wanted = Math.min(count, segment.offset + segment.length - offset);
    const buffer = Buffer.allocUnsafe(wanted);
    const { bytesRead } = await segment.file.read(buffer, 0, wanted, offset - segment.offset);
    return [buffer.subarray(0, bytesRead)];
  }

  /** Lets go of the disk; what was kept there is lost. */
  async close(): Promise<void> {
    const segments = this.#segments;
    this.#segments = [];
    this.#closed = true;
    this.start = this.#end;
    await Promise.allSettled(segments.map(({ file }) => file.close()));
  }

  async #segmentFor(length: number): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last && last.length + length <= this.#segment) return last;
    // With the one to come there are as many as fit under the quota, at least one.
    while (this.#segments.length > 0 && this.#isFull()) await this.#dropOldest();
    if (this.#closed) throw new Error('closed');
    const path = `${this.#path}.${this.#number++}`;
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    if (this.#closed) {
      await file.close();
      throw new Error('closed');
    }
    const segment = { offset: this.#end, length: 0, file };
    this.#segments.push(segment);
    return segment;
  }

  #isFull(): boolean {
    return (this.#segments.length + 1) * this.#segment > this.#quota;
  }

  async #dropOldest(): Promise<void> {
    const oldest = this.#segments.shift();
    this.start = this.#segments[0]?.offset ?? this.#end;
    // A disk that fails may do so at the end, too; the file is gone either way.
    await oldest?.file.close().catch(() => {});
  }

  /** The disk takes nothing: all that is spooled gives way, and the bytes at hand are lost too. */
  async #dropAll(lost: number): Promise<void> {
    while (this.#segments.length > 0) await this.#dropOldest();
    this.#end += lost;
    this.start = this.#end;
  }
}
