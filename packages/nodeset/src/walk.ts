import { compareNames, type Name } from './name.js';
import { compareKeys, type DigitKey, digitsOf, widthOf } from './numbers.js';
import type { Pattern, Patterns } from './parse.js';
import type { Branch, Tree } from './tree.js';

/** Each node once, in natural order, made one at a time: a set of any size can be walked. */
export function* walk(patterns: Patterns): Generator<string, void, undefined> {
  for (const { texts, keys } of mergeSorted([...patterns.values()].map(walkPattern))) {
    yield joinName(texts, keys);
  }
}

// Merges by a binary heap of the streams' next names: thousands of names without a common pattern are usual.
function* mergeSorted(streams: readonly Generator<Name>[]): Generator<Name> {
  const heap = streams
    .map((stream) => ({ stream, next: stream.next().value as Name }))
    .sort((a, b) => compareNames(a.next, b.next));
  while (heap.length > 1) {
    const top = heap[0]!;
    yield top.next;
    const { done, value } = top.stream.next();
    if (done) {
      heap[0] = heap.pop()!;
    } else {
      top.next = value;
    }
    siftDown(heap);
  }
  for (const { stream, next } of heap) {
    yield next;
    yield* stream;
  }
}

function siftDown(heap: { next: Name }[]): void {
  const moved = heap[0]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) {
      break;
    }
    const right = child + 1;
    if (right < heap.length && compareNames(heap[right]!.next, heap[child]!.next) < 0) {
      child = right;
    }
    if (compareNames(moved.next, heap[child]!.next) <= 0) {
      break;
    }
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moved;
}

// The names of one pattern share an array of keys, which changes at the next step: a copy for each would cost more
// than the rest of the walk.
function* walkPattern({ texts, tree }: Pattern): Generator<Name> {
  const keys: DigitKey[] = new Array(texts.length - 1).fill(0);
  const name: Name = { texts, keys };
  yield* walkTree(tree, name, keys, 0);
}

function* walkTree(tree: Tree, name: Name, keys: DigitKey[], level: number): Generator<Name> {
  if (level === keys.length) {
    yield name;
    return;
  }
  for (const [key, rest] of inNaturalOrder(tree.branches)) {
    keys[level] = key;
    if (level === keys.length - 1) {
      yield name;
    } else {
      yield* walkTree(rest, name, keys, level + 1);
    }
  }
}

// Branches are sorted by width before value; natural order is by value before width, so the widths are merged.
function* inNaturalOrder(branches: readonly Branch[]): Generator<[DigitKey, Tree]> {
  const runs = runsOfOneWidth(branches);
  for (;;) {
    let least: Run | undefined;
    for (const run of runs) {
      if (run.at < run.end && (least === undefined || compareKeys(run.key, least.key) < 0)) {
        least = run;
      }
    }
    if (least === undefined) {
      return;
    }
    const branch = branches[least.at]!;
    yield [least.key, branch.rest];
    if (least.key < branch.hi) {
      least.key++;
    } else {
      least.at++;
      least.key = branches[least.at]?.lo ?? 0;
    }
  }
}

/** A cursor: `key` of the branch `at`, in the branches before `end`. */
interface Run {
  at: number;
  key: DigitKey;
  end: number;
}

function runsOfOneWidth(branches: readonly Branch[]): Run[] {
  const runs: Run[] = [];
  let width = 0;
  branches.forEach(({ lo }, at) => {
    const last = runs.at(-1);
    if (last !== undefined && widthOf(lo) === width) {
      last.end = at + 1;
    } else {
      width = widthOf(lo);
      runs.push({ at, key: lo, end: at + 1 });
    }
  });
  return runs;
}

function joinName(texts: readonly string[], keys: readonly DigitKey[]): string {
  let name = texts[0]!;
  for (let i = 0; i < keys.length; i++) {
    name += digitsOf(keys[i]!) + texts[i + 1]!;
  }
  return name;
}
