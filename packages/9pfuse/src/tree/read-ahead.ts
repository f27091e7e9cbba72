/** Bytes of a file's beginning that are read when it is opened: what the kernel asks for first, of most files all. */
export const AHEAD_BYTES = 128 * 1024;

/** Bytes kept for readers that have not come yet, in one mount. */
const MAX_KEPT = 8 * 1024 * 1024;

/** How long they are kept, in milliseconds: attributes that the kernel was told are believed as long. */
const KEPT_MS = 1000;

/** A part of a file, as it was read. */
export interface Part {
  readonly offset: number;
  readonly pieces: readonly Uint8Array[];
}

/** What was read ahead in one mount. */
export class AheadBudget {
  #kept = 0;

  get hasRoom(): boolean {
    return this.#kept < MAX_KEPT;
  }

  /**
   * @param size of the file, in bytes
   * @param moment for which all of it is right, see Changes
   */
  keep(parts: readonly Part[], size: number, moment: number): Ahead {
    const bytes = parts.reduce((sum, { pieces }) => sum + bytesIn(pieces), 0);
    this.#kept += bytes;
    return new Ahead(parts, size, moment, () => {
      this.#kept -= bytes;
    });
  }
}

/** Parts of an open file, for its first readers. */
export class Ahead {
  readonly moment: number;
  readonly #size: number;
  readonly #release: () => void;
  readonly #expiry: NodeJS.Timeout;
  #parts: readonly Part[] | undefined;

  constructor(parts: readonly Part[], size: number, moment: number, release: () => void) {
    this.#parts = parts;
    this.#size = size;
    this.moment = moment;
    this.#release = release;
    this.#expiry = setTimeout(() => this.drop(), KEPT_MS).unref();
  }

  /** All that a read is to be answered with, if it is here. */
  take(offset: number, size: number): readonly Uint8Array[] | undefined {
    const end = Math.min(offset + size, Math.max(this.#size, offset));
    const part = this.#parts?.find(
      (part) => part.offset <= offset && end <= part.offset + bytesIn(part.pieces),
    );
    return part && slices(part.pieces, offset - part.offset, end - part.offset);
  }

  drop(): void {
    if (!this.#parts) return;
    this.#parts = undefined;
    clearTimeout(this.#expiry);
    this.#release();
  }
}

export function bytesIn(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
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
