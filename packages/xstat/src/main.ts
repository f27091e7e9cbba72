import { setTimeout as sleep } from 'node:timers/promises';
import type { StatfsOptions } from '@xcpu/libxcpu';
import {
  FdWriter,
  linesThatFit,
  parseCommandLine,
  printable,
  printError,
  printOut,
  seconds,
  start,
} from '@xcpu/libxcpu/cli';
import { NodeSet, NodeSetError } from '@xcpu/nodeset';
import {
  formatJson,
  formatNodeStatuses,
  type NodeDetails,
  type NodeStatus,
} from '@xcpu/xcpu-protocol';
import { screenText } from './screen.js';
import { formatSummary } from './summary.js';
import { formatTable } from './table.js';

interface Options {
  readonly server?: string;
  readonly json?: boolean;
  readonly raw?: boolean;
  readonly watch?: string | true;
}

const TEXT = {
  name: 'xstat',
  usage: ['[NODES]'],
  summary: `Shows the states of nodes as statfs knows them, and how many are up; without NODES, of all nodes. A state is "up", "down(REASON)",
or what a scheduler wrote. The exit status is 0 whatever the states are, and 1 if statfs cannot be reached or does not
know one of NODES.`,
  details: `SECONDS is 2 if left out (--watch=5 for another). Where the output is no
terminal, everything is printed anew each time. The fields of --raw are parted
by tabs: name, address, architecture, state, number of jobs.
`,
  all: false,
  examples: [
    ['xstat', 'all nodes'],
    ["xstat 'n[8-11]'", 'four of them'],
    ['xstat -s head2', 'as the statfs on head2 sees them'],
    ['xstat --watch', 'again and again'],
    ["xstat --json | jq '.[].jobs'", 'for programs'],
  ],
} as const;

const DEFAULT_PERIOD_MS = 2_000;

start('xstat', main);

async function main(args: readonly string[]): Promise<number> {
  const { options, operands } = await parseCommandLine<Options>(TEXT, args, (command) => {
    command
      .option('-s, --server <ADDRESS>', 'statfs, [tcp!]host[!port] ($XCPU_STATFS, localhost)')
      .option('-a, --all', 'all nodes, even if $NODES names some')
      .option('--watch [SECONDS]', 'show it again and again, in place on a terminal')
      .option('--raw', 'print the lines of the file state, as the historic xstat does')
      .option('--json', 'print a JSON array, one object per node, sizes in bytes, times in s');
  });
  const { printTrace, UsageError } = await import('@xcpu/libxcpu');
  if (operands.length > (options.nodes === undefined ? 1 : 0)) {
    throw new UsageError('too many operands; wanted: NODES, or none');
  }
  if (options.raw && options.json) throw new UsageError('--raw and --json exclude each other');
  const named = options.nodes ?? operands[0];
  if (options.all && named !== undefined) {
    throw new UsageError(`--all means all nodes: leave out ${named}`);
  }
  const nodes = options.all ? undefined : (named ?? (process.env.NODES || undefined));
  const from: StatfsOptions = {
    server: options.server,
    user: options.user,
    connectTimeout: seconds('--connect-timeout', options.connectTimeout),
    trace: options.debug ? printTrace : undefined,
  };
  const period = options.watch === true ? undefined : seconds('--watch', options.watch);
  if (options.watch === undefined) return show(await report(nodes, from, options));
  return watch(period ?? DEFAULT_PERIOD_MS, () => report(nodes, from, options));
}

/** What is printed of the nodes, and which of those that were asked for statfs does not know. */
interface Report {
  readonly text: string;
  readonly unknown: string;
}

async function report(
  nodes: string | undefined,
  from: StatfsOptions,
  options: Options,
): Promise<Report> {
  const { readStatfsDetails, UsageError } = await import('@xcpu/libxcpu');
  const all = await readStatfsDetails(from);
  if (nodes === undefined) return { text: format(all, options), unknown: '' };
  try {
    const wanted = NodeSet.parse(nodes);
    const found = all.filter(({ name }) => wanted.has(name));
    const unknown = wanted.difference(NodeSet.of(found.map(({ name }) => name))).toString();
    return { text: format(found, options), unknown };
  } catch (error) {
    throw error instanceof NodeSetError ? new UsageError(error.message) : error;
  }
}

function format(nodes: readonly NodeDetails[], { json, raw }: Options): string {
  if (json) return `${formatJson(nodes.map(flat))}\n`;
  if (raw) return formatNodeStatuses(nodes.map(fitForTerminal));
  return `${linesThatFit(formatTable(nodes))}${formatSummary(nodes)}\n`;
}

function fitForTerminal({ name, addr, arch, state, numjobs }: NodeDetails): NodeStatus {
  return { name, addr: printable(addr), arch: printable(arch), state: printable(state), numjobs };
}

function flat({ numjobs, load, lastSeen, ...node }: NodeDetails) {
  return { ...node, jobs: numjobs, ...load, lastseen: lastSeen };
}

/** @returns the exit status */
async function show({ text, unknown }: Report): Promise<number> {
  await printOut(text);
  if (unknown === '') return 0;
  printError(`xstat: statfs does not know ${unknown}\n`);
  return 1;
}

/**
 * Until it is interrupted, or nobody reads any more. A statfs that is not there ends it the first time only.
 * @returns the exit status
 */
async function watch(period: number, make: () => Promise<Report>): Promise<number> {
  const writer = new FdWriter();
  const { stdout } = process;
  for (let text = watchedText(await make()); ; ) {
    try {
      const shown = stdout.isTTY ? screenText(text, stdout.rows, stdout.columns) : text;
      await writer.write(1, [Buffer.from(shown)]);
    } catch {
      return 0;
    }
    await sleep(period);
    text = await make().then(watchedText, (error: unknown) => {
      const problem = `xstat: ${error instanceof Error ? error.message : error}\n`;
      if (stdout.isTTY) return problem;
      printError(problem);
      return '';
    });
  }
}

function watchedText({ text, unknown }: Report): string {
  return unknown === '' ? text : `${text}not known to statfs: ${unknown}\n`;
}
