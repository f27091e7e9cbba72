import { expand, fold, NodeSetError } from '@xcpu/nodeset';
import { formatArgv, formatNamespace, formatSessionId, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { UsageError } from '../errors.js';
import { FAN_OUT } from '../fan-out.js';
import { type Login, userLogin } from '../login.js';
import type { DialOptions } from '../node/dial.js';
import { type NodeTarget, resolveNodes } from '../nodes.js';
import { type FollowOptions, Job } from './job.js';
import { type Launch, launch, type ShipProgram } from './launch.js';
import type { Program } from './program.js';
import type { ServeFiles } from './session.js';

/** What is run, as whom, and with which files. */
export interface LaunchOptions
  extends Omit<DialOptions, 'signal' | 'ahead'>,
    Omit<Program, 'argv' | 'path' | 'rank' | 'size' | 'nodeList' | 'input' | 'persistent'> {
  /** Who runs the programs; the invoking user if left out. */
  readonly login?: Login | undefined;
  /**
   * Called for each node once it can be served files, which its program then may import from `$XCPUTSADDR`. A legacy
   * node fails with it. The programs get no files if left out.
   */
  readonly files?: ServeFiles | undefined;
  /** Brings the program to each node; it is looked up there if left out. */
  readonly ship?: ShipProgram | undefined;
  /** Nodes that are connected to and set up at once. Default 256. */
  readonly fanOut?: number | undefined;
}

/** What is run, and how it is followed. */
export interface JobOptions extends LaunchOptions, FollowOptions {}

/**
 * Runs a program on all nodes at once.
 *
 * ```ts
 * const job = await run('n[8-11]', ['date']);
 * for await (const event of job) {
 *   if (event.type === 'output') console.log(event.node, event.stream, String(event.data));
 * }
 * console.log(jobExitStatus(await job.result));
 * ```
 *
 * @param nodes a node set, or the nodes
 * @param argv the program, looked up on the node, and its arguments
 * @throws UsageError, SetupError before anything was run; what fails on a node is in its result
 */
export async function run(
  nodes: string | readonly NodeTarget[],
  argv: readonly string[],
  options: JobOptions = {},
): Promise<Job> {
  const targets = typeof nodes === 'string' ? resolveNodes(nodes) : nodes;
  const { stdin, fanOut = FAN_OUT, files } = options;
  const input = stdin !== undefined;
  const job = await launchOf(targets, argv, options, { input, persistent: false });
  options.signal?.throwIfAborted();
  const plans = targets.map((target, index) => {
    const rank = index + 1;
    const begin = (signal: AbortSignal) => launch(target, job, rank, signal);
    return { rank, target, begin };
  });
  const servesFiles = files !== undefined;
  return new Job(plans, { ...options, fanOut, servesFiles, attached: false, keepsInput: false });
}

/**
 * What all programs of a job are started with.
 * @throws UsageError for what no node could be told; SetupError without a key to log in with
 */
export async function launchOf(
  targets: readonly NodeTarget[],
  argv: readonly string[],
  options: LaunchOptions,
  way: Pick<Program, 'input' | 'persistent'>,
): Promise<Launch> {
  checkProgram(argv, options);
  const { jobid, cwd, namespace, exportRoot, legacyFiles, env } = options;
  const { connectTimeout, trace, msize, files, ship } = options;
  const login = options.login ?? (await userLogin());
  const common = { argv, jobid, cwd, namespace, exportRoot, legacyFiles, env: env && [...env] };
  const place = { size: targets.length, nodeList: nodeList(targets) };
  return {
    login,
    program: { ...common, ...place, ...way },
    dialOptions: { connectTimeout, trace, msize },
    files,
    ship,
  };
}

/** Longest node list that programs are told, in bytes: the kernel gives a program no string of more than 128 KiB. */
const MAX_NODE_LIST = 100 * 1024;

/** The nodes as a node set whose order is that of the ranks; nothing where that is too long to be told. */
function nodeList(targets: readonly NodeTarget[]): string | undefined {
  const names = targets.map(({ name }) => name);
  const plain = names.join(',');
  const text = folded(names, plain) ?? plain;
  return Buffer.byteLength(text) > MAX_NODE_LIST ? undefined : text;
}

/** A shorter text for the same nodes in the same order, if there is one. */
function folded(names: readonly string[], plain: string): string | undefined {
  if (names.length === 1) return undefined;
  try {
    const text = fold(names);
    return expand(text).join(',') === plain ? text : undefined;
  } catch (error) {
    // Whoever names targets himself may call them anything.
    if (error instanceof NodeSetError) return undefined;
    throw error;
  }
}

/** What no node could be told. */
function checkProgram(argv: readonly string[], { cwd, jobid }: LaunchOptions): void {
  if (argv[0] === undefined || argv[0] === '') throw new UsageError('no program to run');
  if (/[\n\0]/.test(argv[0])) throw new UsageError('a program name holds no newline');
  checked('argument', () => formatArgv(argv));
  checked('job id', () => jobid !== undefined && formatSessionId({ jobid, rank: 1 }));
  checked(
    'directory',
    () => cwd !== undefined && formatNamespace([{ command: 'cd', directory: cwd }]),
  );
}

function checked(what: string, format: () => unknown): void {
  try {
    format();
  } catch (error) {
    throw error instanceof XcpuFormatError ? new UsageError(`${what}: ${error.message}`) : error;
  }
}
