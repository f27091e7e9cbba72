import type { NodeCommand } from '@xcpu/xcpu-protocol';
import { UsageError } from '../errors.js';
import { printError } from '../print.js';
import { type CommandText, parseCommandLine } from './command-line.js';
import { seconds, takeNodes } from './operands.js';

/** Options of the commands that tell nodes about users and groups. */
export interface AdminOptions {
  readonly adminKey?: string;
  readonly user?: string;
  readonly nodes?: string;
  readonly connectTimeout?: string;
  readonly debug?: boolean;
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
}

/**
 * Runs such a command.
 * @returns its exit status
 * @throws UsageError, SetupError
 */
export async function runAdminCommand<V extends string>(
  { text, verbs, localHelp, localVerb }: AdminCommand<V>,
  args: readonly string[],
): Promise<number> {
  const { options, operands } = await parseCommandLine<AdminOptions & { readonly local?: boolean }>(
    text,
    args,
    (command) => {
      command
        .option(
          '-A, --admin-key <FILE>',
          'key of the administrator ($XCPU_ADMIN_KEY, /etc/xcpu/admin_key)',
        )
        .option('-u, --local', localHelp);
    },
  );
  const names = Object.keys(verbs) as (V | 'add')[];
  const { verb, operands: rest } = takeVerb(operands, names, 'add');
  return runVerb(text.name, options.local ? await localVerb(verb) : verbs[verb], rest, options);
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
  const { nodes, rest } = takeNodes(operands, { option: options.nodes, wanted: verb.operands });
  const connectTimeout = seconds('--connect-timeout', options.connectTimeout);
  const { adminLogins, commandNodes, printTrace, resolveNodes } = await import('../index.js');
  const targets = resolveNodes(nodes);
  const commands = await verb.commands(...rest);
  const { adminKey: adminKeyFile, user } = options;
  const logins = await adminLogins({ adminKeyFile, user, fallBack: true });
  const failures = await commandNodes(targets, logins, commands, {
    connectTimeout,
    trace: options.debug ? printTrace : undefined,
  });
  const told = failures.filter(({ error }) => !verb.keepsExisting || !isExisting(error.reason));
  for (const { error } of told) printError(`${name}: ${error.message}\n`);
  return told.length > 0 ? 1 : 0;
}

/**
 * An operand that is a user or group number.
 * @throws UsageError naming the operand
 */
export function idOperand(name: string, text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(id < 0xffffffff)) throw new UsageError(`${name} ${text}: a number is wanted`);
  return id;
}

function isExisting(reason: string): boolean {
  return /:(user|group) exists$/.test(reason);
}
