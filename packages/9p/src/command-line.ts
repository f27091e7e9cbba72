import type { Dialect } from '@xcpu/9p-protocol';
import { UsageError } from '@xcpu/libxcpu';
import { seconds, VERSION } from '@xcpu/libxcpu/cli';
import type { ServerOptions } from '@xcpu/libxcpu/files';
import type { Command } from 'commander';
import { msizeOf } from './option-values.js';
import type { Verb, VerbLine } from './verb.js';
import { VERBS } from './verbs.js';

/** A command line up to the verb. */
export interface ProgramLine {
  readonly verb: string;
  readonly rest: readonly string[];
  readonly address: string | undefined;
  readonly debug: boolean;
}

/** What the user asked for is a text: help, or the version. */
export interface Answer {
  readonly text: string;
}

/**
 * Parses what stands before the verb, and finds it.
 * @throws UsageError
 */
export async function parseProgram(args: readonly string[]): Promise<ProgramLine | Answer> {
  const { Command } = await import('commander');
  const command = new Command('9p')
    .usage('[-a ADDRESS] [-d] VERB [options] [operands]')
    .description(
      'Looks into 9P servers and xcpu nodes, copies from and to them, and serves a directory.',
    )
    .option('-a, --address <ADDRESS>', 'the server; the operand ADDRESS is then left out')
    .option('-d, --debug', 'print the 9P conversation to stderr')
    .version(`9p ${VERSION}`, '-V, --version', 'print the version')
    .passThroughOptions()
    .addHelpText('after', `\n${verbsText()}\n${ADDRESS_TEXT}\n${STATUS_TEXT}`);
  const text = parse(command, args);
  if (text !== undefined) return { text };
  const { address, debug = false } = command.opts<{ address?: string; debug?: boolean }>();
  const [verb, ...rest] = command.args;
  if (verb === undefined) throw new UsageError('a verb is missing, such as ls');
  if (!Object.hasOwn(VERBS, verb)) {
    throw new UsageError(`${verb}: no such verb; there are ${Object.keys(VERBS).join(', ')}`);
  }
  return { verb, rest, address, debug };
}

/**
 * Parses what stands behind the verb.
 * @throws UsageError
 */
export async function parseVerb(program: ProgramLine, verb: Verb): Promise<VerbLine | Answer> {
  const { Command } = await import('commander');
  const { name, usage, summary, examples, dialects } = verb;
  const command = new Command(`9p ${name}`)
    .usage(usage.map((form) => `[options] ${form}`).join(`\n       9p ${name} `))
    .description(summary.replaceAll('\n', ' '));
  verb.define?.(command);
  if (dialects) defineConnection(command);
  const own = command.options.some(({ short }) => short === '-d');
  command
    .option(own ? '--debug' : '-d, --debug', 'print the 9P conversation to stderr')
    .addHelpText('after', `\n${examplesText(examples)}${dialects ? `\n${ADDRESS_TEXT}` : ''}`);
  const text = parse(command, program.rest);
  if (text !== undefined) return { text };
  const options = command.opts();
  const connection = connectionOf(options, dialects ?? [], program.debug);
  return { address: program.address, operands: command.args, connection, options };
}

/** The text that was asked for, if one was. */
function parse(command: Command, args: readonly string[]): string | undefined {
  let text = '';
  command
    .helpOption('-h, --help', 'print this')
    .argument('[operands...]')
    .configureHelp({ visibleArguments: () => [] })
    .exitOverride()
    .configureOutput({
      writeOut: (piece) => {
        text += piece;
      },
      // What is wrong is thrown, and printed where all errors are.
      writeErr: () => {},
    });
  try {
    command.parse(args, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    if (error.exitCode === 0) return text;
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
}

function isCommanderError(error: unknown): error is Error & { readonly exitCode: number } {
  return error instanceof Error && 'exitCode' in error;
}

function defineConnection(command: Command): void {
  command
    .option('-u, --user <NAME>', 'log in as this user, by name or number')
    .option('-k, --key <FILE>', 'private key to log in with (for nodes your own: ~/.ssh/id_rsa, …)')
    .option('-A, --admin-key <FILE>', 'log in as the administrator of a node, with this key')
    .option('-n, --no-auth', 'offer no proof of who you are')
    .option('--aname <NAME>', 'which of the trees of the server')
    .option('--dialect <NAME>', 'the richest to ask for: 9P2000, 9P2000.u or 9P2000.L')
    .option('-m, --msize <BYTES>', 'the largest message to ask for (1048600)')
    .option('--connect-timeout <SECONDS>', 'give up on a server that does not answer (10)');
}

function connectionOf(
  options: Readonly<Record<string, string | boolean | undefined>>,
  preferred: readonly Dialect[],
  debug: boolean,
): ServerOptions {
  const text = (name: string) => options[name] as string | undefined;
  const dialect = text('dialect');
  const msize = text('msize');
  return {
    user: text('user'),
    key: text('key'),
    adminKey: text('adminKey'),
    auth: options.auth !== false,
    aname: text('aname'),
    dialects: dialect === undefined ? preferred : [dialectOf(dialect)],
    msize: msize === undefined ? undefined : msizeOf(msize),
    connectTimeout: seconds('--connect-timeout', text('connectTimeout')),
    debug: debug || options.debug === true,
  };
}

const DIALECTS: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];

function dialectOf(text: string): Dialect {
  const found = DIALECTS.find((name) => name.toLowerCase() === text.toLowerCase());
  if (!found) throw new UsageError(`--dialect ${text}: there are ${DIALECTS.join(', ')}`);
  return found;
}

const ADDRESS_TEXT = `ADDRESS is a node (n8, alice@n8, n8!7000), HOST:PORT, tcp!HOST!PORT, or the path
of a socket.
Without a port it is that of the node map (the first of $XCPU_NODES_FILE,
~/.config/xcpu/nodes and /etc/xcpu/nodes), else 6668, that of xcpufs; the port
of other 9P servers, 564, is written HOST:564 or tcp!HOST!9fs. A node that asks
who you are gets a proof by your key; another server only if you name the key.
`;

const STATUS_TEXT = `9p VERB -h tells more. The exit status is 0, 1 if anything failed, 2 for wrong
usage.
`;

function verbsText(): string {
  const lines = Object.entries(VERBS).map(([name, { short }]) => `  ${name.padEnd(8)}${short}\n`);
  return `Verbs:\n${lines.join('')}`;
}

function examplesText(examples: Verb['examples']): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, meaning]) => `  ${line.padEnd(width)}  ${meaning}\n`);
  return `Examples:\n${lines.join('')}`;
}
