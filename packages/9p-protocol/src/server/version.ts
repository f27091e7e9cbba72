import type { Dialect } from '../constants.js';

const ALL: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];

/**
 * The dialect to speak with a client that asks for `version`: that, or else the nearest simpler one that is served;
 * Linux takes each of them. What is unknown behind a full stop stands for 9P2000: version(5).
 * @returns undefined if there is none; the answer is then `unknown`
 */
export function agreedDialect(
  version: string,
  served: readonly Dialect[] = ALL,
): Dialect | undefined {
  if (!/^9P2000(\.|$)/.test(version)) return undefined;
  const asked = Math.max(ALL.indexOf(version as Dialect), 0);
  for (let index = asked; index >= 0; index--) {
    const dialect = ALL[index]!;
    if (served.includes(dialect)) return dialect;
  }
  return undefined;
}
