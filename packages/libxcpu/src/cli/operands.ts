import { UsageError } from '../errors.js';

/** Operands taken apart: the node set and what follows it. */
export interface NodeOperands {
  /** Absent with `-a`: all nodes that are up, see `findNodes`. */
  readonly nodes: string | undefined;
  readonly rest: readonly string[];
}

/**
 * The node set of a command: `-w`, else $NODES, else the first operand; none with `-a`, which all operands follow.
 *
 * @param wanted names of the operands that the command takes beside NODES. Where they are given, a node set that is
 * there nevertheless is told by the number of operands, and wins over $NODES.
 * @throws UsageError where it is missing, or the number of operands is wrong
 */
export function takeNodes(
  operands: readonly string[],
  settings: {
    /** `-w` */
    readonly option?: string | undefined;
    /** `-a` */
    readonly all?: boolean | undefined;
    readonly wanted?: readonly string[];
    /** Verbs that could have come first, for the message where the number of operands is wrong. */
    readonly verbs?: readonly string[] | undefined;
    readonly env?: Readonly<Record<string, string | undefined>>;
  },
): NodeOperands {
  const { option, all, wanted, verbs, env = process.env } = settings;
  if (all) return takeRest(operands, option, wanted, verbs);
  const elsewhere = option ?? (env.NODES || undefined);
  const [first, ...others] = operands;
  if (elsewhere !== undefined && (!wanted || operands.length === wanted.length)) {
    return { nodes: elsewhere, rest: operands };
  }
  if (first === undefined && elsewhere === undefined) {
    throw new UsageError('NODES is missing: name nodes, as in n[8-11]');
  }
  if (
    first !== undefined &&
    (!wanted || (others.length === wanted.length && option === undefined))
  ) {
    return { nodes: first, rest: others };
  }
  const names = [...(option === undefined ? ['NODES'] : []), ...(wanted ?? [])];
  throw wrongOperands(operands, names, verbs);
}

function takeRest(
  operands: readonly string[],
  option: string | undefined,
  wanted: readonly string[] | undefined,
  verbs: readonly string[] | undefined,
): NodeOperands {
  if (option !== undefined) throw new UsageError('-w names nodes, --all means all: give one');
  if (wanted && operands.length !== wanted.length) throw wrongOperands(operands, wanted, verbs);
  return { nodes: undefined, rest: operands };
}

function wrongOperands(
  operands: readonly string[],
  names: readonly string[],
  verbs: readonly string[] | undefined,
): UsageError {
  const wrong = operands.length < names.length ? 'operands are missing' : 'too many operands';
  const [first] = operands;
  const verb =
    verbs && first !== undefined ? `; ${first} is none of the verbs ${verbs.join(', ')}` : '';
  return new UsageError(`${wrong}; wanted: ${names.join(' ') || 'none'}${verb}`);
}

/** The longest time that a timer can be set to, in milliseconds. */
const MAX_TIMER_MS = 0x7fffffff;

/**
 * An option's number of seconds, fractions allowed, in milliseconds.
 * @throws UsageError naming the option
 */
export function seconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) * 1000 : 0;
  if (!(value > 0))
    throw new UsageError(`${option} ${text}: a number of seconds above 0 is wanted`);
  return Math.min(value, MAX_TIMER_MS);
}
