import {
  type DialOptions,
  dial,
  fanOut,
  type Login,
  NodeError,
  type NodeTarget,
  type SignalResult,
  type SignalTarget,
  signalOnNode,
} from '@xcpu/libxcpu';
import { foldErrors } from '@xcpu/libxcpu/cli';
import { fold } from '@xcpu/nodeset';
import type { Operand } from './operands.js';

/** An operand and the nodes where it is looked for. */
export interface Wanted {
  readonly operand: Operand;
  readonly nodes: readonly NodeTarget[];
}

/**
 * Signals all operands on their nodes, each node once.
 * @returns what went wrong, one line for each reason: nodes that failed, then operand by operand
 */
export async function signalAll(
  wanted: readonly Wanted[],
  signal: number,
  login: Login,
  options: DialOptions,
): Promise<string[]> {
  const plans = plansOf(wanted);
  const outcomes = await fanOut(plans, async ({ node, operands }) => {
    const connection = await dial(node, login, options);
    try {
      const targets = operands.map(({ target }) => target);
      const results = await signalOnNode(connection, signal, targets);
      const { user } = connection;
      return operands.map((operand, at) => ({ operand, node, user, result: results[at]! }));
    } finally {
      connection.close();
    }
  });
  const found = outcomes.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  const faults = await foldErrors(failures);
  for (const { operand } of wanted) {
    faults.push(
      ...(await faultsOf(
        operand,
        found.filter((each) => each.operand === operand),
      )),
    );
  }
  return faults;
}

/** What a node is asked for. */
interface Plan {
  readonly node: NodeTarget;
  readonly operands: Operand[];
}

/** What became of an operand on one node. */
interface Found {
  readonly operand: Operand;
  readonly node: NodeTarget;
  readonly user: string;
  readonly result: SignalResult;
}

function plansOf(wanted: readonly Wanted[]): Plan[] {
  const plans = new Map<string, Plan>();
  for (const { operand, nodes } of wanted) {
    for (const node of nodes) {
      const key = `${node.user ?? ''}@${node.host}!${node.port}`;
      const plan = plans.get(key) ?? { node, operands: [] };
      plans.set(key, plan);
      plan.operands.push(operand);
    }
  }
  return [...plans.values()];
}

/** A process is wanted on each of its nodes, a job on any: ranks of it may be everywhere, and of somebody else's. */
async function faultsOf({ what, target }: Operand, found: readonly Found[]): Promise<string[]> {
  const errors = found.flatMap(({ result }) => result.errors);
  if (target.kind === 'process') {
    return foldErrors([...errors, ...found.flatMap((each) => processFault(target, each) ?? [])]);
  }
  if (errors.length > 0 || found.some(({ result }) => result.signalled > 0)) {
    return foldErrors(errors);
  }
  const foreign = found.filter(({ result }) => result.foreign > 0);
  if (foreign.length > 0) {
    const [{ user }] = foreign as [Found];
    return [`${nodesOf(foreign)}: ${what}: permission denied: it is not a job of ${user}'s`];
  }
  return found.length > 0 ? [`${nodesOf(found)}: ${what}: no such job`] : [];
}

function processFault(
  { pid }: Extract<SignalTarget, { kind: 'process' }>,
  { node, user, result }: Found,
): NodeError | undefined {
  const { signalled, foreign, errors } = result;
  if (signalled > 0 || errors.length > 0) return undefined;
  const reason =
    foreign > 0
      ? `${pid}: permission denied: it is in no session of ${user}'s; the administrator signals any, with -a`
      : `${pid}: no such process`;
  return new NodeError(node.name, 'failed', reason);
}

function nodesOf(found: readonly Found[]): string {
  return fold(found.map(({ node }) => node.name));
}
