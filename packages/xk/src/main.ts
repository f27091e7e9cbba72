import type { Login, NodeTarget, StatfsOptions } from '@xcpu/libxcpu';
import { ADMIN_KEY_OPTION, parseCommandLine, printError, seconds, start } from '@xcpu/libxcpu/cli';
import type { Wanted } from './signalling.js';

interface Options {
  readonly allRanks?: boolean;
  readonly adminKey?: string;
  /** `-a` */
  readonly a?: string;
  readonly key?: string;
  readonly user?: string;
}

const TEXT = {
  name: 'xk',
  usage: ['SIGNAL [NODES:]PID|JOBID...'],
  summary: `Sends a signal to processes and jobs on many nodes: as the administrator to any, as a user to those of your own sessions. Without NODES a job is looked for on all nodes of the node map or, where there is none, on those that statfs reports up. What is not there, or fails, is named on stderr, and the exit status is then 1.`,
  all: '--all',
  examples: [
    ['xk TERM n8:1234', 'process 1234 of n8'],
    ['xk -9 myjob/3', 'rank 3 of myjob, wherever it is'],
    ['xk -m INT myjob', 'all ranks of myjob'],
    ["xk -m INT 'n[8-11]:myjob'", 'those on four nodes'],
  ],
} as const;

start('xk', main);

async function main(args: readonly string[]): Promise<number> {
  const { checkPids, parseOperand, takeSignal, withPlainSignal } = await import('./operands.js');
  const line = withPlainSignal(args);
  const { options, operands } = await parseCommandLine<Options>(TEXT, line, (command) => {
    command
      .option('-m, --all-ranks', 'JOBID alone means all ranks of that job')
      .option(...ADMIN_KEY_OPTION)
      .option('-a <FILE>', 'the same, as the historic xk has it')
      .option('-k, --key <FILE>', 'your own private key (~/.ssh/id_rsa, id_ed25519, id_ecdsa)');
  });
  const { allRanks = false, nodes, all } = options;
  const [first, ...others] = operands;
  const signal = takeSignal(first);
  const { NODES } = process.env;
  const named = nodes !== undefined || all ? 'option' : NODES ? 'default' : undefined;
  const parsed = others.map((text) => parseOperand(text, { allRanks, named }));
  const { printTrace, resolveNodes, UsageError } = await import('@xcpu/libxcpu');
  if (parsed.length === 0) throw new UsageError('a process or a job is missing, as in n8:1234');
  if (nodes !== undefined && all) {
    throw new UsageError('-w names nodes, --all means all: give one');
  }
  const given = all ? undefined : (nodes ?? NODES);
  checkPids(parsed, given ? resolveNodes(given).length : undefined);
  const dialOptions = {
    connectTimeout: seconds('--connect-timeout', options.connectTimeout),
    trace: options.debug ? printTrace : undefined,
  };
  const elsewhere = parsed.some((operand) => operand.nodes === undefined)
    ? await otherNodes(given, all === true, dialOptions)
    : [];
  const wanted = parsed.map((operand): Wanted => {
    const { nodes: own } = operand;
    return { operand, nodes: own === undefined ? elsewhere : resolveNodes(own) };
  });
  const { signalAll } = await import('./signalling.js');
  const faults = await signalAll(wanted, signal, await loginOf(options), dialOptions);
  for (const fault of faults) printError(`xk: ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}

/** The nodes of operands that name none. */
async function otherNodes(
  named: string | undefined,
  up: boolean,
  options: StatfsOptions,
): Promise<NodeTarget[]> {
  const { findNodes, mappedNodes, nodesUp, SetupError } = await import('@xcpu/libxcpu');
  if (up || named) return findNodes(named, options);
  const mapped = mappedNodes();
  if (mapped.length > 0) return mapped;
  try {
    return await nodesUp(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError(`no nodes are named, there is no node map, and ${reason}`);
  }
}

/** The administrator where his key is here, else the user. */
async function loginOf({ a, adminKey = a, key, user }: Options): Promise<Login> {
  const { adminLogins, UsageError, userLogin } = await import('@xcpu/libxcpu');
  if (key === undefined) return (await adminLogins({ adminKeyFile: adminKey, user }))[0];
  if (adminKey === undefined) return userLogin({ user, keyFile: key });
  throw new UsageError("-k is your own key, -A the administrator's: give one");
}
