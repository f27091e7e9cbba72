import { NinePError, OpenMode } from '@xcpu/9p-protocol';
import { parseSessionId, type SessionId, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { fanOut } from '../fan-out.js';
import type { NodeConnection } from '../node/dial.js';
import { openFile, readFile, release } from '../node/files.js';
import { type ListedSession, sessionsIn } from '../node/sessions.js';

/** Sessions that are asked at once; a node answers that many without holding up anybody. */
const SESSIONS_AT_ONCE = 256;
/** Bytes of an id: a job's name has no more than 256. */
const MAX_ID_BYTES = 512;

/**
 * The sessions of a node, whoever's they are.
 * @throws NinePError what the node answers
 */
export async function listSessions(connection: NodeConnection): Promise<ListedSession[]> {
  const root = await openFile(connection, [], OpenMode.READ);
  try {
    return await sessionsIn(root);
  } finally {
    await release(root);
  }
}

/**
 * Asks each session something, a legacy node one after the other. Sessions that went meanwhile, or are none of the
 * caller's, are left out.
 * @throws NinePError if the node cannot be asked any more
 */
export async function askSessions<T>(
  connection: NodeConnection,
  sessions: readonly ListedSession[],
  ask: (session: ListedSession) => Promise<T | undefined>,
): Promise<T[]> {
  const atOnce = connection.legacy ? 1 : SESSIONS_AT_ONCE;
  const answers = await fanOut(sessions, ask, atOnce);
  return answers.flatMap((answer) => {
    if (answer.status === 'fulfilled') return answer.value ?? [];
    if (answer.reason instanceof NinePError && answer.reason.kind === 'file') return [];
    throw answer.reason;
  });
}

/**
 * A session's job and rank; undefined for what is no id.
 * @throws NinePError what the node answers
 */
export async function readSessionId(
  connection: NodeConnection,
  sid: string,
): Promise<SessionId | undefined> {
  const text = await readFile(connection, [sid, 'id'], { limit: MAX_ID_BYTES });
  try {
    return parseSessionId(text.toString('utf8'));
  } catch (error) {
    if (error instanceof XcpuFormatError) return undefined;
    throw error;
  }
}
