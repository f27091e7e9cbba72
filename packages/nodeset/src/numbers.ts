import { MAX_DIGITS } from './limits.js';

/**
 * A run of 1 to 15 decimal digits as one integer, such that different texts differ (`1`, `01`, `001`) and the
 * texts of one length are consecutive. So `08-11` is one interval of keys, `8-11` two (`8-9` and `10-11`), and sets
 * of digit texts are sets of integers. Texts of different lengths are never neighbours: one key between them is unused.
 */
export type DigitKey = number;

/** All keys from `lo` to `hi`, both included; the texts have one length. */
export interface Interval {
  readonly lo: DigitKey;
  readonly hi: DigitKey;
}

/** The key of `digits`, which must be 1 to 15 of `0` to `9`. */
export function keyOf(digits: string): DigitKey {
  return FIRST_KEY[digits.length]! + Number(digits);
}

/** The key of `value` written with at least `width` digits. */
export function keyOfValue(value: number, width: number): DigitKey {
  return FIRST_KEY[Math.max(width, String(value).length)]! + value;
}

/** The digits that `key` stands for. */
export function digitsOf(key: DigitKey): string {
  const width = widthOf(key);
  return String(key - FIRST_KEY[width]!).padStart(width, '0');
}

/** The number that the digits of `key` make. */
export function numberOf(key: DigitKey): number {
  return key - FIRST_KEY[widthOf(key)]!;
}

/** How many digits `key` has. */
export function widthOf(key: DigitKey): number {
  let width = 1;
  while (key >= FIRST_KEY[width + 1]!) {
    width++;
  }
  return width;
}

/** Natural order: by value, and of equal values the shorter text first (`1`, `01`, `2`). Negative, zero or positive, as `sort` wants it. */
export function compareKeys(a: DigitKey, b: DigitKey): number {
  return numberOf(a) - numberOf(b) || a - b;
}

/**
 * The intervals of all numbers from `from` to `to`, written with at least `width` digits.
 * `from` must not be above `to`, nor have more than `width` digits.
 */
export function intervalsBetween(from: number, to: number, width: number): Interval[] {
  const intervals: Interval[] = [];
  const widest = Math.max(width, String(to).length);
  for (let digits = width; digits <= widest; digits++) {
    const lo = digits === width ? from : 10 ** (digits - 1);
    const hi = Math.min(to, 10 ** digits - 1);
    intervals.push({ lo: FIRST_KEY[digits]! + lo, hi: FIRST_KEY[digits]! + hi });
  }
  return intervals;
}

/** The same keys in ascending order, without overlaps or neighbours. */
export function normalise(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const next of intervals.toSorted((a, b) => a.lo - b.lo)) {
    const last = merged.at(-1);
    if (last !== undefined && next.lo <= last.hi + 1) {
      merged[merged.length - 1] = { lo: last.lo, hi: Math.max(last.hi, next.hi) };
    } else {
      merged.push(next);
    }
  }
  return merged;
}

// FIRST_KEY[w] is the key of the lowest text of w digits; the entry after the longest ends widthOf's search.
const FIRST_KEY: readonly number[] = firstKeys();

function firstKeys(): number[] {
  const keys = [0, 0];
  for (let width = 1; width <= MAX_DIGITS; width++) {
    keys.push(keys[width]! + 10 ** width + 1);
  }
  return keys;
}
