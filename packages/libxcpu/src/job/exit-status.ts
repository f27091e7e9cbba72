import { exitStatusOf } from '@xcpu/xcpu-protocol';
import type { RankResult } from './rank.js';

/** A node could not be reached, refused the user, or was lost. */
export const NODE_FAILED = 254;
/** The program was not found; it is not executable. */
export const NOT_FOUND = 127;
export const NOT_EXECUTABLE = 126;
/** A session or its namespace could not be made. */
export const SESSION_FAILED = 125;
/** A program was still running when its time was over. */
export const TIMED_OUT = 124;
/** A node has nothing of the job that was asked for. */
export const MISSING = 1;
/** The caller ended the run. */
export const CANCELLED = 130;

/** A job's exit status: the largest of its ranks', but 254 as soon as one node failed. */
export function jobExitStatus(results: readonly RankResult[]): number {
  let largest = 0;
  for (const result of results) {
    const status = rankExitStatus(result);
    if (status === NODE_FAILED && result.error) return NODE_FAILED;
    largest = Math.max(largest, status);
  }
  return largest;
}

/**
 * One rank's exit status: the program's own, 128 + N where signal N ended it, and else one that says what went
 * wrong.
 */
export function rankExitStatus({ status, error }: RankResult): number {
  if (status) return exitStatusOf(status);
  switch (error?.kind) {
    case 'failed':
      return SESSION_FAILED;
    case 'missing':
      return MISSING;
    case 'expired':
      return TIMED_OUT;
    case 'cancelled':
      return CANCELLED;
    default:
      return NODE_FAILED;
  }
}
