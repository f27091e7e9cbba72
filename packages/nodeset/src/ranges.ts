import type { Budget } from './budget.js';
import { NodeSetError } from './errors.js';
import { MAX_DIGITS } from './limits.js';
import {
  digitsOf,
  type Interval,
  intervalsBetween,
  keyOf,
  keyOfValue,
  normalise,
  numberOf,
  widthOf,
} from './numbers.js';

/**
 * Reads what stands between the brackets of `n[1-3,7,10-12/2]`: numbers, ranges, ranges with a step.
 * The first number gives the width: `008-011` is padded to three digits, `8-11` is not, `08-100` grows from two
 * digits to three as in Slurm.
 *
 * @param content the text between the brackets
 * @param position where it starts in `budget.text`, the text that errors name
 * @throws NodeSetError where it is not such a list
 */
export function parseRanges(content: string, position: number, budget: Budget): Interval[] {
  const intervals: Interval[] = [];
  for (const item of content.split(',')) {
    const start = position + item.length - item.trimStart().length;
    for (const interval of parseRange(item.trim(), start, budget)) {
      intervals.push(interval);
    }
    position += item.length + 1;
  }
  return normalise(intervals);
}

/**
 * The shortest usual text for `intervals` (normalised, not empty): `7`, `[8-11]`, `[1-3,7]`, `[10-14/2]`.
 * A step is used only where it makes the text shorter. Inverse of parseRanges, apart from the brackets.
 */
export function formatRanges(intervals: readonly Interval[]): string {
  const runs = joinWidths(intervals);
  const first = runs[0]!;
  if (runs.length === 1 && first.lo === first.hi) {
    return digitsOf(first.lo);
  }
  const items: string[] = [];
  for (let i = 0; i < runs.length; ) {
    const stepped = steppedRun(runs, i);
    if (stepped !== undefined) {
      items.push(stepped.text);
      i = stepped.next;
    } else {
      items.push(formatRun(runs[i]!));
      i++;
    }
  }
  return `[${items.join(',')}]`;
}

/**
 * What digits and ranges written side by side make: `1[2-3]` is `12-13`, `[1-2]0` is `10,20`.
 *
 * @throws NodeSetError where a number would get too many digits
 */
export function concatenate(
  left: readonly Interval[],
  right: readonly Interval[],
  position: number,
  budget: Budget,
): Interval[] {
  const widest = widthOf(left.at(-1)!.hi) + widthOf(right.at(-1)!.hi);
  if (widest > MAX_DIGITS) {
    throw new NodeSetError(budget.text, tooLong(widest), position);
  }
  const intervals: Interval[] = [];
  for (const { lo, hi } of left) {
    budget.spend((hi - lo + 1) * right.length);
    for (let key = lo; key <= hi; key++) {
      const digits = digitsOf(key);
      for (const tail of right) {
        intervals.push({
          lo: keyOf(digits + digitsOf(tail.lo)),
          hi: keyOf(digits + digitsOf(tail.hi)),
        });
      }
    }
  }
  return normalise(intervals);
}

function parseRange(item: string, position: number, budget: Budget): Interval[] {
  const fail = (reason: string) => new NodeSetError(budget.text, reason, position);
  if (item === '') {
    throw fail('a number is missing in the brackets');
  }
  const [, first, last = first, step = '1'] = /^(\d+)(?:-(\d+)(?:\/(\d+))?)?$/.exec(item) ?? [];
  if (first === undefined || last === undefined) {
    throw fail(`"${item.slice(0, 40)}" is neither a number nor a range such as 1-8 or 1-8/2`);
  }
  for (const digits of [first, last, step]) {
    if (digits.length > MAX_DIGITS) {
      throw fail(tooLong(digits.length));
    }
  }
  const [from, to, by] = [Number(first), Number(last), Number(step)];
  if (from > to) {
    throw fail(`range ${first}-${last} runs backwards`);
  }
  if (last.length < first.length || (last.length > first.length && last.startsWith('0'))) {
    throw fail(`the ends of range ${first}-${last} are padded to different widths`);
  }
  if (by === 0) {
    throw fail(`range ${item} has step 0`);
  }
  return by === 1
    ? intervalsBetween(from, to, first.length)
    : steps(from, to, by, first.length, budget);
}

function tooLong(digits: number): string {
  return `a number in a range has at most ${MAX_DIGITS} digits, not ${digits}`;
}

function steps(from: number, to: number, by: number, width: number, budget: Budget): Interval[] {
  budget.spend(Math.floor((to - from) / by) + 1);
  const intervals: Interval[] = [];
  for (let value = from; value <= to; value += by) {
    const key = keyOfValue(value, width);
    intervals.push({ lo: key, hi: key });
  }
  return intervals;
}

// Here an interval may cross widths: 8-9 and 10-11 become 8-11, because that is how a range without padding is read.
function joinWidths(intervals: readonly Interval[]): Interval[] {
  const runs: Interval[] = [];
  for (const next of intervals) {
    const last = runs.at(-1);
    if (last !== undefined && follows(last.hi, next.lo)) {
      runs[runs.length - 1] = { lo: last.lo, hi: next.hi };
    } else {
      runs.push(next);
    }
  }
  return runs;
}

function follows(key: number, next: number): boolean {
  const value = numberOf(next);
  return value === numberOf(key) + 1 && next === keyOfValue(value, widthOf(key));
}

function steppedRun(
  runs: readonly Interval[],
  start: number,
): { text: string; next: number } | undefined {
  const first = runs[start]!;
  const second = runs[start + 1];
  if (second === undefined || first.lo !== first.hi) {
    return undefined;
  }
  const width = widthOf(first.lo);
  const from = numberOf(first.lo);
  const by = numberOf(second.lo) - from;
  if (by < 2) {
    return undefined;
  }
  let next = start;
  let length = -1;
  let value = from;
  for (; next < runs.length; next++, value += by) {
    const run = runs[next]!;
    if (run.lo !== run.hi || value > MAX_VALUE || run.lo !== keyOfValue(value, width)) {
      break;
    }
    length += widthOf(run.lo) + 1;
  }
  const text = `${digitsOf(first.lo)}-${digitsOf(runs[next - 1]!.lo)}/${by}`;
  return text.length < length ? { text, next } : undefined;
}

const MAX_VALUE = 10 ** MAX_DIGITS - 1;

function formatRun({ lo, hi }: Interval): string {
  return lo === hi ? digitsOf(lo) : `${digitsOf(lo)}-${digitsOf(hi)}`;
}
