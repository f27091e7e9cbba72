import { HEADER_SIZE, MessageType, RREAD_HEADER_SIZE, TWRITE_HEADER_SIZE } from '../constants.js';
import { protocolError } from '../errors.js';
import { MAX_PAYLOAD_PIECES } from '../limits.js';

/** The payload behind the fields of an Rread or Twrite, in the pieces that were received; see FrameReader. */
export type PayloadPieces = readonly Buffer[];

/** Cuts a byte stream into frames, however it was chunked: each begins with its size, itself included. */
export class FrameReader {
  /** The largest frame to accept, in bytes. */
  maxSize: number;
  #header = Buffer.alloc(4);
  #headerBytes = 0;
  #frame: Buffer | undefined;
  #frameBytes = 0;
  readonly #inPieces: boolean;
  /** The Rread or Twrite whose payload is arriving: its fields, what is there of the rest, how many bytes are not. */
  #head: Buffer | undefined;
  #pieces: Buffer[] = [];
  #missing = 0;

  /** @param inPieces hands over the payload of an Rread or Twrite that came in several chunks as it came, without a copy */
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
        at = this.#addPiece(this.#head, chunk, at);
        if (!this.#head) continue;
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
          const head = this.#inPieces ? fieldsBeforePayload(chunk[at + 4]) : 0;
          if (head > 0 && chunk.length - at > head) at = this.#beginPieces(chunk, at, head, size);
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

  #beginPieces(chunk: Buffer, at: number, fields: number, size: number): number {
    const head = chunk.subarray(at, at + fields);
    this.#head = head;
    this.#missing = size - fields;
    return this.#addPiece(head, chunk, at + fields);
  }

  #addPiece(head: Buffer, chunk: Buffer, at: number): number {
    if (this.#pieces.length === MAX_PAYLOAD_PIECES) {
      this.#gatherPieces(head);
      return at;
    }
    const end = Math.min(chunk.length, at + this.#missing);
    this.#pieces.push(chunk.subarray(at, end));
    this.#missing -= end - at;
    return end;
  }

  /** Goes over to one buffer for the whole frame. */
  #gatherPieces(head: Buffer): void {
    const received = [head, ...this.#pieces];
    const bytes = received.reduce((sum, piece) => sum + piece.length, 0);
    const frame = this.#begin(bytes + this.#missing);
    for (const piece of received) this.#gather(frame, piece, 0);
    this.#head = undefined;
    this.#pieces = [];
    this.#missing = 0;
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

/** Bytes of a message before its payload; 0 if it has none that may come in pieces. */
function fieldsBeforePayload(type: number | undefined): number {
  if (type === MessageType.Rread) return RREAD_HEADER_SIZE;
  return type === MessageType.Twrite ? TWRITE_HEADER_SIZE : 0;
}
