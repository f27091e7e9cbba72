import { UsageError } from '../errors.js';

/** Operands taken apart: the node set and what follows it. */
export interface NodeOperands {
  readonly nodes: string;
  readonly rest: readonly string[];
}

/**
 * The node set of a command: `-w`, else $NODES, else the first operand.
 *
 * @param wanted names of the operands that the command takes beside NODES. Where they are given, a node set that is
 * there nevertheless is told by the number of operands, and wins over $NODES.
 * @throws UsageError where it is missing, or the number of operands is wrong
 */
export function takeNodes(
  operands: readonly string[],
  settings: {
    readonly option?: string | undefined;
    readonly wanted?: readonly string[];
    readonly env?: Readonly<Record<string, string | undefined>>;
  },
): NodeOperands {
  const { option, wanted, env = process.env } = settings;
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
  const wrong = operands.length < names.length ? 'operands are missing' : 'too many operands';
  throw new UsageError(`${wrong}; wanted: ${names.join(' ') || 'none'}`);
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
