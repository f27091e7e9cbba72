import { fold } from '@xcpu/nodeset';
import { type Entry, lineOf, type NodeTable } from './entries.js';

/** In what a node differs from the one that it is compared with. */
export interface Difference {
  readonly node: string;
  readonly difference: 'missing' | 'extra' | 'different';
  readonly name: string;
  /** The node's own; absent where it is missing. */
  readonly entry?: Entry;
  /** The node that it is compared with, and that one's entry, absent where it has none. */
  readonly reference: string;
  readonly wanted?: Entry;
}

/**
 * Compares tables with the first of them, by names. The order of entries and of a user's groups means nothing; keys
 * count where both nodes tell them.
 * @returns node by node, and in the order of the names
 */
export function compareTables([first, ...others]: readonly NodeTable[]): Difference[] {
  if (!first) return [];
  const wanted = byName(first.entries);
  return others.flatMap(({ node, entries }) => {
    const own = byName(entries);
    const names = [...new Set([...wanted.keys(), ...own.keys()])].sort();
    return names.flatMap((name): Difference[] => {
      const [entry, reference] = [own.get(name), wanted.get(name)];
      const common = { node, name, reference: first.node };
      if (!entry) return [{ ...common, difference: 'missing', wanted: reference! }];
      if (!reference) return [{ ...common, difference: 'extra', entry }];
      if (areEqual(entry, reference)) return [];
      return [{ ...common, difference: 'different', entry, wanted: reference }];
    });
  });
}

/** A line for each difference: the nodes that have it in common, what it is, and the entry. */
export function formatDifferences(differences: readonly Difference[]): string {
  const nodes = new Map<string, string[]>();
  for (const difference of differences) {
    const text = describe(difference);
    const known = nodes.get(text);
    if (known) known.push(difference.node);
    else nodes.set(text, [difference.node]);
  }
  return [...nodes].map(([text, names]) => `${fold(names)}: ${text}\n`).join('');
}

function byName(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function areEqual(left: Entry, right: Entry): boolean {
  return sortedLine(left) === sortedLine(right) && keysAgree(left, right);
}

function keysAgree(left: Entry, right: Entry): boolean {
  const [one, other] = [keyOf(left), keyOf(right)];
  return one === undefined || other === undefined || one === other;
}

function describe({ difference, entry, wanted, reference }: Difference): string {
  if (difference === 'missing') return `missing ${sortedLine(wanted!)}`;
  if (difference === 'extra') return `extra ${sortedLine(entry!)}`;
  const show = (each: Entry) =>
    keysAgree(entry!, wanted!) ? sortedLine(each) : `${sortedLine(each)} with key ${keyOf(each)}`;
  return `different ${show(entry!)}; on ${reference} ${show(wanted!)}`;
}

function keyOf(entry: Entry): string | undefined {
  return 'key' in entry ? entry.key : undefined;
}

function sortedLine(entry: Entry): string {
  return lineOf('groups' in entry ? { ...entry, groups: [...entry.groups].sort() } : entry);
}
