import { type SignalTarget, UsageError } from '@xcpu/libxcpu';
import {
  formatSessionId,
  parseProcessId,
  parseSessionIdParts,
  parseSignal,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';

/** An operand that says who is to get the signal. */
export interface Operand {
  /** Without the nodes, for messages: `1234`, `job7/3`. */
  readonly what: string;
  /** The node set in front, if there is one. */
  readonly nodes: string | undefined;
  readonly target: SignalTarget;
}

/** What the rest of the command line says of the operands. */
export interface OperandSettings {
  /** `-m`: a job's name alone means all of its ranks. */
  readonly allRanks: boolean;
  /** The nodes were named elsewhere: `option` by -w or --all, and no operand names any; `default` by $NODES. */
  readonly named: 'option' | 'default' | undefined;
}

/**
 * `[NODES:]PID`, `[NODES:]JOBID/RANK` or, with -m, `[NODES:]JOBID`. The last colon parts them, as IPv6 addresses have
 * colons, too. What is a number is a pid, but with -m.
 * @throws UsageError naming the operand, what is wrong with it and what is wanted
 */
export function parseOperand(text: string, settings: OperandSettings): Operand {
  const { named, allRanks } = settings;
  const colon = named === 'option' ? -1 : text.lastIndexOf(':');
  const what = text.slice(colon + 1);
  const nodes = colon < 0 ? undefined : text.slice(0, colon);
  if (nodes === '') throw new UsageError(`${text}: nodes are missing before the colon`);
  if (what === '') throw new UsageError(`${text}: a pid or a job is missing after the colon`);
  if (named === 'option' && !allRanks && text.includes(':') && !text.includes('/')) {
    throw new UsageError(`${text}: -w and --all name the nodes, the operands then name none`);
  }
  const known = nodes !== undefined || named !== undefined;
  return { what, nodes, target: parseTarget(what, allRanks, known, nodes) };
}

/**
 * @param nodes how many there are for operands that name none; undefined for as many as there happen to be
 * @throws UsageError for a pid without its node: on the others that number is another process
 */
export function checkPids(operands: readonly Operand[], nodes: number | undefined): void {
  if (nodes === 1) return;
  const bare = operands.find((each) => each.nodes === undefined && each.target.kind === 'process');
  if (bare)
    throw new UsageError(`${bare.what}: a pid is one node's: name it, as in n8:${bare.what}`);
}

/**
 * The arguments with a signal as kill(1) takes it, `-9` or `-KILL`, in place of an option.
 * What looks like both, as `-ABRT`, is the signal.
 */
export function withPlainSignal(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  const at = args.findIndex((arg, index) => {
    if (end >= 0 && index > end) return false;
    return /^-(\d{1,2}|[A-Z][A-Z0-9+-]+)$/.test(arg) && isSignal(arg.slice(1));
  });
  return args.map((arg, index) => (index === at ? arg.slice(1) : arg));
}

/**
 * The number of a signal that was named or numbered.
 * @throws UsageError
 */
export function takeSignal(text: string | undefined): number {
  if (text === undefined) {
    throw new UsageError('operands are missing; wanted: SIGNAL NODES:PID|JOBID...');
  }
  if (isSignal(text)) return parseSignal(text);
  throw new UsageError(
    `${text}: no signal; it comes first, as in xk TERM n8:1234 (1 to 64, or a name as kill -l has it)`,
  );
}

function parseTarget(
  what: string,
  allRanks: boolean,
  nodesKnown: boolean,
  nodes: string | undefined,
): SignalTarget {
  if (/^\d+$/.test(what) && !allRanks) {
    if (nodesKnown) return { kind: 'process', pid: processId(what) };
    throw new UsageError(
      `${what}: on which node? as in n8:${what}; a job of that name is meant with -m`,
    );
  }
  const { jobid = '', rank } = jobOf(what);
  if (rank === undefined && !allRanks) {
    const prefix = nodes === undefined ? '' : `${nodes}:`;
    throw new UsageError(
      `${what}: -m means all ranks of that job; one of them is ${prefix}${what}/RANK`,
    );
  }
  if (jobid === '' && !nodesKnown) {
    throw new UsageError(`${what}: many jobs have no name; say on which nodes, as in n8:${what}`);
  }
  return { kind: 'job', jobid, ...(rank === undefined ? {} : { rank }) };
}

function jobOf(what: string): { jobid?: string; rank?: number } {
  try {
    const job = parseSessionIdParts(what);
    // A rank that is left out behind the slash is a slip.
    if (what.endsWith('/')) throw new XcpuFormatError('syntax error');
    formatSessionId(job);
    return job;
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    throw new UsageError(`${what}: no pid, and no JOBID or JOBID/RANK`);
  }
}

function processId(text: string): number {
  try {
    return parseProcessId(text);
  } catch {
    throw new UsageError(`${text}: a pid is 1 to ${0x7fffffff}`);
  }
}

function isSignal(text: string): boolean {
  try {
    return parseSignal(text) > 0;
  } catch {
    return false;
  }
}
