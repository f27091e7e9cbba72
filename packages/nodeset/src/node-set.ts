import { Budget } from './budget.js';
import { NodeSetError } from './errors.js';
import { foldPatterns } from './fold.js';
import { DEFAULT_EXPAND_LIMIT, MAX_INTERVALS } from './limits.js';
import { patternKey, splitName } from './name.js';
import { collectNames, type Pattern, type Patterns, parsePatterns } from './parse.js';
import { combine, contains, EMPTY, type SetOperation } from './tree.js';
import { walk } from './walk.js';

/** How far a set may be written out. */
export interface ExpandOptions {
  /** Most nodes to return; more are an error. Default: 1,000,000. */
  limit?: number;
}

/**
 * An immutable set of nodes, kept as ranges: size, membership and set operations cost the same for `n[1-1000000000]`
 * as for `n[1-2]`. A node is its text (`n8`, `n08`, `n8!7000` and `u@n8` are four nodes); named twice it is one.
 *
 * Iterating gives each node once, in natural order (`n2` before `n10`).
 */
export class NodeSet implements Iterable<string> {
  /** How many nodes, exactly. */
  readonly size: number;
  readonly #patterns: Patterns;

  private constructor(patterns: Patterns, text: string) {
    this.size = totalSize(patterns, text);
    this.#patterns = patterns;
  }

  /**
   * Reads a node set: `n8`, `n[1-3,7,10-12/2]`, `n[001-010]`, `a[1-2]b[1-3]`, `u@n[1-2]!7000`, `[fd00::2]!7000`,
   * and lists of these, separated by commas or white space. Empty text is the empty set.
   *
   * @throws NodeSetError at the first fault, and for more than 2^53 - 1 nodes
   */
  static parse(text: string): NodeSet {
    return new NodeSet(parsePatterns(text), text);
  }

  /**
   * The set of `names`, each the text of one node.
   *
   * @throws NodeSetError for a name that is not the text of one node
   */
  static of(names: Iterable<string>): NodeSet {
    return new NodeSet(collectNames(names), 'names');
  }

  [Symbol.iterator](): Generator<string, void, undefined> {
    return walk(this.#patterns);
  }

  /**
   * All nodes in natural order.
   *
   * @throws NodeSetError when there are more than `options.limit`
   */
  toArray(options: ExpandOptions = {}): string[] {
    const { limit = DEFAULT_EXPAND_LIMIT } = options;
    if (this.size > limit) {
      const reason = `names ${this.size} nodes, more than the limit of ${limit}`;
      throw new NodeSetError(this.toString(), reason, 0);
    }
    return [...this];
  }

  /** Whether the node with exactly the text `name` is in the set; false for what is not the text of a node. */
  has(name: string): boolean {
    if (name.includes('\0')) {
      return false;
    }
    const { texts, keys } = splitName(name);
    const pattern = this.#patterns.get(patternKey(texts));
    return pattern !== undefined && contains(pattern.tree, keys);
  }

  /** The nodes of this set, of `other`, or of both. */
  union(other: NodeSet): NodeSet {
    return this.#combine(other, 'union');
  }

  /** The nodes of this set that `other` does not have. */
  difference(other: NodeSet): NodeSet {
    return this.#combine(other, 'difference');
  }

  /** The nodes that both sets have. */
  intersection(other: NodeSet): NodeSet {
    return this.#combine(other, 'intersection');
  }

  /** The set folded: `n[8-11],web1`. Equal sets give equal text; `NodeSet.parse` reads it. */
  toString(): string {
    return foldPatterns(this.#patterns);
  }

  #combine(other: NodeSet, operation: SetOperation): NodeSet {
    const text = `${operation} of ${this.size} and ${other.size} nodes`;
    const budget = new Budget(MAX_INTERVALS, text);
    const patterns = new Map<string, Pattern>();
    for (const [key, pattern] of [...this.#patterns, ...other.#patterns]) {
      if (!patterns.has(key)) {
        const mine = this.#patterns.get(key)?.tree ?? EMPTY;
        const others = other.#patterns.get(key)?.tree ?? EMPTY;
        patterns.set(key, {
          texts: pattern.texts,
          tree: combine(mine, others, operation, budget),
        });
      }
    }
    for (const [key, { tree }] of patterns) {
      if (tree.size === 0) {
        patterns.delete(key);
      }
    }
    return new NodeSet(patterns, text);
  }
}

/**
 * The nodes that `text` names, each once, in natural order: `n[8-10]` gives `n8`, `n9`, `n10`.
 *
 * @throws NodeSetError where `text` is not a node set or names more than `options.limit` nodes
 */
export function expand(text: string, options: ExpandOptions = {}): string[] {
  return NodeSet.parse(text).toArray(options);
}

/**
 * The shortest usual text for a set of nodes: `n8`, `n9`, `n10` give `n[8-10]`. Inverse of expand.
 *
 * @throws NodeSetError for a name that is not the text of one node
 */
export function fold(names: Iterable<string>): string {
  return NodeSet.of(names).toString();
}

/**
 * How many nodes `text` names, without expanding it.
 *
 * @throws NodeSetError where `text` is not a node set
 */
export function count(text: string): number {
  return NodeSet.parse(text).size;
}

function totalSize(patterns: Patterns, text: string): number {
  let size = 0;
  for (const { tree } of patterns.values()) {
    size += tree.size;
  }
  if (size > Number.MAX_SAFE_INTEGER) {
    throw new NodeSetError(text, `names more than ${Number.MAX_SAFE_INTEGER} nodes`, 0);
  }
  return size;
}
