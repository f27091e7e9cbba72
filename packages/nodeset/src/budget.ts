import { NodeSetError } from './errors.js';

/**
 * The work one operation may do, counted in intervals made or compared.
 * A short text can describe a set whose parts are innumerable, so every step that multiplies parts pays here.
 */
export class Budget {
  #left: number;

  /**
   * @param limit intervals that may be spent
   * @param text what the error names when they are used up
   */
  constructor(
    limit: number,
    readonly text: string,
  ) {
    this.#left = limit;
  }

  /** Pays for `intervals`; throws NodeSetError when the budget is used up. */
  spend(intervals: number): void {
    this.#left -= intervals;
    if (this.#left < 0) {
      const reason = 'falls into too many separate ranges; split it into smaller sets';
      throw new NodeSetError(this.text, reason, 0);
    }
  }
}
