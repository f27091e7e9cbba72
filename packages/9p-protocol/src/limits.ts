import { IO_HEADER_SIZE, MIN_MSIZE } from './constants.js';
import { Errno } from './errno.js';
import { NinePError } from './errors.js';

/** The largest message that either side offers by default: 1 MiB of data and the header. */
export const DEFAULT_MSIZE = 1024 * 1024 + IO_HEADER_SIZE;

/** What one peer, or all together, may make a server hold. Nothing a peer sends grows memory beyond these. */
export interface ServerLimits {
  /** Largest message agreed on, in bytes. */
  readonly msize: number;
  /** Largest message before a successful Tattach, in bytes: a stranger has only to say who he is. */
  readonly msizeBeforeAttach: number;
  /** Time to get from connecting to a successful Tattach, in milliseconds. */
  readonly attachTimeout: number;
  /** Fids of one connection. */
  readonly fids: number;
  /** Fids of one connection before a successful Tattach: those of its proofs. */
  readonly fidsBeforeAttach: number;
  /** Tattaches of one connection that may be refused before it is closed. */
  readonly refusedAttaches: number;
  /** Requests of one connection that wait for an answer. */
  readonly requests: number;
  /** Bytes of Twrite data of one connection that wait for an answer. */
  readonly writeBytes: number;
  /** Bytes that the waiting reads of one connection, streams apart, may ask for. */
  readonly readBytes: number;
  /** Bytes of replies that a connection has not taken before its requests are no longer read. */
  readonly unsentBytes: number;
  /** The same before a successful Tattach. */
  readonly unsentBytesBeforeAttach: number;
  /** Connections of all peers. */
  readonly connections: number;
  /** Connections of one peer group (a host). */
  readonly connectionsPerPeer: number;
}

export const defaultServerLimits: ServerLimits = {
  msize: DEFAULT_MSIZE,
  // Names, a challenge and a signature of 16384 bits fit many times over.
  msizeBeforeAttach: 8 * 1024,
  // Long enough for a client on a loaded machine that signs 10,000 challenges at once.
  attachTimeout: 60_000,
  // A client that drives 1,000 sessions on one connection needs 9 fids for each.
  fids: 16_384,
  // A stranger with all the connections of a host then holds a few megabytes, not gigabytes.
  fidsBeforeAttach: 16,
  // Whoever mistyped a name or took the wrong key tries a few times; a guesser begins anew with each connection.
  refusedAttaches: 16,
  // … and keeps stdout, stderr, wait and stdin of each waiting.
  requests: 4_096,
  // 16 writes of the largest size in flight fill any network that a cluster has.
  writeBytes: 16 * DEFAULT_MSIZE,
  readBytes: 16 * DEFAULT_MSIZE,
  // Two of the largest replies: one on its way, one to follow it.
  unsentBytes: 2 * DEFAULT_MSIZE,
  unsentBytesBeforeAttach: 64 * 1024,
  connections: 4_096,
  // A login host from which a few hundred users run jobs at once.
  connectionsPerPeer: 1_024,
};

const leastLimits: Record<string, number> = {
  msize: MIN_MSIZE,
  msizeBeforeAttach: MIN_MSIZE,
  // A socket's own buffer: with less in it, no socket tells when it has drained.
  unsentBytes: 64 * 1024,
  unsentBytesBeforeAttach: 64 * 1024,
};

/**
 * The default limits with some of them changed.
 * @throws NinePError (EINVAL) naming a limit that makes no sense.
 */
export function serverLimits(changes: Partial<ServerLimits> = {}): ServerLimits {
  const limits = { ...defaultServerLimits, ...changes };
  for (const [name, value] of Object.entries(limits)) {
    const least = leastLimits[name] ?? 1;
    if (!Number.isSafeInteger(value) || value < least || value > 0x7fffffff) {
      throw new NinePError(
        `limit ${name}: ${value} is not between ${least} and 2^31-1`,
        Errno.EINVAL,
      );
    }
  }
  return limits;
}
