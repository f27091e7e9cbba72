import type { NodeConnection } from '@xcpu/libxcpu';
import {
  ADMIN_KEY_OPTION,
  askNodes,
  foldErrors,
  linesThatFit,
  parseCommandLine,
  printable,
  printError,
  printOut,
  reachNodes,
  start,
  takeNodes,
} from '@xcpu/libxcpu/cli';
import { type Entry, formatTable } from './table.js';

interface Options {
  readonly xcpu?: boolean;
  readonly jobid?: string;
  readonly json?: boolean;
  readonly adminKey?: string;
}

const TEXT = {
  name: 'xps',
  usage: ['NODES'],
  summary: `Lists the processes of many nodes. With -x and -J also the sessions whose programs are over, (ended), as those of xrx --detach are until xrx -J has read them. A node that does not answer is named on stderr, and the exit status is then 1, as where no node has anything of JOBID.`,
  examples: [
    ["xps 'n[8-11]'", 'all processes of four nodes'],
    ["xps -x 'n[8-11]'", 'those that xrx started'],
    ['xps -a', 'of all nodes that are up'],
    ["xps -J myjob 'n[8-11]'", 'those of the job that was run with xrx -j myjob'],
    ["xps --json n8 | jq '.[].pid'", 'for programs'],
  ],
} as const;

start('xps', main);

async function main(args: readonly string[]): Promise<number> {
  const { options, operands } = await parseCommandLine<Options>(TEXT, args, (command) => {
    command
      .option('-x, --xcpu', 'only processes of xcpu sessions, and sessions that are over')
      .option('-J, --jobid <JOBID>', 'only those of this job, or of one rank of it (JOBID/RANK)')
      .option(
        '--json',
        'print a JSON array, one object per line of the table, times in ms and sizes in bytes',
      )
      .option(...ADMIN_KEY_OPTION);
  });
  const { nodes } = takeNodes(operands, {
    option: options.nodes,
    all: options.all,
    wanted: [],
  });
  const reach = await reachNodes(nodes, options);
  const { answers, failures } = await askNodes(reach, async (connection) =>
    (await entriesOf(connection, options)).filter((entry) => isWanted(entry, options)),
  );
  const { formatJson, NodeError } = await import('@xcpu/libxcpu');
  const entries = answers.flatMap(({ answer }) => answer);
  const missing = options.jobid !== undefined && entries.length === 0;
  if (missing) {
    const reason = `${printable(options.jobid ?? '')}: no such job`;
    failures.push(...answers.map(({ target }) => new NodeError(target.name, 'missing', reason)));
  }
  for (const problem of await foldErrors(failures)) printError(`xps: ${problem}\n`);
  if (options.json) await printOut(`${formatJson(entries)}\n`);
  else if (!missing && answers.length > 0) {
    await printOut(linesThatFit(formatTable(entries)));
  }
  return failures.length > 0 ? 1 : 0;
}

/** The processes of a node by pid; where sessions are asked for, those that are over behind them. */
async function entriesOf(connection: NodeConnection, { xcpu, jobid }: Options): Promise<Entry[]> {
  const { listProcesses, listProcessesAndEnded } = await import('@xcpu/libxcpu');
  const withEnded = xcpu || jobid !== undefined;
  const { processes, ended } = withEnded
    ? await listProcessesAndEnded(connection)
    : { processes: await listProcesses(connection), ended: [] };
  const node = connection.target.name;
  return [
    ...processes.sort((a, b) => a.pid - b.pid).map((entry) => ({ node, ...entry })),
    ...ended.map((entry) => ({ node, pid: null, ended: true as const, ...entry })),
  ];
}

function isWanted({ xcpusid, xcpujid }: Entry, { xcpu, jobid }: Options): boolean {
  if (xcpu && xcpusid === '' && xcpujid === '') return false;
  return jobid === undefined || xcpujid === jobid || xcpujid.startsWith(`${jobid}/`);
}
