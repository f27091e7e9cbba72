/** Decisions taken from the bytes of an input, so that a change of a byte changes a decision. Used up, it yields zeros. */
export class Supply {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get empty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A whole number from 0 to `below` − 1, which is 65536 at the most. */
  below(below: number): number {
    return (below > 256 ? this.byte() * 256 + this.byte() : this.byte()) % below;
  }

  /** True once in `times`; never when it is used up. */
  once(times: number): boolean {
    return this.byte() % times === times - 1;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** Fewer where it is used up. */
  bytes(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  rest(): Buffer {
    return this.bytes(this.#bytes.length);
  }
}
