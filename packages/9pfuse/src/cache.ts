/** How long the kernel may believe what it was told, and what it may do on its own. */
export interface CachePolicy {
  /** How long a name leads to its file, in milliseconds. */
  readonly entries: number;
  /** How long attributes are right. */
  readonly attributes: number;
  /** How long a name that is not there is not there. */
  readonly absent: number;
  /** Contents are dropped when the server tells another time of change. */
  readonly validate: boolean;
  /** Writes may stay in the kernel until close(2), fsync(2) or memory is wanted. */
  readonly writeBack: boolean;
}

export type CacheMode = keyof typeof CACHE_MODES;

const HOUR = 3_600_000;

/**
 * - `none`: every look at a file asks the server. Contents are cached, for mmap(2) needs that, and dropped when the
 *   server tells that they changed.
 * - `open`: what others changed is seen when a file is opened, and otherwise within a second: close-to-open
 *   consistency, as with NFS. Writes are with the server when write(2) returns.
 * - `loose`: nobody else changes the tree. The kernel believes what it knows for an hour, and writes back late.
 */
export const CACHE_MODES = {
  none: { entries: 0, attributes: 0, absent: 0, validate: true, writeBack: false },
  open: { entries: 1000, attributes: 1000, absent: 1000, validate: true, writeBack: false },
  loose: { entries: HOUR, attributes: HOUR, absent: HOUR, validate: false, writeBack: true },
} as const satisfies Record<string, CachePolicy>;
