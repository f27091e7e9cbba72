import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Qid, Uint64 } from '../types.js';
import { encodeString } from './strings.js';

const TWO_32 = 0x1_0000_0000;
/** The lengths of strings and stats are 16 bits on the wire. */
const MAX_LENGTH = 0xffff;

/** Writes little-endian fields one after the other into a buffer that has room for them. */
export class Writer {
  buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  u8(value: number): void {
    this.buffer[this.at++] = value;
  }

  u16(value: number): void {
    const { buffer, at } = this;
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    this.at = at + 2;
  }

  u32(value: number): void {
    this.patch32(this.at, value);
    this.at += 4;
  }

  /** Sets four bytes that were left open. */
  patch32(at: number, value: number): void {
    const { buffer } = this;
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    buffer[at + 2] = value >>> 16;
    buffer[at + 3] = value >>> 24;
  }

  /**
   * Sets a length that was left open.
   * @throws NinePError (ENAMETOOLONG) above 65535.
   */
  patch16(at: number, length: number): void {
    if (length > MAX_LENGTH) throw new NinePError('string too long for 9P', Errno.ENAMETOOLONG);
    this.buffer[at] = length;
    this.buffer[at + 1] = length >>> 8;
  }

  u64(value: Uint64): void {
    if (typeof value === 'number') {
      this.u32(value >>> 0);
      this.u32(value < TWO_32 ? 0 : Math.floor(value / TWO_32));
    } else {
      this.u32(Number(value & 0xffffffffn));
      this.u32(Number((value >> 32n) & 0xffffffffn));
    }
  }

  /** @throws NinePError (ENAMETOOLONG) above 65535 bytes. */
  string(text: string): void {
    const start = this.at;
    const length = encodeString(this.buffer, start + 2, text);
    this.patch16(start, length);
    this.at = start + 2 + length;
  }

  qid(qid: Qid): void {
    this.u8(qid.type);
    this.u32(qid.version);
    this.u64(qid.path);
  }
}

/** The most bytes that a string of this length can take, its length field included. */
export function stringRoom(text: string): number {
  return 2 + text.length * 3;
}
