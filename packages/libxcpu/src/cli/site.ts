import type { Change, DialOptions, Login, NodePlanner, NodeTarget, SyncOutcome } from '../index.js';
import { printable } from '../node/errors.js';
import { printError, printOut } from '../print.js';
import { foldReasons, type NodeReason } from './folding.js';

/** All that is needed to make nodes what a file says. */
export interface SiteRun {
  /** The command's name, for messages. */
  readonly name: string;
  readonly targets: readonly NodeTarget[];
  readonly logins: readonly [Login, ...Login[]];
  readonly planner: NodePlanner;
  readonly dryRun: boolean;
  readonly dial: DialOptions;
}

/**
 * Makes nodes what a file says. Prints what was done on which nodes, and to stderr what could not be; nodes of which
 * the same is to be said share a line.
 * @returns 0, or 1 if anything could not be done
 */
export async function runSite(run: SiteRun): Promise<number> {
  const { name, targets, logins, planner, dryRun, dial } = run;
  const { syncNodes } = await import('../index.js');
  const outcomes = await syncNodes(targets, logins, planner, { ...dial, dryRun });
  const report = new Report();
  for (const outcome of outcomes) report.add(outcome, dryRun);
  const { done, problems } = await report.lines();
  if (done.length > 0) await printOut(done.map((line) => `${line}\n`).join(''));
  for (const line of problems) printError(`${name}: ${line}\n`);
  return problems.length > 0 ? 1 : 0;
}

interface ProblemOfNode extends NodeReason {
  /** What is to be done first, on which nodes. */
  readonly way?: (nodes: string) => string;
}

/** What is to be said of nodes, by what it is. Names come from them: they are made fit for a terminal. */
class Report {
  readonly #done = new Map<string, string[]>();
  readonly #problems: ProblemOfNode[] = [];

  add({ target, changes, note, problems }: SyncOutcome, dryRun: boolean): void {
    const node = target.name;
    for (const { text, way } of problems) {
      this.#problems.push({ node, reason: text, ...(way && { way }) });
    }
    if (!changes || (changes.length === 0 && problems.length > 0)) return;
    const text = `${changesText(changes, dryRun)}${note === undefined ? '' : ` (${note})`}`;
    const same = this.#done.get(text) ?? [];
    this.#done.set(text, same);
    same.push(node);
  }

  async lines(): Promise<{ done: string[]; problems: string[] }> {
    const { fold } = await import('@xcpu/nodeset');
    return {
      done: [...this.#done].map(([text, nodes]) => printable(`${fold(nodes)}: ${text}`)),
      problems: (await foldReasons(this.#problems)).map(({ nodes, reason, first: { way } }) =>
        printable(`${nodes}: ${reason}${way ? `; first: ${way(nodes)}` : ''}`),
      ),
    };
  }
}

/** `+alice +bob ~carol (key, +video) -dave` */
function changesText(changes: readonly Change[], dryRun: boolean): string {
  if (changes.length === 0) return 'unchanged';
  const texts = changes.map(({ sign, name, details }) =>
    details ? `${sign}${name} (${details.join(', ')})` : `${sign}${name}`,
  );
  return `${dryRun ? 'would change: ' : ''}${texts.join(' ')}`;
}
