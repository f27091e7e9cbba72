import { OpenMode } from '@xcpu/9p-protocol';
import { formatNodeCommand, type NodeCommand } from '@xcpu/xcpu-protocol';
import { ownSignal } from '../aborting.js';
import { NodeError } from '../errors.js';
import { fanOut } from '../fan-out.js';
import type { Login } from '../login.js';
import { dialAs } from '../node/commands.js';
import type { DialOptions, NodeConnection } from '../node/dial.js';
import { requestError } from '../node/errors.js';
import { openFile, release } from '../node/files.js';
import type { NodeTarget } from '../nodes.js';
import type { Change, NodePlan, Problem, Step } from './plan.js';

/** Looks at a node and says what is to be done there. */
export type NodePlanner = (connection: NodeConnection) => Promise<NodePlan>;

/** How nodes are reached, and whether anything is changed. */
export interface SyncOptions extends DialOptions {
  /** Nothing is done, and `changes` is what would be. */
  readonly dryRun?: boolean;
}

/** What became of one node. */
export interface SyncOutcome {
  readonly target: NodeTarget;
  /** What was done. Absent where that is not known: the node could not be reached, or was lost. */
  readonly changes?: readonly Change[];
  readonly note?: string;
  readonly problems: readonly Problem[];
}

/**
 * Carries out on all nodes at once what is to be done on each. Nothing that fails on one node keeps another from
 * anything, and doing it all again does what is left.
 *
 * @param logins tried in turn on each node
 * @returns what became of each, in the order of the nodes
 */
export async function syncNodes(
  targets: readonly NodeTarget[],
  logins: readonly [Login, ...Login[]],
  planner: NodePlanner,
  options: SyncOptions = {},
): Promise<SyncOutcome[]> {
  const outcomes = await fanOut(targets, (target) => syncNode(target, logins, planner, options));
  return outcomes.map((outcome, index) => {
    const target = targets[index]!;
    if (outcome.status === 'fulfilled') return outcome.value;
    return { target, problems: [{ text: requestError(target, outcome.reason).reason }] };
  });
}

async function syncNode(
  target: NodeTarget,
  logins: readonly [Login, ...Login[]],
  planner: NodePlanner,
  options: SyncOptions,
): Promise<SyncOutcome> {
  const signal = ownSignal(options.signal);
  const connection = await dialAs(target, logins, { ...options, signal });
  try {
    const plan = await planner(connection);
    const { changes, note } = plan;
    const idle = options.dryRun || plan.steps.length === 0;
    const problems = idle ? plan.problems : await carryOut(connection, plan, planner);
    const failed = new Set(problems.flatMap(({ names = [] }) => names));
    return {
      target,
      changes: changes.filter(({ name }) => !failed.has(name)),
      ...(note !== undefined && { note }),
      problems,
    };
  } finally {
    connection.close();
  }
}

/**
 * Answers with the plan's problems and those that came up.
 * @throws NodeError (lost, protocol), saying that some of it may have been done
 */
async function carryOut(
  connection: NodeConnection,
  { steps, problems }: NodePlan,
  planner: NodePlanner,
): Promise<readonly Problem[]> {
  try {
    if (connection.legacy) return [...problems, ...(await writeEach(connection, steps))];
    if (await writeTogether(connection, steps)) return problems;
    // Of a write with a command that failed the rest was dropped: what is left is done step by step.
    const left = await planner(connection);
    return [...left.problems, ...(await writeEach(connection, left.steps))];
  } catch (thrown) {
    const { node, kind, reason, cause } = requestError(connection.target, thrown);
    throw new NodeError(node, kind, `${reason} ${PERHAPS_DONE}`, { cause });
  }
}

const PERHAPS_DONE = 'Some of it may be done: run this again for the rest.';

/** Many commands in each write. Whether all went well. */
async function writeTogether(connection: NodeConnection, steps: readonly Step[]): Promise<boolean> {
  const ctl = await openFile(connection, ['ctl'], OpenMode.WRITE);
  for (const piece of pieces(steps, connection.client.maxCount)) {
    try {
      await ctl.write(0, piece);
    } catch (thrown) {
      const error = requestError(connection.target, thrown);
      if (error.kind !== 'failed') throw error;
      await release(ctl);
      return false;
    }
  }
  return true;
}

/** A command in each write. */
async function writeEach(connection: NodeConnection, steps: readonly Step[]): Promise<Problem[]> {
  const ctl = await openFile(connection, ['ctl'], OpenMode.WRITE);
  const problems: Problem[] = [];
  for (const [index, { command, change }] of steps.entries()) {
    try {
      await ctl.write(0, lineOf(command));
    } catch (thrown) {
      const { kind, reason } = requestError(connection.target, thrown);
      if (kind !== 'failed') throw thrown;
      problems.push({ names: [change.name], text: `${change.name}: ${reason}` });
      // There a command that fails makes all that follow fail, too.
      if (connection.legacy) return [...problems, ...notDone(steps.slice(index + 1))];
    }
  }
  return problems;
}

function notDone(steps: readonly Step[]): Problem[] {
  const names = [...new Set(steps.map(({ change }) => change.name))];
  return names.length > 0 ? [{ names, text: `not done after that: ${names.join(' ')}` }] : [];
}

function* pieces(steps: readonly Step[], size: number): Generator<Buffer> {
  let lines: Buffer[] = [];
  let length = 0;
  for (const { command } of steps) {
    const line = lineOf(command);
    if (length > 0 && length + line.length > size) {
      yield Buffer.concat(lines, length);
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length;
  }
  yield Buffer.concat(lines, length);
}

/** Commands with keys take a while to check, and all nodes get the same. */
const known = new WeakMap<NodeCommand, Buffer>();

function lineOf(command: NodeCommand): Buffer {
  const line = known.get(command) ?? Buffer.from(`${formatNodeCommand(command)}\n`);
  known.set(command, line);
  return line;
}
