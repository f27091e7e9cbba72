/** Bytes in the order in which they came, taken again in any portions. What is taken are views: nothing is copied. */
export class PieceQueue {
  #pieces: Uint8Array[] = [];
  /** The first piece that was not taken as a whole. */
  #first = 0;
  /** Bytes of it that were. */
  #taken = 0;
  #byteLength = 0;

  /** Bytes that are there. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds the newest bytes; the piece must not be changed as long as they are there. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#byteLength += piece.length;
  }

  /** The oldest bytes, at most `count`; none if there are none. */
  take(count: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let wanted = Math.min(count, this.#byteLength);
    this.#byteLength -= wanted;
    while (wanted > 0) {
      const piece = this.#pieces[this.#first]!;
      const end = Math.min(piece.length, this.#taken + wanted);
      taken.push(piece.subarray(this.#taken, end));
      wanted -= end - this.#taken;
      if (end < piece.length) this.#taken = end;
      else this.#next();
    }
    return taken;
  }

  /** Forgets what is there. */
  clear(): void {
    this.#pieces = [];
    this.#first = 0;
    this.#taken = 0;
    this.#byteLength = 0;
  }

  /** What was taken is let go of, but not one piece after the other: moving the rest each time would cost its square. */
  #next(): void {
    this.#first++;
    this.#taken = 0;
    if (this.#first === this.#pieces.length) this.clear();
    else if (this.#first >= MANY && 2 * this.#first >= this.#pieces.length) {
      this.#pieces.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/** Taken pieces that are kept at the most, or as many as are there to be taken. */
const MANY = 32;
