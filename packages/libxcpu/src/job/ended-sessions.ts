import { OpenMode } from '@xcpu/9p-protocol';
import { formatSessionId, type ProcessEntry } from '@xcpu/xcpu-protocol';
import type { NodeConnection } from '../node/dial.js';
import { requestError } from '../node/errors.js';
import { openFile, readFile, release } from '../node/files.js';
import { listProcesses } from '../node/processes.js';
import { askSessions, listSessions, readSessionId } from './session-list.js';

/** A session whose program is over, as those of a detached job are until somebody has read them. */
export interface EndedSession {
  /** Its directory on the node: a decimal number. */
  readonly xcpusid: string;
  /** `JOBID/RANK` */
  readonly xcpujid: string;
}

/** What runs on a node, and what has run there and is kept. */
export interface NodeSnapshot {
  readonly processes: ProcessEntry[];
  /** Those that whoever logged in may use, by number. */
  readonly ended: EndedSession[];
}

/**
 * The processes of a node, and its sessions whose programs are over.
 * @throws NodeError (failed, lost, protocol)
 */
export async function listProcessesAndEnded(connection: NodeConnection): Promise<NodeSnapshot> {
  try {
    // What is not there yet when the processes are listed may run all the same.
    const sessions = await listSessions(connection);
    const processes = await listProcesses(connection);
    const running = new Set(processes.map(({ xcpusid }) => xcpusid));
    // A session that is asked is held for that time, so those that run are not asked.
    const others = sessions.filter(({ sid }) => !running.has(sid));
    const isOver = connection.legacy ? isIdle : hasEnded;
    const ended = await askSessions(connection, others, async ({ sid }) => {
      if (!(await isOver(connection, sid))) return undefined;
      const id = await readSessionId(connection, sid);
      return id && { xcpusid: sid, xcpujid: formatSessionId(id) };
    });
    return { processes, ended: ended.sort((a, b) => Number(a.xcpusid) - Number(b.xcpusid)) };
  } catch (error) {
    throw requestError(connection.target, error);
  }
}

/** Bytes of `ctl` and `wait`: a number. */
const MAX_NUMBER_BYTES = 32;

/** Its `wait` answers at once; where a program has not begun yet, it would make us wait. */
async function hasEnded(connection: NodeConnection, sid: string): Promise<boolean> {
  const wait = await openFile(connection, [sid, 'wait'], OpenMode.READ);
  const enough = new AbortController();
  try {
    let answered = false;
    wait.read(0, MAX_NUMBER_BYTES, { signal: enough.signal }).then(
      () => {
        answered = true;
      },
      () => {},
    );
    // Requests are answered in order but for those that wait.
    await readFile(connection, [sid, 'ctl'], { limit: MAX_NUMBER_BYTES });
    return answered;
  } finally {
    enough.abort();
    void release(wait);
  }
}

/** A legacy node is not asked what it may not answer. */
async function isIdle(connection: NodeConnection, sid: string): Promise<boolean> {
  const pid = await readFile(connection, [sid, 'ctl'], { limit: MAX_NUMBER_BYTES });
  return pid.toString('latin1').trim() === '-1';
}
