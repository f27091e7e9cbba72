import { NinePError, OpenMode } from '@xcpu/9p-protocol';
import { parseSessionId, type SessionId, XcpuFormatError } from '@xcpu/xcpu-protocol';
import type { NodeConnection } from './dial.js';
import { fanOut } from './fan-out.js';
import { requestError } from './node-errors.js';
import { openFile, readFile, release } from './node-files.js';

/** A session of a job on a node. */
export interface JobSession {
  /** The session's directory on the node: a decimal number. */
  readonly sid: string;
  readonly rank: number;
  /** Whose it is, by the node's names. */
  readonly owner: string;
}

/** Which sessions are meant: a job's, or one rank's of it. */
export interface JobName {
  readonly jobid: string;
  /** All if left out. */
  readonly rank?: number | undefined;
}

/** Ids that are asked for at once; a node answers that many without holding up anybody. */
const IDS_AT_ONCE = 256;
/** Bytes of an id: a job's name has no more than 256. */
const MAX_ID_BYTES = 512;

/**
 * A job's sessions on a node, whether or not their programs still run, by rank: those of whoever logged in; where there
 * are none, those of others that he may use, as an administrator or as a mate of their group.
 * @throws NodeError
 */
export async function findJobSessions(
  connection: NodeConnection,
  job: JobName,
): Promise<JobSession[]> {
  try {
    const all = await listSessions(connection);
    const isOwn = ({ owner }: Listed) => owner === connection.user;
    const own = await matching(connection, all.filter(isOwn), job);
    if (own.length > 0) return own;
    return await matching(
      connection,
      all.filter((session) => !isOwn(session)),
      job,
    );
  } catch (error) {
    throw requestError(connection.target, error);
  }
}

type Listed = Omit<JobSession, 'rank'>;

async function listSessions(connection: NodeConnection): Promise<Listed[]> {
  const root = await openFile(connection, [], OpenMode.READ);
  try {
    const entries = await root.readDirectory();
    return entries
      .filter(({ name }) => /^\d{1,10}$/.test(name))
      .map(({ name, uid }) => ({ sid: name, owner: uid }));
  } finally {
    await release(root);
  }
}

async function matching(
  connection: NodeConnection,
  sessions: readonly Listed[],
  { jobid, rank }: JobName,
): Promise<JobSession[]> {
  const atOnce = connection.legacy ? 1 : IDS_AT_ONCE;
  const found = await fanOut(sessions, (session) => readId(connection, session), atOnce);
  const readable = found.flatMap((each) => {
    if (each.status === 'fulfilled') return each.value;
    // What went meanwhile is no more, and what may not be read is none of the caller's.
    if (each.reason instanceof NinePError && each.reason.kind === 'file') return [];
    throw each.reason;
  });
  return readable
    .filter(({ id }) => id.jobid === jobid && (rank === undefined || id.rank === rank))
    .map(({ session, id }) => ({ ...session, rank: id.rank }))
    .sort((a, b) => a.rank - b.rank || Number(a.sid) - Number(b.sid));
}

async function readId(
  connection: NodeConnection,
  session: Listed,
): Promise<{ session: Listed; id: SessionId }[]> {
  const text = await readFile(connection, [session.sid, 'id'], { limit: MAX_ID_BYTES });
  try {
    return [{ session, id: parseSessionId(text.toString('utf8')) }];
  } catch (error) {
    if (error instanceof XcpuFormatError) return [];
    throw error;
  }
}
