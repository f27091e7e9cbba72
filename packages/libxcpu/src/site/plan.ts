import type { NodeCommand } from '@xcpu/xcpu-protocol';
import type { SiteEntry } from './site-file.js';

/** What happens to one user or group of a node. */
export interface Change {
  readonly sign: '+' | '~' | '-';
  readonly name: string;
  /** What changes of it: `uid 5001 to 5000`, `key`, `+video`. */
  readonly details?: readonly string[];
}

/** A command, and what it is part of. */
export interface Step {
  readonly command: NodeCommand;
  readonly change: Change;
}

/** What a node cannot be told, or has otherwise. */
export interface Problem {
  /** Whom it is about: nothing was done for them. */
  readonly names?: readonly string[];
  readonly text: string;
  /** What helps, a command line for a node set. */
  readonly way?: (nodes: string) => string;
}

/** What is to be done on one node. */
export interface NodePlan {
  readonly changes: readonly Change[];
  /**
   * In order. Wherever they break off the node is in order, and a new plan holds what is left.
   */
  readonly steps: readonly Step[];
  readonly problems: readonly Problem[];
  /** What could not be looked at. */
  readonly note?: string;
}

/** How a node is made to be what a file says. */
export interface PlanOptions {
  /** What the file does not have is removed, what differs is changed; else these things are left. */
  readonly sync: boolean;
  /** The user who is logged in: nothing of his is touched, or the rest could not be done. */
  readonly self: string;
  /** The name of the file. */
  readonly file: string;
  /** The node takes no other keys, and is out of order after one that it refused: a historic one. */
  readonly rsaOnly?: boolean;
}

/** What a node has to hear about, sorted out. */
export interface Work<T extends SiteEntry> {
  /** The names of what goes, with what is said of it. */
  readonly removed: readonly Change[];
  /** What stays what it is but for some commands. */
  readonly kept: readonly Step[];
  /** What can only become what it is to be by being deleted and added again. */
  readonly replaced: ReadonlyMap<T, Change>;
  readonly added: readonly T[];
  readonly problems: readonly Problem[];
  /** Who has which number now. */
  readonly holders: ReadonlyMap<number, string>;
  readonly remove: (name: string) => readonly NodeCommand[];
  readonly add: (entry: T) => readonly NodeCommand[];
}

/**
 * Brings the work into an order in which every number is free before it is wanted, and as little as can be is missing
 * meanwhile: first all that goes, then one after the other what is replaced. Only those who take numbers from each
 * other all go before the first of them comes again. Whose number is that of somebody who stays is a problem.
 */
export function orderSteps<T extends SiteEntry>(work: Work<T>): NodePlan {
  const { removed, kept, replaced, holders } = work;
  const gone = new Set(removed.map(({ name }) => name));
  const blocked = findBlocked(work, gone);
  const possible = (entry: T) => !blocked.has(entry);
  const again = [...replaced].filter(([entry]) => possible(entry));
  const free = ([entry]: readonly [T, Change]) =>
    holderInTheWay(entry, holders, gone) === undefined;
  const apart = again.filter(free);
  const entangled = again.filter((one) => !free(one));
  const added = work.added
    .filter(possible)
    .map((entry) => [entry, { sign: '+', name: entry.name } satisfies Change] as const);
  const remove = (change: Change) => stepsOf(work.remove(change.name), change);
  const add = ([entry, change]: readonly [T, Change]) => stepsOf(work.add(entry), change);
  const steps = [
    ...removed.flatMap(remove),
    ...kept,
    ...apart.flatMap((one) => [...remove(one[1]), ...add(one)]),
    ...entangled.flatMap(([, change]) => remove(change)),
    ...entangled.flatMap(add),
    ...added.flatMap(add),
  ];
  const changed = new Set([
    ...kept.map(({ change }) => change),
    ...again.map(([, change]) => change),
  ]);
  const changes = [...added.map(([, change]) => change), ...changed, ...removed];
  const collisions = [...blocked].map(([{ name, number }, holder]) => ({
    names: [name],
    text: `${name}: the number ${number} is that of ${holder} there`,
  }));
  return { changes, steps, problems: [...work.problems, ...collisions] };
}

/** Whom a number is not free for, with the name of who has it. */
function findBlocked<T extends SiteEntry>(
  { added, replaced, holders }: Work<T>,
  gone: ReadonlySet<string>,
): ReadonlyMap<T, string> {
  const blocked = new Map<T, string>();
  const wanting = [...added, ...replaced.keys()];
  const leaving = new Set([...gone, ...[...replaced.keys()].map(({ name }) => name)]);
  // Whoever is blocked stays, and may be in the way of another.
  for (let before = -1; before !== blocked.size; ) {
    before = blocked.size;
    for (const entry of wanting) {
      const holder = blocked.has(entry) ? undefined : holderInTheWay(entry, holders, leaving);
      if (holder === undefined) continue;
      blocked.set(entry, holder);
      leaving.delete(entry.name);
    }
  }
  return blocked;
}

function holderInTheWay(
  { name, number }: SiteEntry,
  holders: ReadonlyMap<number, string>,
  leaving: ReadonlySet<string>,
): string | undefined {
  const holder = holders.get(number);
  return holder === name || (holder !== undefined && leaving.has(holder)) ? undefined : holder;
}

/** Commands as steps of one change. */
export function stepsOf(commands: readonly NodeCommand[], change: Change): Step[] {
  return commands.map((command) => ({ command, change }));
}
