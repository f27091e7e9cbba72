import { randomBytes } from 'node:crypto';
import { ownSignal, untilAborted } from '../aborting.js';
import { NodeError } from '../errors.js';
import { FAN_OUT, fanOut } from '../fan-out.js';
import { dial } from '../node/dial.js';
import { requestError } from '../node/errors.js';
import { type NodeTarget, resolveNodes } from '../nodes.js';
import { findJobSessions } from './job-sessions.js';
import { type Launch, type Launched, launch } from './launch.js';
import type { RankResult } from './rank.js';
import { type LaunchOptions, launchOf } from './run.js';
import { wipe } from './wiping.js';

/** What is started, as whom, and what of it stays. */
export interface DetachOptions
  extends Omit<LaunchOptions, 'files' | 'exportRoot' | 'legacyFiles' | 'fanOut'> {
  /** Whether the programs' input stays open, for whoever attaches. Default true. */
  readonly input?: boolean | undefined;
  /** Wipes what was started, and throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Nodes that are connected to and set up at once. Default 256. */
  readonly fanOut?: number | undefined;
}

/** A job that goes on by itself. */
export interface DetachedJob {
  readonly jobid: string;
  /** In order of rank: those without an error run. */
  readonly started: readonly Omit<RankResult, 'status'>[];
}

/**
 * Starts a program on all nodes that goes on when the caller is gone: in persistent sessions, which `attach` finds by
 * the job's name, and which stay until then. Their output is kept.
 *
 * @param options `jobid` is made up if left out or empty, as nobody could attach to a job without a name
 * @throws UsageError, SetupError before anything was run; NodeError where the user has a job of that name already
 */
export async function detach(
  nodes: string | readonly NodeTarget[],
  argv: readonly string[],
  options: DetachOptions = {},
): Promise<DetachedJob> {
  const targets = typeof nodes === 'string' ? resolveNodes(nodes) : nodes;
  const { input = true, signal, fanOut: atOnce = FAN_OUT } = options;
  const jobid = options.jobid || newJobId();
  const way = { input, persistent: true };
  const job = await launchOf(targets, argv, { ...options, jobid }, way);
  if (options.jobid) await checkNew(targets, job, jobid, atOnce, signal);
  const outcomes = await fanOut(
    targets.map((target, index) => ({ target, rank: index + 1 })),
    ({ target, rank }) => startOn(target, job, rank, ownSignal(signal)),
    atOnce,
  );
  await letGo(outcomes, signal?.aborted ?? false);
  signal?.throwIfAborted();
  const started = outcomes.map((outcome, index) => {
    const target = targets[index]!;
    const identity = { rank: index + 1, node: target.name };
    if (outcome.status === 'fulfilled') return identity;
    return { ...identity, error: requestError(target, outcome.reason) };
  });
  return { jobid, started };
}

/** Unlike any other: 48 bits. */
function newJobId(): string {
  return `j${randomBytes(6).toString('hex')}`;
}

/** A node that does not answer is told about where the job is to be started. */
async function checkNew(
  targets: readonly NodeTarget[],
  { login, dialOptions }: Launch,
  jobid: string,
  atOnce: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const outcomes = await fanOut(
    targets,
    async (target) => {
      const own = ownSignal(signal);
      const connection = await dial(target, login, { ...dialOptions, signal: own });
      try {
        const find = () => findJobSessions(connection, { jobid }, dialOptions.connectTimeout);
        const sessions = await untilAborted(own, connection, find);
        return sessions.some(({ owner }) => owner === connection.user);
      } finally {
        connection.close();
      }
    },
    atOnce,
  );
  signal?.throwIfAborted();
  const there = outcomes.findIndex((outcome) => outcome.status === 'fulfilled' && outcome.value);
  if (there < 0) return;
  const reason = `a job ${jobid} is there already: take another name, or end that one`;
  throw new NodeError(targets[there]!.name, 'failed', reason);
}

/** What was begun is not left half done: the session would stay, and nobody know of it. */
async function startOn(
  target: NodeTarget,
  job: Launch,
  rank: number,
  signal: AbortSignal,
): Promise<Launched> {
  const launched = await launch(target, job, rank, signal);
  try {
    await Promise.race([launched.started, aborted(signal)]);
    return launched;
  } catch (error) {
    await wipe(launched.session);
    launched.connection.close();
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason));
  });
}

async function letGo(
  outcomes: readonly PromiseSettledResult<Launched>[],
  wiping: boolean,
): Promise<void> {
  const launched = outcomes.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  await Promise.all(
    launched.map(async ({ connection, session }) => {
      if (wiping) await wipe(session);
      connection.close();
    }),
  );
}
