import { HEADER_SIZE, MessageType, RREAD_HEADER_SIZE } from '../constants.js';
import { protocolError } from '../errors.js';

/** A frame's payload beyond the header of its Rread, in the pieces that were received; see FrameReader. */
export type PayloadPieces = readonly Buffer[];

/** Pieces of one payload before they are put together: a peer that sends byte by byte costs no object per byte. */
const MAX_PIECES = 64;

/** Cuts a byte stream into frames, however it was chunked: each begins with its size, itself included. */
export class FrameReader {
  /** The largest frame to accept, in bytes. */
  maxSize: number;
  #header = Buffer.alloc(4);
  #headerBytes = 0;
  #frame: Buffer | undefined;
  #frameBytes = 0;
  readonly #inPieces: boolean;
  /** The Rread whose payload is arriving: its header, what is there of the rest, how many bytes are not. */
  #head: Buffer | undefined;
  #pieces: Buffer[] = [];
  #missing = 0;

  /** @param inPieces hands over the payload of an Rread that came in several chunks as it came, without a copy */
  constructor(maxSize: number, inPieces = false) {
    this.maxSize = maxSize;
    this.#inPieces = inPieces;
  }

  /**
   * Calls `onFrame` for each frame that `chunk` completes; frames that lie in one chunk are views of it.
   * Memory stays below one frame: an unfinished one is gathered in a buffer of its own size.
   * @throws NinePError (protocol) if a size is below a header's or above `maxSize`: the stream is then unusable.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer, pieces?: PayloadPieces) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#head) {
        at = this.#addPiece(chunk, at);
        if (this.#missing > 0) return;
        const [head, pieces] = [this.#head, this.#pieces];
        this.#head = undefined;
        this.#pieces = [];
        onFrame(head, pieces);
      } else if (this.#frame) {
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
          if (this.#startsPayload(chunk, at)) at = this.#beginPieces(chunk, at, size);
          else this.#begin(size);
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
    return this.#frame !== undefined || this.#headerBytes > 0 || this.#head !== undefined;
  }

  #startsPayload(chunk: Buffer, at: number): boolean {
    return (
      this.#inPieces && chunk.length - at > RREAD_HEADER_SIZE && chunk[at + 4] === MessageType.Rread
    );
  }

  #beginPieces(chunk: Buffer, at: number, size: number): number {
    this.#head = chunk.subarray(at, at + RREAD_HEADER_SIZE);
    this.#missing = size - RREAD_HEADER_SIZE;
    return this.#addPiece(chunk, at + RREAD_HEADER_SIZE);
  }

  #addPiece(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#pieces.push(chunk.subarray(at, end));
    this.#missing -= end - at;
    if (this.#pieces.length > MAX_PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
    return end;
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
