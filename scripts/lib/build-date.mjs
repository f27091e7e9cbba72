import { execFileSync } from 'node:child_process';
import { ROOT } from './paths.mjs';

/**
 * The date that what is made bears, in seconds since 1970: the same sources so give the same bytes.
 * `$SOURCE_DATE_EPOCH` (reproducible-builds.org), else the time of the last commit, else that of no time at all.
 */
export function buildDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given) {
    if (!/^\d{1,11}$/.test(given))
      throw new Error(`SOURCE_DATE_EPOCH=${given}: seconds are wanted`);
    return Number(given);
  }
  try {
    const log = ['-C', ROOT, 'log', '-1', '--format=%ct'];
    return Number(
      execFileSync('git', log, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return 0;
  }
}
