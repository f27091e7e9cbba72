import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { printNow } from '../print.js';
import { VERSION } from './version.js';

/** What a command says of itself. */
export interface CommandText {
  readonly name: string;
  /** The operands, as in `NODES PROGRAM [ARGS...]`; one line for each form. */
  readonly usage: readonly string[];
  readonly summary: string;
  /** What the options do not say by themselves: lines of at most 80 characters, each with its newline. */
  readonly details?: string;
  /**
   * How the option for all nodes that are up is written, where `-a` means something else; false where there is none.
   * `-a, --all` if left out.
   */
  readonly all?: '--all' | false;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Statuses with what they say, where these are others than 0, 1 for anything that failed and 2 for wrong usage. */
  readonly exitStatus?: readonly (readonly [status: string, meaning: string])[];
}

/** A command line taken apart. */
export interface CommandLine<Options> {
  readonly options: Options;
  readonly operands: readonly string[];
}

/** Options of every command. */
interface SharedOptions {
  readonly debug?: boolean;
  readonly user?: string;
  readonly nodes?: string;
  readonly all?: boolean;
  readonly connectTimeout?: string;
}

/**
 * Parses a command line. `-h` and `-V` are answered here and end the process.
 * @param define adds the command's own options
 * @throws UsageError
 */
export async function parseCommandLine<Options>(
  text: CommandText,
  args: readonly string[],
  define: (command: Command) => void,
): Promise<CommandLine<Options & SharedOptions>> {
  const { Command, CommanderError } = await import('commander');
  const { name, usage, summary, details, all = '-a, --all', examples, exitStatus } = text;
  const command = new Command(name);
  command
    .usage(usage.map((form) => `[options] ${form}`).join(`\n       ${name} `))
    .description(summary.replaceAll('\n', ' '))
    .helpOption('-h, --help', 'print this')
    .version(`${name} ${VERSION}`, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: printNow,
      // What is wrong is thrown, and printed where all errors are.
      writeErr: () => {},
    })
    .argument('[operands...]')
    .configureHelp({ visibleArguments: () => [] });
  define(command);
  command.option(
    '-w, --nodes <NODES>',
    'the nodes, in place of the operand and of $NODES',
    joinNodes,
  );
  if (all) command.option(all, 'all nodes that statfs reports up ($XCPU_STATFS, localhost)');
  command
    .option('--user <NAME>', 'log in as this user')
    .option('--connect-timeout <SECONDS>', 'give up on a node that does not answer (10)')
    .option('-d, --debug', 'print the 9P conversation to stderr')
    .addHelpText(
      'after',
      `\n${details ? `${details}\n` : ''}${listText('Examples', examples)}\n${NODES_TEXT}${statusText(exitStatus)}`,
    );
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0);
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
  return { options: command.opts() as Options & SharedOptions, operands: command.args };
}

const NODES_TEXT = `NODES is a node set such as n8, n[8-11], a[1-2]b[1-3] or user@n8!7000; $NODES
stands for it where it is left out. Nodes get their addresses from the first of
$XCPU_NODES_FILE, ~/.config/xcpu/nodes and /etc/xcpu/nodes (name=host[!port] per
line), and else from the resolver.`;

function statusText(exitStatus: CommandText['exitStatus']): string {
  return exitStatus ? `\n\n${listText('Exit status', exitStatus)}` : '';
}

function listText(title: string, entries: CommandText['examples']): string {
  const width = Math.max(...entries.map(([entry]) => entry.length));
  const lines = entries.map(([entry, meaning]) => `  ${entry.padEnd(width)}  ${meaning}\n`);
  return `${title}:\n${lines.join('')}`;
}

/** Given several times it means all of them, as with pdsh and clush. */
function joinNodes(nodes: string, before: string | undefined): string {
  return before === undefined ? nodes : `${before},${nodes}`;
}
