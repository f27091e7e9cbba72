const NEWLINE = 0x0a;

/** Bytes that lines which are not complete yet may take. */
export interface LineLimits {
  /** Of one line. */
  readonly line: number;
  /** Of all lines together, as far as they are longer than `fair`. */
  readonly total: number;
  /** A line up to this length is never cut. */
  readonly fair: number;
}

export const defaultLineLimits: LineLimits = {
  line: 16 * 1024 * 1024,
  total: 64 * 1024 * 1024,
  fair: 8 * 1024,
};

/** What the line buffers of one output hold together. */
export class LineBudget {
  readonly limits: LineLimits;
  /** Bytes held. */
  held = 0;

  constructor(limits: LineLimits = defaultLineLimits) {
    this.limits = limits;
  }

  /** Whether a line that has grown to `length` bytes has to go out as it is. */
  exceeded(length: number): boolean {
    const { line, total, fair } = this.limits;
    return length > line || (length > fair && this.held > total);
  }
}

/**
 * Cuts one stream into complete lines, each with a label in front. A line that grows beyond the budget is cut: it
 * goes out in pieces that are lines of their own, so that no program can make this one hold its output for ever, or
 * keep the others waiting.
 */
export class LineBuffer {
  readonly #label: Buffer;
  readonly #budget: LineBudget;
  #partial: Uint8Array[] = [];
  #partialBytes = 0;

  constructor(label: string, budget: LineBudget) {
    this.#label = Buffer.from(label);
    this.#budget = budget;
  }

  /** The complete lines, labelled, that this data makes; pieces are views of it where nothing is put in. */
  push(data: Uint8Array): Uint8Array[] {
    const end = data.lastIndexOf(NEWLINE) + 1;
    const lines: Uint8Array[] = [];
    if (end > 0) {
      const begun = this.#take();
      const first = begun.length > 0 ? data.indexOf(NEWLINE) + 1 : 0;
      if (first > 0) lines.push(...begun, data.subarray(0, first));
      if (first < end) lines.push(this.#labelled(data.subarray(first, end)));
    }
    if (end < data.length) this.#keep(data.subarray(end));
    return this.#budget.exceeded(this.#partialBytes) ? [...lines, ...this.finish()] : lines;
  }

  /** The last line, completed by a newline, if there is one without. */
  finish(): Uint8Array[] {
    const line = this.#take();
    return line.length > 0 ? [...line, Buffer.of(NEWLINE)] : line;
  }

  /** Copies: a few bytes must not keep the large block alive that they came in. */
  #keep(data: Uint8Array): void {
    if (this.#partial.length === 0 && this.#label.length > 0) this.#partial.push(this.#label);
    this.#partial.push(Buffer.from(data));
    this.#partialBytes += data.length;
    this.#budget.held += data.length;
  }

  #take(): Uint8Array[] {
    const partial = this.#partial;
    this.#budget.held -= this.#partialBytes;
    this.#partial = [];
    this.#partialBytes = 0;
    return partial;
  }

  /** Complete lines with the label in front of each. */
  #labelled(lines: Uint8Array): Uint8Array {
    const label = this.#label;
    if (label.length === 0) return lines;
    const out = Buffer.allocUnsafe(lines.length + countLines(lines) * label.length);
    let at = 0;
    for (let from = 0; from < lines.length; ) {
      const to = lines.indexOf(NEWLINE, from) + 1;
      at += label.copy(out, at);
      out.set(lines.subarray(from, to), at);
      at += to - from;
      from = to;
    }
    return out;
  }
}

function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(NEWLINE); at >= 0; at = lines.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
