/** Bytes of a file's beginning that are read when it is opened: what the kernel asks for first, of most files all. */
export const AHEAD_BYTES = 128 * 1024;

/** Bytes kept for readers that have not come yet, in one mount. */
const MAX_KEPT = 8 * 1024 * 1024;

/** How long they are kept, in milliseconds: attributes that the kernel was told are believed as long. */
const KEPT_MS = 1000;

/** What was read ahead in one mount. */
export class AheadBudget {
  #kept = 0;

  get hasRoom(): boolean {
    return this.#kept < MAX_KEPT;
  }

  /**
   * @param pieces from the file's beginning
   * @param whole whether that is all of it
   * @param moment for which that is right, see Changes
   */
  keep(pieces: readonly Uint8Array[], whole: boolean, moment: number): Ahead {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    this.#kept += length;
    return new Ahead(pieces, length, whole, moment, () => {
      this.#kept -= length;
    });
  }
}

/** The beginning of an open file, for its first readers. */
export class Ahead {
  readonly moment: number;
  readonly #length: number;
  readonly #whole: boolean;
  readonly #release: () => void;
  readonly #expiry: NodeJS.Timeout;
  #pieces: readonly Uint8Array[] | undefined;

  constructor(
    pieces: readonly Uint8Array[],
    length: number,
    whole: boolean,
    moment: number,
    release: () => void,
  ) {
    this.moment = moment;
    this.#pieces = pieces;
    this.#length = length;
    this.#whole = whole;
    this.#release = release;
    this.#expiry = setTimeout(() => this.drop(), KEPT_MS).unref();
  }

  /** All that a read is to be answered with, if it is here. Whoever has read the last of it has no more use for it. */
  take(offset: number, size: number): readonly Uint8Array[] | undefined {
    const end = Math.min(offset + size, this.#length);
    const complete = offset + size <= this.#length || this.#whole;
    if (!this.#pieces || !complete || offset > this.#length) return undefined;
    const taken = slices(this.#pieces, offset, end);
    if (end === this.#length) this.drop();
    return taken;
  }

  drop(): void {
    if (!this.#pieces) return;
    this.#pieces = undefined;
    clearTimeout(this.#expiry);
    this.#release();
  }
}

function slices(pieces: readonly Uint8Array[], start: number, end: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, piece.length);
    if (from < to) found.push(piece.subarray(from, to));
    at += piece.length;
  }
  return found;
}
