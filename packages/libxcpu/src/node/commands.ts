import { OpenMode } from '@xcpu/9p-protocol';
import { formatNodeCommand, type NodeCommand, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { ownSignal } from '../aborting.js';
import { NodeError, UsageError } from '../errors.js';
import { fanOut } from '../fan-out.js';
import type { Login } from '../login.js';
import type { NodeTarget } from '../nodes.js';
import { type DialOptions, dial, type NodeConnection } from './dial.js';
import { requestError } from './errors.js';
import { openFile } from './files.js';

/** What a node refused. */
export interface NodeFailure {
  /** Absent where the node could take no command at all. */
  readonly command?: NodeCommand;
  readonly error: NodeError;
}

/**
 * Gives all nodes the same commands in order, each whether or not the one before it succeeded.
 *
 * @param logins tried in turn on each node, as long as it lets none of them in
 * @returns what failed, in the order of the nodes and commands
 * @throws UsageError for a command that no node can be sent
 */
export async function commandNodes(
  targets: readonly NodeTarget[],
  logins: readonly [Login, ...Login[]],
  commands: readonly NodeCommand[],
  options: DialOptions = {},
): Promise<NodeFailure[]> {
  const lines = commands.map((command) => ({ command, line: lineOf(command) }));
  const outcomes = await fanOut(targets, async (target) => {
    const signal = ownSignal(options.signal);
    const connection = await dialAs(target, logins, { ...options, signal });
    try {
      return await writeLines(connection, lines);
    } catch (error) {
      throw requestError(target, error);
    } finally {
      connection.close();
    }
  });
  options.signal?.throwIfAborted();
  return outcomes.flatMap((outcome, index) =>
    outcome.status === 'fulfilled'
      ? outcome.value
      : [{ error: requestError(targets[index]!, outcome.reason) }],
  );
}

/**
 * Connects to a node as the first of these whom it lets in.
 * @throws NodeError as `dial` does; what the first was told, if none is let in
 */
export async function dialAs(
  target: NodeTarget,
  [login, ...others]: readonly [Login, ...Login[]],
  options: DialOptions = {},
): Promise<NodeConnection> {
  try {
    return await dial(target, login, options);
  } catch (refusal) {
    if (!(refusal instanceof NodeError) || refusal.kind !== 'refused') throw refusal;
    for (const other of others) {
      try {
        return await dial(target, other, options);
      } catch (error) {
        if (!(error instanceof NodeError) || error.kind !== 'refused') throw error;
      }
    }
    throw refusal;
  }
}

function lineOf(command: NodeCommand): Buffer {
  try {
    return Buffer.from(`${formatNodeCommand(command)}\n`);
  } catch (error) {
    throw error instanceof XcpuFormatError ? new UsageError(error.message) : error;
  }
}

/**
 * Writes that a node is sent before it has answered the first: one that saves its tables answers when they are on the
 * disk, and saves them once for all that came meanwhile.
 */
const WRITES_AHEAD = 64;

/** One command per write: a node drops the rest of a write after a command that failed. */
async function writeLines(
  connection: NodeConnection,
  lines: readonly { readonly command: NodeCommand; readonly line: Uint8Array }[],
): Promise<NodeFailure[]> {
  const ctl = await openFile(connection, ['ctl'], OpenMode.WRITE);
  const write = async (command: NodeCommand, line: Uint8Array): Promise<NodeFailure[]> => {
    try {
      await ctl.write(0, line);
      return [];
    } catch (thrown) {
      const error = requestError(connection.target, thrown);
      if (error.kind !== 'failed') throw error;
      return [{ command, error }];
    }
  };
  const ahead = connection.legacy ? 1 : WRITES_AHEAD;
  const failures: NodeFailure[] = [];
  for (let at = 0; at < lines.length; at += ahead) {
    const some = lines.slice(at, at + ahead);
    const outcomes = await Promise.all(some.map(({ command, line }) => write(command, line)));
    failures.push(...outcomes.flat());
  }
  return failures;
}
