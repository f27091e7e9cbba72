import { Budget } from './budget.js';
import { NodeSetError } from './errors.js';
import { MAX_DIGITS, MAX_INTERVALS, MAX_TEXT_LENGTH } from './limits.js';
import { patternKey, tokens } from './name.js';
import { MAX_PORT, readNode } from './node.js';
import { digitsOf, type Interval, keyOf, numberOf } from './numbers.js';
import { concatenate, parseRanges } from './ranges.js';
import { product, type Tree, unite } from './tree.js';

/** The nodes of a set whose names differ in their numbers only. */
export interface Pattern {
  /** What stands before, between and after the numbers: one text more than `tree` has levels. */
  readonly texts: readonly string[];
  readonly tree: Tree;
}

/** A node set by patternKey. No pattern is empty. */
export type Patterns = ReadonlyMap<string, Pattern>;

/**
 * Reads a node set: terms separated by commas or white space, each the text of a node with ranges in brackets.
 * Empty text is the empty set.
 *
 * @throws NodeSetError at the first fault
 */
export function parsePatterns(text: string): Patterns {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new NodeSetError(text, `is longer than ${MAX_TEXT_LENGTH} characters`, MAX_TEXT_LENGTH);
  }
  // Plain names cannot multiply, so the text pays for them itself; the fixed part is for ranges that overlap.
  const budget = new Budget(MAX_INTERVALS + 32 * text.length, text);
  const collector = new Collector();
  for (const term of terms(text)) {
    collector.add(parseTerm(term, budget));
  }
  return collector.patterns(budget);
}

/**
 * The node set of names that stand for one node each.
 *
 * @throws NodeSetError where one is not the text of a node; ranges are refused
 */
export function collectNames(names: Iterable<string>): Patterns {
  const collector = new Collector();
  for (const name of names) {
    readNode(name, (reason) => {
      throw new NodeSetError(name, reason, 0);
    });
    collector.add(parseTerm({ text: name, position: 0 }, new Budget(MAX_INTERVALS, name)));
  }
  return collector.patterns(new Budget(Infinity, 'names'));
}

/** Names that are alike in their texts and take any combination of numbers of each dimension. */
interface Box {
  readonly texts: string[];
  readonly dimensions: Interval[][];
}

/** One term of the text, and its offset there. */
interface Term {
  readonly text: string;
  readonly position: number;
}

class Collector {
  readonly #trees = new Map<string, { texts: readonly string[]; trees: Tree[] }>();

  add({ texts, dimensions }: Box): void {
    const key = patternKey(texts);
    const tree = product(dimensions);
    const found = this.#trees.get(key);
    if (found === undefined) {
      this.#trees.set(key, { texts, trees: [tree] });
    } else {
      found.trees.push(tree);
    }
  }

  patterns(budget: Budget): Patterns {
    const patterns = new Map<string, Pattern>();
    for (const [key, { texts, trees }] of this.#trees) {
      patterns.set(key, { texts, tree: unite(trees, budget) });
    }
    return patterns;
  }
}

function* terms(text: string): Generator<Term> {
  const fail = (reason: string, position: number) => new NodeSetError(text, reason, position);
  let position = skipSpace(text, 0);
  while (position < text.length) {
    const end = termEnd(text, position);
    if (end === position) {
      throw fail('a name is missing before the comma', position);
    }
    yield { text: text.slice(position, end), position };
    position = skipSpace(text, end);
    if (text[position] === ',') {
      const comma = position;
      position = skipSpace(text, comma + 1);
      if (position === text.length) {
        throw fail('a name is missing after the comma', comma);
      }
    }
  }
}

function skipSpace(text: string, position: number): number {
  SPACE.lastIndex = position;
  SPACE.test(text);
  return SPACE.lastIndex;
}

const SPACE = /\s*/y;

// A comma or white space ends a term, except in brackets.
function termEnd(text: string, position: number): number {
  let open = -1;
  for (; position < text.length; position++) {
    const char = text[position]!;
    if (char === '[') {
      if (open >= 0) {
        throw new NodeSetError(text, '"[" inside brackets', position);
      }
      open = position;
    } else if (char === ']') {
      if (open < 0) {
        throw new NodeSetError(text, '"]" without "["', position);
      }
      open = -1;
    } else if (open < 0 && (char === ',' || char.trim() === '')) {
      break;
    }
  }
  if (open >= 0) {
    throw new NodeSetError(text, '"[" without "]"', open);
  }
  return position;
}

function parseTerm(term: Term, budget: Budget): Box {
  const box = readBox(term, budget);
  const fail = (reason: string): never => {
    throw new NodeSetError(budget.text, reason, term.position);
  };
  // Whether a name is well formed does not depend on its numbers, the port's apart: one member, the longest, shows it.
  const { port } = readNode(sample(box), fail);
  if (port !== undefined) {
    checkPorts(box.dimensions.at(-1)!, fail);
  }
  return box;
}

function readBox(term: Term, budget: Budget): Box {
  const texts = [''];
  const dimensions: Interval[][] = [];
  for (const token of tokens(term.text)) {
    const position = term.position + token.position;
    const before = texts.at(-1)!;
    if (token.kind === 'text') {
      if (/^\d/.test(token.text) && before === '' && dimensions.length > 0) {
        throw new NodeSetError(budget.text, tooLong, position);
      }
      texts[texts.length - 1] = before + token.text;
      continue;
    }
    if (/\d$/.test(before)) {
      throw new NodeSetError(budget.text, tooLong, position);
    }
    const intervals =
      token.kind === 'digits'
        ? [point(token.text)]
        : parseRanges(token.text.slice(1, -1), position + 1, budget);
    if (before === '' && dimensions.length > 0) {
      dimensions.push(concatenate(dimensions.pop()!, intervals, position, budget));
    } else {
      dimensions.push(intervals);
      texts.push('');
    }
  }
  return { texts, dimensions };
}

const tooLong = `digits beside a range make a number of more than ${MAX_DIGITS} digits`;

function point(digits: string): Interval {
  const key = keyOf(digits);
  return { lo: key, hi: key };
}

function sample({ texts, dimensions }: Box): string {
  return texts.reduce((name, text, i) => name + digitsOf(dimensions[i - 1]!.at(-1)!.hi) + text);
}

// Both ends of an interval tell for all of it: they have one width, and none between is padded when the lowest is not.
function checkPorts(ports: readonly Interval[], fail: (reason: string) => never): void {
  for (const { lo, hi } of ports) {
    const wrong = [lo, hi].find((key) => !PORT.test(digitsOf(key)) || numberOf(key) > MAX_PORT);
    if (wrong !== undefined) {
      fail(`port "${digitsOf(wrong)}" is not 1 to ${MAX_PORT}`);
    }
  }
}

const PORT = /^[1-9]/;
