import type { Budget } from './budget.js';
import type { DigitKey, Interval } from './numbers.js';

/**
 * A set of vectors of digit keys, all of one length: the numbers of names that differ in nothing else (`a1b2`, `a1b3`).
 * Branches are in ascending order, do not overlap, and neighbours with equal rests are one branch; so equal sets have
 * equal trees, and ranges of any extent cost one branch.
 */
export interface Tree {
  readonly branches: readonly Branch[];
  /** How many vectors; inexact beyond Number.MAX_SAFE_INTEGER. */
  readonly size: number;
}

/** The vectors that start with a key of the interval and go on with a vector of `rest`. */
export interface Branch extends Interval {
  readonly rest: Tree;
}

/** What stays of the vectors of two sets. */
export type SetOperation = 'union' | 'difference' | 'intersection';

/** No vector. */
export const EMPTY: Tree = { branches: [], size: 0 };

/** The vector of length 0 alone: the rest after the last key. */
export const END: Tree = { branches: [], size: 1 };

/** All vectors whose i-th key is in `dimensions[i]`, each of which is normalised and not empty. */
export function product(dimensions: readonly (readonly Interval[])[]): Tree {
  return dimensions.reduceRight<Tree>(
    (rest, intervals) => makeTree(intervals.map(({ lo, hi }) => ({ lo, hi, rest }))),
    END,
  );
}

/** Whether the set holds the vector `keys`. */
export function contains(tree: Tree, keys: readonly DigitKey[]): boolean {
  for (const key of keys) {
    const branch = branchAt(tree.branches, key);
    if (branch === undefined) {
      return false;
    }
    tree = branch.rest;
  }
  return tree === END;
}

/** The vectors of all `trees`, which must be of one length. Pays `budget` for each branch made. */
export function unite(trees: readonly Tree[], budget: Budget): Tree {
  // Pairs of equal size keep the work at n log n, where adding one tree after the other would be quadratic; sorted, the
  // pairs are close together and become one branch early.
  trees = trees.toSorted((a, b) => lowest(a) - lowest(b));
  while (trees.length > 1) {
    const pairs: Tree[] = [];
    for (let i = 0; i < trees.length; i += 2) {
      pairs.push(combine(trees[i]!, trees[i + 1] ?? EMPTY, 'union', budget));
    }
    trees = pairs;
  }
  return trees[0] ?? EMPTY;
}

/** Applies a set operation to two sets of vectors of one length. Pays `budget` for each branch made. */
export function combine(a: Tree, b: Tree, operation: SetOperation, budget: Budget): Tree {
  if (a === b) {
    return operation === 'difference' ? EMPTY : a;
  }
  if (a.size === 0) {
    return operation === 'union' ? b : EMPTY;
  }
  if (b.size === 0) {
    return operation === 'intersection' ? EMPTY : a;
  }
  return sweep(a.branches, b.branches, operation, budget);
}

function lowest(tree: Tree): DigitKey {
  return tree.branches[0]?.lo ?? 0;
}

function makeTree(branches: Branch[]): Tree {
  if (branches.length === 0) {
    return EMPTY;
  }
  let size = 0;
  for (const { lo, hi, rest } of branches) {
    size += (hi - lo + 1) * rest.size;
  }
  return { branches, size };
}

function branchAt(branches: readonly Branch[], key: DigitKey): Branch | undefined {
  let low = 0;
  let high = branches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (branches[middle]!.hi < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const branch = branches[low];
  return branch !== undefined && branch.lo <= key ? branch : undefined;
}

// Goes through both lists at once, cutting them into stretches that lie in a alone, in b alone, or in both.
function sweep(
  as: readonly Branch[],
  bs: readonly Branch[],
  operation: SetOperation,
  budget: Budget,
): Tree {
  const out: Branch[] = [];
  const combineRests = rememberLast((a, b) => combine(a, b, operation, budget));
  let i = 0;
  let j = 0;
  for (let lo = 0; i < as.length || j < bs.length; ) {
    const a = as[i];
    const b = bs[j];
    const aLo = a === undefined ? Infinity : Math.max(a.lo, lo);
    const bLo = b === undefined ? Infinity : Math.max(b.lo, lo);
    lo = Math.min(aLo, bLo);
    const hi = Math.min(endFrom(a, aLo, lo), endFrom(b, bLo, lo));
    const rest = combineRests(
      aLo === lo && a !== undefined ? a.rest : EMPTY,
      bLo === lo && b !== undefined ? b.rest : EMPTY,
    );
    append(out, { lo, hi, rest }, budget);
    lo = hi + 1;
    i += a !== undefined && a.hi < lo ? 1 : 0;
    j += b !== undefined && b.hi < lo ? 1 : 0;
  }
  return makeTree(out);
}

// Stepped ranges have long lists of branches that share one rest: working it out once keeps it shared.
function rememberLast(work: (a: Tree, b: Tree) => Tree): (a: Tree, b: Tree) => Tree {
  let lastA: Tree | undefined;
  let lastB: Tree | undefined;
  let result = EMPTY;
  return (a, b) => {
    if (a !== lastA || b !== lastB) {
      result = work(a, b);
      lastA = a;
      lastB = b;
    }
    return result;
  };
}

// The stretch that starts at `lo` ends with the branch it lies in, or before a branch that starts later.
function endFrom(branch: Branch | undefined, branchLo: number, lo: number): number {
  if (branch === undefined) {
    return Infinity;
  }
  return branchLo === lo ? branch.hi : branchLo - 1;
}

function append(branches: Branch[], next: Branch, budget: Budget): void {
  if (next.rest.size === 0) {
    return;
  }
  const last = branches.at(-1);
  if (last !== undefined && last.hi + 1 === next.lo && equal(last.rest, next.rest, budget)) {
    branches[branches.length - 1] = { lo: last.lo, hi: next.hi, rest: last.rest };
    return;
  }
  budget.spend(1);
  branches.push(next);
}

function equal(a: Tree, b: Tree, budget: Budget): boolean {
  if (a === b) {
    return true;
  }
  if (a.size !== b.size || a.branches.length !== b.branches.length) {
    return false;
  }
  return a.branches.every((branch, i) => {
    const other = b.branches[i]!;
    budget.spend(1);
    return (
      branch.lo === other.lo && branch.hi === other.hi && equal(branch.rest, other.rest, budget)
    );
  });
}
