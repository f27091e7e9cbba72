import { compareNames } from './name.js';
import type { Pattern, Patterns } from './parse.js';
import { formatRanges } from './ranges.js';
import { type Branch, END, type Tree } from './tree.js';

/** The node set as text, patterns in natural order. Equal sets give equal text; parsing it gives the set back. */
export function foldPatterns(patterns: Patterns): string {
  return [...patterns.values()]
    .map((pattern) => ({
      pattern,
      texts: pattern.texts,
      keys: pattern.texts.slice(1).map(() => 0),
    }))
    .sort(compareNames)
    .flatMap(({ pattern }) => foldPattern(pattern))
    .join(',');
}

function foldPattern({ texts, tree }: Pattern): string[] {
  return foldTree(tree, texts.slice(1), new Map()).map((rest) => texts[0] + rest);
}

// Each term is brackets, then a term of the rest that the numbers in the brackets have in common.
function foldTree(tree: Tree, texts: readonly string[], known: Map<Tree, string[]>): string[] {
  if (tree === END) {
    return [''];
  }
  const folded = known.get(tree);
  if (folded !== undefined) {
    return folded;
  }
  const restTexts = texts.slice(1);
  const groups = new Map<string, { rests: string[]; branches: Branch[] }>();
  for (const branch of tree.branches) {
    const rests = foldTree(branch.rest, restTexts, known);
    const key = rests.join(',');
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { rests, branches: [branch] });
    } else {
      group.branches.push(branch);
    }
  }
  const terms: string[] = [];
  for (const { rests, branches } of groups.values()) {
    const head = formatRanges(branches) + texts[0];
    for (const rest of rests) {
      terms.push(head + rest);
    }
  }
  known.set(tree, terms);
  return terms;
}
