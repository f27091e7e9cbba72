import { CONNECT_TIMEOUT_MS, type NodeConnection } from '../node/dial.js';
import { requestError, timeoutError } from '../node/errors.js';
import type { ListedSession } from '../node/sessions.js';
import { askSessions, listSessions, readSessionId } from './session-list.js';

/** A session of a job on a node. */
export interface JobSession extends ListedSession {
  readonly rank: number;
}

/** Which sessions are meant: a job's, or one rank's of it. */
export interface JobName {
  readonly jobid: string;
  /** All if left out. */
  readonly rank?: number | undefined;
}

/**
 * A job's sessions on a node, whether or not their programs still run, by rank: those of whoever logged in; where there
 * are none, those of others that he may use, as an administrator or as a mate of their group.
 *
 * @param time longest time for it, in milliseconds, as other nodes wait for it: then the connection is ended
 * @throws NodeError
 */
export async function findJobSessions(
  connection: NodeConnection,
  job: JobName,
  time: number = CONNECT_TIMEOUT_MS,
): Promise<JobSession[]> {
  const { client, target } = connection;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    client.destroy();
  }, time);
  try {
    const all = await listSessions(connection);
    const isOwn = ({ owner }: ListedSession) => owner === connection.user;
    const own = await matching(connection, all.filter(isOwn), job);
    if (own.length > 0) return own;
    return await matching(
      connection,
      all.filter((session) => !isOwn(session)),
      job,
    );
  } catch (error) {
    throw late ? timeoutError(target, time / 1000) : requestError(target, error);
  } finally {
    clearTimeout(timer);
  }
}

async function matching(
  connection: NodeConnection,
  sessions: readonly ListedSession[],
  { jobid, rank }: JobName,
): Promise<JobSession[]> {
  const found = await askSessions(connection, sessions, async (session) => {
    const id = await readSessionId(connection, session.sid);
    return id && { session, id };
  });
  return found
    .filter(({ id }) => id.jobid === jobid && (rank === undefined || id.rank === rank))
    .map(({ session, id }) => ({ ...session, rank: id.rank }))
    .sort((a, b) => a.rank - b.rank || Number(a.sid) - Number(b.sid));
}
