import { untilAborted } from '../aborting.js';
import { NodeError } from '../errors.js';
import type { Login } from '../login.js';
import { type DialOptions, dial, type NodeConnection } from '../node/dial.js';
import { legacyFilesError } from '../node/errors.js';
import { allOrFirstError } from '../node/files.js';
import type { NodeTarget } from '../nodes.js';
import type { Program } from './program.js';
import { type ServeFiles, Session } from './session.js';

/**
 * Brings a program to a node, into `fs/` of a session that was made for it (`session.connection`, `session.id`).
 * Answers what the node is to run, and its arguments. What it throws is that rank's failure; the signal ends it.
 */
export type ShipProgram = (
  session: Session,
  signal?: AbortSignal,
) => Promise<{ readonly program: string; readonly argv: readonly string[] }>;

/** What the programs of a job have in common. */
export interface Launch {
  readonly login: Login;
  readonly program: Omit<Program, 'rank'>;
  readonly dialOptions: Omit<DialOptions, 'signal' | 'ahead'>;
  /** Serves files to the programs; they get none if left out. */
  readonly files: ServeFiles | undefined;
  /** Brings the program to the node; it is looked up there if left out. */
  readonly ship: ShipProgram | undefined;
}

/** A session whose program runs, or is about to. */
export interface Launched {
  readonly connection: NodeConnection;
  readonly session: Session;
  /** Fails if the program cannot be started after all. */
  readonly started: Promise<unknown>;
}

/**
 * Connects to a node, makes a session, and has it run the program.
 *
 * @param rank of the program
 * @param signal gives up with its reason, until there is a result
 * @throws NodeError, or what shipping threw
 */
export async function launch(
  target: NodeTarget,
  job: Launch,
  rank: number,
  signal: AbortSignal,
): Promise<Launched> {
  signal.throwIfAborted();
  let session: Promise<Session> | undefined;
  const ahead = (connection: NodeConnection) => {
    session = Session.create(connection);
    // If the log-in fails, that is what is told.
    session.catch(() => {});
  };
  const connection = await dial(target, job.login, { ...job.dialOptions, signal, ahead });
  try {
    return await untilAborted(signal, connection, async () => {
      checkNode(connection, job);
      return exec(connection, await (session ?? Session.create(connection)), job, rank, signal);
    });
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** @throws NodeError for what a legacy node cannot do */
function checkNode({ legacy, target, client }: NodeConnection, { files, program }: Launch): void {
  if (!legacy) return;
  if (files && !program.legacyFiles) throw legacyFilesError(target, client.msize);
  if (program.persistent) {
    const reason =
      'a legacy node, which keeps no output for later: run the program without --detach';
    throw new NodeError(target.name, 'failed', reason);
  }
}

async function exec(
  connection: NodeConnection,
  session: Session,
  { files, ship, program: common }: Launch,
  rank: number,
  signal: AbortSignal,
): Promise<Launched> {
  let program: Program = { ...common, rank };
  const served = connection.legacy ? undefined : files && session.serve(files);
  // Whoever waits for `started` is told.
  served?.catch(() => {});
  if (ship) {
    const { program: path, argv } = await ship(session, signal);
    program = { ...program, path, argv };
  }
  await session.prepare(program);
  const executed = session.exec(program);
  // A node that is not legacy answers reads of the output when there is something to answer.
  if (connection.legacy) await executed;
  const started = allOrFirstError([served, executed]);
  started.catch(() => {});
  return { connection, session, started };
}
