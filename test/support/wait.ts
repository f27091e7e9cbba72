import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until the answer is one: for what a test can only see from outside.
 * @throws Error naming what did not come about within `timeout` milliseconds, 10 s by default
 */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeout = 10_000,
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await sleep(20);
  }
}
