import { type Dialect, MessageType } from '../constants.js';
import type { AnyMessage } from '../messages.js';
import { messageRoom, payloadOf, writeMessage, writeReadHeader } from './encode.js';
import { Writer } from './writer.js';

/** Memory is cut from slabs of this size, in bytes; many small messages share one. */
const SLAB = 64 * 1024;
/** Payloads up to this many bytes are copied: one more piece to send costs more than the copy. */
const COPY_BELOW = 1024;

const NOTHING: Buffer = Buffer.alloc(0);
// Encoding never yields in the middle, so all connections cut from one slab and idle ones hold none.
const slab = new Writer(NOTHING);

/** Collects messages as the pieces that one gathering write sends; large payloads are not copied. */
export class FrameWriter {
  #pieces: Uint8Array[] = [];
  #buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** Bytes collected and not taken yet. */
  byteLength = 0;

  /** @throws NinePError (ENAMETOOLONG) if a string is too long for 9P; nothing of the message is then sent. */
  message(message: AnyMessage, dialect: Dialect): void {
    const parts = message.type === MessageType.Twrite ? message.parts : undefined;
    const payload = payloadOf(message);
    const extra = parts ? bytesIn(parts) : (payload?.length ?? 0);
    const start = this.#reserve(messageRoom(message));
    try {
      writeMessage(slab, message, dialect, extra);
    } catch (error) {
      slab.at = start;
      throw error;
    }
    this.#commit(start);
    if (parts) for (const part of parts) this.#payload(part);
    else if (payload) this.#payload(payload);
  }

  /** An Rread whose data is in several pieces of `count` bytes altogether. */
  read(tag: number, pieces: readonly Uint8Array[], count: number): void {
    const start = this.#reserve(16);
    writeReadHeader(slab, tag, count);
    this.#commit(start);
    for (const piece of pieces) this.#payload(piece);
  }

  /** Hands over what was collected, in order. */
  take(): Uint8Array[] {
    this.#close();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#buffer = NOTHING;
    this.byteLength = 0;
    return pieces;
  }

  #payload(payload: Uint8Array): void {
    if (payload.length <= COPY_BELOW) {
      const start = this.#reserve(payload.length);
      slab.buffer.set(payload, start);
      slab.at += payload.length;
      this.#commit(start);
      return;
    }
    this.#close();
    this.#pieces.push(payload);
    this.byteLength += payload.length;
  }

  /** Makes the slab hold `room` more bytes and tells where they start. */
  #reserve(room: number): number {
    if (slab.at + room > slab.buffer.length) {
      slab.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB, room));
      slab.at = 0;
    }
    return slab.at;
  }

  /** Adds the slab's bytes from `start` to the piece in the making, or begins another. */
  #commit(start: number): void {
    if (this.#buffer !== slab.buffer || this.#end !== start) {
      this.#close();
      this.#buffer = slab.buffer;
      this.#start = start;
    }
    this.#end = slab.at;
    this.byteLength += slab.at - start;
  }

  #close(): void {
    if (this.#end > this.#start) this.#pieces.push(this.#buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

function bytesIn(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { length } of pieces) bytes += length;
  return bytes;
}
