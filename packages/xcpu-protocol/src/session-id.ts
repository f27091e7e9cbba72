import { parseDecimal } from './decimal.js';
import { XcpuFormatError } from './errors.js';

/** Which rank of which job a session is. */
export interface SessionId {
  /** The job's name; empty before it is set. Holds no `/`, no parentheses, no control characters. */
  readonly jobid: string;
  /** From 1 on in a job; 0 before it is set. */
  readonly rank: number;
}

/** The id of a session that was told none: `/0`. */
export const NO_SESSION_ID: SessionId = { jobid: '', rank: 0 };

const MAX_RANK = 0x7fffffff;
const MAX_JOBID_BYTES = 256;

/**
 * The id that a session has after `id TEXT`, or that its `id` file tells: `jobid/rank`, split at the
 * first `/`. A missing part keeps its old value, so `/1` (as legacy clients send it) and `job7` both
 * change one half.
 *
 * @throws XcpuFormatError "syntax error", "negative id not permitted"
 */
export function parseSessionId(text: string, previous: SessionId = NO_SESSION_ID): SessionId {
  return { ...previous, ...parseSessionIdParts(text) };
}

/**
 * The parts of an id that a text names, for a reader that does not know the old id.
 *
 * @throws XcpuFormatError "syntax error", "negative id not permitted"
 */
export function parseSessionIdParts(text: string): Partial<SessionId> {
  const slash = text.indexOf('/');
  const jobid = slash === -1 ? text : text.slice(0, slash);
  const rankText = slash === -1 ? '' : text.slice(slash + 1);
  if (text === '' || !isJobId(jobid)) {
    throw new XcpuFormatError('syntax error');
  }
  return {
    ...(jobid === '' ? {} : { jobid }),
    ...(rankText === '' ? {} : { rank: parseRank(rankText) }),
  };
}

/**
 * `jobid/rank`; `parseSessionId` gives the id back.
 *
 * @throws XcpuFormatError "syntax error" or "negative id not permitted" for parts that no id can have
 */
export function formatSessionId(id: Partial<SessionId>): string {
  const text = `${id.jobid ?? ''}/${id.rank ?? ''}`;
  parseSessionIdParts(text);
  return text;
}

/**
 * A `)` would end the line of the process list that a job id appears in, and a control character
 * could forge a line.
 */
function isJobId(text: string): boolean {
  return !/[()\x00-\x1f\x7f]/.test(text) && Buffer.byteLength(text) <= MAX_JOBID_BYTES;
}

function parseRank(text: string): number {
  if (/^-\d+$/.test(text)) {
    throw new XcpuFormatError('negative id not permitted');
  }
  const rank = parseDecimal(text, MAX_RANK);
  if (rank === undefined) {
    throw new XcpuFormatError('syntax error');
  }
  return rank;
}
