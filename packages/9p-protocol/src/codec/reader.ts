import { QID_SIZE } from '../constants.js';
import { protocolError } from '../errors.js';
import type { Qid, Uint64 } from '../types.js';
import { type DecodeOptions, decodeString } from './strings.js';

const TWO_32 = 0x1_0000_0000;
const MAX_32 = 0xffff_ffff;

/** Reads little-endian fields one after the other; each throws NinePError (protocol) beyond the end. */
export class Reader {
  #buffer: Buffer;
  #at: number;
  #end: number;
  #keepBytes: boolean;

  constructor(buffer: Buffer, options?: DecodeOptions) {
    this.#buffer = buffer;
    this.#at = 0;
    this.#end = buffer.length;
    this.#keepBytes = options?.strings === 'bytes';
  }

  /** Starts over on other bytes, from `at` on: one reader serves a whole codec. */
  reset(buffer: Buffer, at: number, options?: DecodeOptions): void {
    this.#buffer = buffer;
    this.#at = at;
    this.#end = buffer.length;
    this.#keepBytes = options?.strings === 'bytes';
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#buffer[this.#advance(1)]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return this.#buffer[at]! | (this.#buffer[at + 1]! << 8);
  }

  u32(): number {
    return this.#u32At(this.#advance(4));
  }

  u64(): Uint64 {
    const at = this.#advance(8);
    const low = this.#u32At(at);
    const high = this.#u32At(at + 4);
    if (high === 0) return low;
    if (high < 0x200000) return high * TWO_32 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /**
   * The nanoseconds of a time, which have 64 bits on the wire: what does not fit into 32 is no time, and read as
   * 2^32 − 1. It is no error, since the peer may have left the field as it was where it does not count.
   */
  nanoseconds(): number {
    const at = this.#advance(8);
    const low = this.#u32At(at);
    return this.#u32At(at + 4) === 0 ? low : MAX_32;
  }

  string(): string {
    const length = this.u16();
    const at = this.#advance(length);
    return decodeString(this.#buffer, at, at + length, this.#keepBytes);
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number): Buffer {
    const at = this.#advance(length);
    return this.#buffer.subarray(at, at + length);
  }

  qid(): Qid {
    if (this.remaining < QID_SIZE) throw truncated();
    const type = this.u8();
    const version = this.u32();
    return { type, version, path: this.u64() };
  }

  /** @throws NinePError (protocol) unless everything was read. */
  finish(): void {
    if (this.#at !== this.#end) throw protocolError('message has bytes beyond its last field');
  }

  #u32At(at: number): number {
    const b = this.#buffer;
    return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;
  }

  #advance(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw truncated();
    this.#at = at + length;
    return at;
  }
}

function truncated(): Error {
  return protocolError('message ends in the middle of a field');
}
