import type { NodeCommand } from '@xcpu/xcpu-protocol';
import { UsageError } from '../errors.js';
import { parseId } from '../ids.js';
import type { NodePlanner, PlannerOptions, SiteFile } from '../index.js';
import { printError } from '../print.js';
import { type CommandText, parseCommandLine } from './command-line.js';
import { foldErrors } from './folding.js';
import { type NodeOperands, takeNodes } from './operands.js';
import { ADMIN_KEY_OPTION, type ReachOptions, reachNodes } from './reach.js';
import { runSite } from './site.js';

/** To a node that does not know the key as the administrator's, it may be the invoking user's. */
const AS_ANYBODY = { fallBack: true } as const;

/** Options of the commands that tell nodes about users and groups. */
export interface AdminOptions extends ReachOptions {
  readonly nodes?: string;
  readonly all?: boolean;
  /** Where the command line names no verb: those that there are. */
  readonly verbs?: readonly string[];
}

/** What one verb of such a command takes and does. */
export interface Verb {
  /** Names of the operands that follow NODES. */
  readonly operands: readonly string[];
  /** The commands for the nodes; what it throws is shown to the user. */
  readonly commands: (
    ...operands: string[]
  ) => readonly NodeCommand[] | Promise<readonly NodeCommand[]>;
  /** What a node has already counts as done. */
  readonly keepsExisting?: boolean;
}

/** A command that tells nodes about users or groups. */
export interface AdminCommand<V extends string> {
  readonly text: CommandText;
  /** By name; `add` is meant where a command line names none. */
  readonly verbs: Readonly<Record<V | 'add', Verb>>;
  /** What the help says of `-u`. */
  readonly localHelp: string;
  /** What a verb does with `-u`: for all that this machine has. */
  readonly localVerb: (verb: V | 'add') => Promise<Verb>;
  /** What the help says of `--from`. */
  readonly siteHelp: string;
  /** What makes nodes what a file says. */
  readonly sitePlanner: (file: SiteFile, options: PlannerOptions) => Promise<NodePlanner>;
}

/** Options that go with a file. */
interface SiteOptions {
  readonly local?: boolean;
  readonly from?: string;
  readonly sync?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Runs such a command.
 * @returns its exit status
 * @throws UsageError, SetupError
 */
export async function runAdminCommand<V extends string>(
  command: AdminCommand<V>,
  args: readonly string[],
): Promise<number> {
  const { text, verbs, localHelp, localVerb, siteHelp } = command;
  const { options, operands } = await parseCommandLine<AdminOptions & SiteOptions>(
    text,
    args,
    (parser) => {
      parser
        .option('--from <FILE>', siteHelp)
        .option('--sync', 'with --from: remove what FILE has not, change what differs')
        .option('--dry-run', 'with --from: only say what would be done')
        .option('-u, --local', localHelp)
        .option(...ADMIN_KEY_OPTION);
    },
  );
  const names = Object.keys(verbs) as (V | 'add')[];
  const { verb, operands: rest } = takeVerb(operands, names, 'add');
  checkSiteOptions(verb, options);
  const reached = { ...options, ...(rest === operands && { verbs: names }) };
  if (options.from !== undefined) return runFrom(command, options.from, rest, reached);
  return runVerb(text.name, options.local ? await localVerb(verb) : verbs[verb], rest, reached);
}

/** The verb that a command line begins with, else `fallback`, and the operands that follow it. */
export function takeVerb<V extends string>(
  operands: readonly string[],
  verbs: readonly V[],
  fallback: V,
): { verb: V; operands: readonly string[] } {
  const verb = verbs.find((name) => name === operands[0]);
  return verb === undefined ? { verb: fallback, operands } : { verb, operands: operands.slice(1) };
}

function checkSiteOptions(verb: string, { from, local, sync, dryRun }: SiteOptions): void {
  if (from === undefined) {
    if (sync) throw new UsageError('--sync wants a file: --from FILE');
    if (dryRun) throw new UsageError('--dry-run wants a file: --from FILE');
    return;
  }
  if (verb !== 'add') throw new UsageError(`--from does not go with ${verb}`);
  if (local) throw new UsageError('--from and -u both say whom to add: give one');
}

async function runFrom<V extends string>(
  { text: { name }, sitePlanner }: AdminCommand<V>,
  from: string,
  operands: readonly string[],
  options: AdminOptions & SiteOptions,
): Promise<number> {
  const { sync = false, dryRun = false } = options;
  const nodes = nodesOf(operands, [], options).nodes;
  const { readSiteFile } = await import('../index.js');
  const planner = await sitePlanner(await readSiteFile(from), { sync });
  return runSite({ name, planner, dryRun, ...(await reachNodes(nodes, options, AS_ANYBODY)) });
}

/**
 * Does one verb on all nodes as the administrator, printing to stderr what fails on which node.
 * @returns 0, or 1 if anything failed
 * @throws UsageError, SetupError
 */
export async function runVerb(
  name: string,
  verb: Verb,
  operands: readonly string[],
  options: AdminOptions,
): Promise<number> {
  const { nodes, rest } = nodesOf(operands, verb.operands, options);
  const { commandNodes } = await import('../index.js');
  const { targets, logins, dial } = await reachNodes(nodes, options, AS_ANYBODY);
  const commands = await verb.commands(...rest);
  const failures = await commandNodes(targets, logins, commands, dial);
  const told = failures
    .map(({ error }) => error)
    .filter(({ reason }) => !verb.keepsExisting || !isExisting(reason));
  for (const line of await foldErrors(told)) printError(`${name}: ${line}\n`);
  return told.length > 0 ? 1 : 0;
}

/**
 * An operand that is a user or group number.
 * @throws UsageError naming the operand
 */
export function idOperand(name: string, text: string): number {
  const id = parseId(text);
  if (id === undefined) throw new UsageError(`${name} ${text}: a number is wanted`);
  return id;
}

function nodesOf(
  operands: readonly string[],
  wanted: readonly string[],
  { nodes: option, all, verbs }: AdminOptions,
): NodeOperands {
  return takeNodes(operands, { option, all, wanted, verbs });
}

function isExisting(reason: string): boolean {
  return /:(user|group) exists\b/.test(reason);
}
