import { parseSessionIdParts, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { type DialOptions, dial, type NodeConnection } from './dial.js';
import { NodeError, UsageError } from './errors.js';
import { FAN_OUT, fanOut } from './fan-out.js';
import { type FollowOptions, Job } from './job.js';
import { findJobSessions, type JobName, type JobSession } from './job-sessions.js';
import { type Login, userLogin } from './login.js';
import { printable, requestError } from './node-errors.js';
import { type NodeTarget, resolveNodes } from './nodes.js';
import type { Begun, RankPlan } from './rank.js';
import { Session } from './session.js';

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
  signal?.throwIfAborted();
  const found = await fanOut(targets, (target) => findOn(target, login, wanted, options), atOnce);
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
  throw new UsageError(`${printable(text)}: the name of a job is wanted, or NAME/RANK`);
}

/** What a node has of a job. */
interface Found {
  readonly connection: NodeConnection;
  readonly sessions: readonly JobSession[];
}

async function findOn(
  target: NodeTarget,
  login: Login,
  job: JobName,
  options: AttachOptions,
): Promise<Found> {
  const { connectTimeout, trace, msize, signal } = options;
  const connection = await dial(target, login, { connectTimeout, trace, msize, signal });
  try {
    const sessions = await findJobSessions(connection, job);
    if (sessions.length > 0) return { connection, sessions };
    const name = job.rank === undefined ? job.jobid : `${job.jobid}/${job.rank}`;
    throw new NodeError(target.name, 'missing', `no job ${name} of ${connection.user}'s is there`);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The connection ends with the last of the sessions. */
function plansOf({ connection, sessions }: Found, keep = false): RankPlan[] {
  const open = new Set(sessions);
  return sessions.map((session) => {
    const { sid, rank, owner } = session;
    const close = () => {
      open.delete(session);
      if (open.size === 0) connection.close();
    };
    const shared = { ...connection, close };
    const collects = !keep && owner === connection.user;
    return { rank, target: connection.target, begin: () => follow(shared, sid, collects) };
  });
}

async function follow(connection: NodeConnection, sid: string, collects: boolean): Promise<Begun> {
  const session = await Session.attach(connection, sid);
  const finish = async () => {
    if (collects) await session.endWithReaders();
    await session.close();
  };
  return { connection, session, started: Promise.resolve(), finish };
}

function failed(target: NodeTarget, error: NodeError): RankPlan {
  return { rank: 0, target, begin: () => Promise.reject(error) };
}
