import { parseSessionIdParts, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { ownSignal, untilAborted } from '../aborting.js';
import { NodeError, UsageError } from '../errors.js';
import { FAN_OUT, fanOut } from '../fan-out.js';
import { type Login, userLogin } from '../login.js';
import { type DialOptions, dial, type NodeConnection } from '../node/dial.js';
import { printable, requestError } from '../node/errors.js';
import { type NodeTarget, resolveNodes } from '../nodes.js';
import { type FollowOptions, Job } from './job.js';
import { findJobSessions, type JobName, type JobSession } from './job-sessions.js';
import type { Begun, RankPlan } from './rank.js';
import { Session } from './session.js';

/** Whose job it is, and how it is followed. */
export interface AttachOptions extends Omit<DialOptions, 'signal' | 'ahead'>, FollowOptions {
  /** Whose job it is, or an administrator; the invoking user if left out. */
  readonly login?: Login | undefined;
  /** Leaves a persistent session as it is when its program is over, for others to read. */
  readonly keep?: boolean | undefined;
  /** Whether input that ends without a byte ends that of the programs, too. Default false. */
  readonly endsInput?: boolean | undefined;
  /** Nodes that are connected to at once. Default 256. */
  readonly fanOut?: number | undefined;
}

/**
 * Attaches to the sessions of a job, whoever started it and from wherever: what is kept of its output comes first, then
 * what it writes; input goes to all of its programs. The job goes on when the caller leaves. A persistent session whose
 * program is over, all of its output taken, goes with its last reader; not if it is somebody else's.
 *
 * @param nodes a node set, or the nodes; those that have nothing of the job have an error of kind `missing`, rank 0
 * @param job its name, or `NAME/RANK` for one of its programs
 * @throws UsageError, SetupError before any node was asked; what fails on a node is in the result
 */
export async function attach(
  nodes: string | readonly NodeTarget[],
  job: string,
  options: AttachOptions = {},
): Promise<Job> {
  const targets = typeof nodes === 'string' ? resolveNodes(nodes) : nodes;
  const wanted = jobName(job);
  const login = options.login ?? (await userLogin());
  const { fanOut: atOnce = FAN_OUT, endsInput, keep, signal } = options;
  const found = await fanOut(targets, (target) => findOn(target, login, wanted, options), atOnce);
  if (signal?.aborted) {
    for (const each of found) if (each.status === 'fulfilled') each.value.connection.close();
    throw signal.reason;
  }
  const plans = found.flatMap((outcome, index) => {
    const target = targets[index]!;
    return outcome.status === 'fulfilled'
      ? plansOf(outcome.value, keep)
      : [failed(target, requestError(target, outcome.reason))];
  });
  return new Job(plans, {
    ...options,
    // All connections are there already.
    fanOut: Number.POSITIVE_INFINITY,
    servesFiles: false,
    attached: true,
    keepsInput: !endsInput,
  });
}

/**
 * A job's name, or that of one of its programs: `NAME/RANK`.
 * @throws UsageError
 */
export function jobName(text: string): JobName {
  try {
    const { jobid, rank } = parseSessionIdParts(text);
    if (jobid !== undefined) return { jobid, rank };
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
  }
  throw new UsageError(`${printable(text) || "''"}: the name of a job is wanted, or NAME/RANK`);
}

/** What a node has of a job. */
interface Found {
  readonly connection: NodeConnection;
  readonly sessions: readonly OpenedSession[];
}

/** One of them, with its files open; or why they are not, which is told of its rank. */
interface OpenedSession extends JobSession {
  readonly opened: PromiseSettledResult<Session>;
}

async function findOn(
  target: NodeTarget,
  login: Login,
  job: JobName,
  options: AttachOptions,
): Promise<Found> {
  const { connectTimeout, trace, msize } = options;
  const signal = ownSignal(options.signal);
  const connection = await dial(target, login, { connectTimeout, trace, msize, signal });
  try {
    const open = async () =>
      openAll(connection, await findJobSessions(connection, job, connectTimeout));
    const sessions = await untilAborted(signal, connection, open);
    if (sessions.length > 0) return { connection, sessions };
    const name = job.rank === undefined ? job.jobid : `${job.jobid}/${job.rank}`;
    throw new NodeError(target.name, 'missing', `no job ${name} of ${connection.user}'s is there`);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** One after the other, as legacy nodes want it; others are not waited for. */
async function openAll(
  connection: NodeConnection,
  sessions: readonly JobSession[],
): Promise<OpenedSession[]> {
  const opened: OpenedSession[] = [];
  for (const session of sessions) {
    const [outcome] = await Promise.allSettled([Session.attach(connection, session.sid)]);
    opened.push({ ...session, opened: outcome });
  }
  return opened;
}

/** The connection ends with the last of the sessions. */
function plansOf({ connection, sessions }: Found, keep = false): RankPlan[] {
  const open = new Set(sessions);
  return sessions.map((session) => {
    const { rank, owner, opened } = session;
    const close = () => {
      open.delete(session);
      if (open.size === 0) connection.close();
    };
    const shared = { ...connection, close };
    const collects = !keep && owner === connection.user;
    return { rank, target: connection.target, begin: () => follow(shared, opened, collects) };
  });
}

/** Waits for nothing: what the caller asks of a rank, to leave it or to send it a signal, finds its session. */
async function follow(
  connection: NodeConnection,
  opened: PromiseSettledResult<Session>,
  collects: boolean,
): Promise<Begun> {
  if (opened.status === 'rejected') {
    connection.close();
    throw opened.reason;
  }
  const session = opened.value;
  const finish = async () => {
    if (collects) await session.endWithReaders();
    await session.close();
  };
  return { connection, session, started: Promise.resolve(), finish };
}

function failed(target: NodeTarget, error: NodeError): RankPlan {
  return { rank: 0, target, begin: () => Promise.reject(error) };
}
