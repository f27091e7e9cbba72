import {
  parseCommandLine,
  printError,
  printOut,
  seconds,
  start,
  takeNodes,
} from '@xcpu/libxcpu/cli';
import { formatTable, type NodeProcess } from './table.js';

interface Options {
  readonly xcpu?: boolean;
  readonly jobid?: string;
  readonly json?: boolean;
  readonly adminKey?: string;
}

const TEXT = {
  name: 'xps',
  usage: ['NODES'],
  summary: `Lists the processes of many nodes. A node that does not answer is named on stderr, and the exit status is then 1.`,
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
      .option('-x, --xcpu', 'only processes of xcpu sessions')
      .option(
        '-J, --jobid <JOBID>',
        'only processes of this job, or of one rank of it (JOBID/RANK)',
      )
      .option(
        '--json',
        'print a JSON array, one object per process, times in ms and sizes in bytes',
      )
      .option(
        '-A, --admin-key <FILE>',
        'key of the administrator ($XCPU_ADMIN_KEY, /etc/xcpu/admin_key)',
      );
  });
  const { nodes } = takeNodes(operands, {
    option: options.nodes,
    all: options.all,
    wanted: [],
  });
  const connectTimeout = seconds('--connect-timeout', options.connectTimeout);
  const { adminLogins, dialAs, fanOut, findNodes, listProcesses, printTrace } = await import(
    '@xcpu/libxcpu'
  );
  const dialOptions = { connectTimeout, trace: options.debug ? printTrace : undefined };
  const targets = await findNodes(nodes, dialOptions);
  const logins = await adminLogins({ adminKeyFile: options.adminKey, user: options.user });
  const outcomes = await fanOut(targets, async (target) => {
    const connection = await dialAs(target, logins, dialOptions);
    try {
      const processes = await listProcesses(connection);
      return processes
        .sort((a, b) => a.pid - b.pid)
        .map((entry) => ({ node: target.name, ...entry }));
    } finally {
      connection.close();
    }
  });
  const processes: NodeProcess[] = [];
  let status = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') {
      for (const entry of outcome.value) if (isWanted(entry, options)) processes.push(entry);
    } else {
      status = 1;
      printError(`xps: ${outcome.reason.message}\n`);
    }
  }
  if (options.json) await printOut(`${JSON.stringify(processes)}\n`);
  else if (outcomes.some(({ status }) => status === 'fulfilled')) {
    await printOut(formatTable(processes));
  }
  return status;
}

function isWanted({ xcpusid, xcpujid }: NodeProcess, { xcpu, jobid }: Options): boolean {
  if (xcpu && xcpusid === '' && xcpujid === '') return false;
  return jobid === undefined || xcpujid === jobid || xcpujid.startsWith(`${jobid}/`);
}
