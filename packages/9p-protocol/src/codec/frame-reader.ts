import { HEADER_SIZE } from '../constants.js';
import { protocolError } from '../errors.js';

/** Cuts a byte stream into frames, however it was chunked: each begins with its size, itself included. */
export class FrameReader {
  /** The largest frame to accept, in bytes. */
  maxSize: number;
  #header = Buffer.alloc(4);
  #headerBytes = 0;
  #frame: Buffer | undefined;
  #frameBytes = 0;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  /**
   * Calls `onFrame` for each frame that `chunk` completes; frames that lie in one chunk are views of it.
   * Memory stays below one frame: an unfinished one is gathered in a buffer of its own size.
   * @throws NinePError (protocol) if a size is below a header's or above `maxSize`: the stream is then unusable.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame) {
        at += this.#gather(this.#frame, chunk, at);
        if (this.#frameBytes < this.#frame.length) return;
        const frame = this.#frame;
        this.#frame = undefined;
        onFrame(frame);
      } else if (this.#headerBytes > 0 || chunk.length - at < 4) {
        at = this.#gatherHeader(chunk, at);
      } else {
        const size = this.#checked(chunk.readUInt32LE(at));
        if (chunk.length - at < size) {
          this.#begin(size);
        } else {
          const frame = chunk.subarray(at, at + size);
          at += size;
          onFrame(frame);
        }
      }
    }
  }

  /** Whether the stream stands in the middle of a frame. */
  get partial(): boolean {
    return this.#frame !== undefined || this.#headerBytes > 0;
  }

  #gatherHeader(chunk: Buffer, at: number): number {
    const wanted = Math.min(4 - this.#headerBytes, chunk.length - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + wanted);
    this.#headerBytes += wanted;
    if (this.#headerBytes === 4) {
      const frame = this.#begin(this.#checked(this.#header.readUInt32LE(0)));
      this.#header.copy(frame);
      this.#frameBytes = 4;
      this.#headerBytes = 0;
    }
    return at + wanted;
  }

  #begin(size: number): Buffer {
    this.#frame = Buffer.allocUnsafeSlow(size);
    this.#frameBytes = 0;
    return this.#frame;
  }

  #gather(frame: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(frame, this.#frameBytes, at);
    this.#frameBytes += copied;
    return copied;
  }

  #checked(size: number): number {
    if (size < HEADER_SIZE) throw protocolError(`message size ${size} is below a header`);
    if (size > this.maxSize) {
      throw protocolError(`message size ${size} is above the limit of ${this.maxSize}`);
    }
    return size;
  }
}
