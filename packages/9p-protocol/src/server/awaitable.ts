import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Awaitable } from './files.js';

/**
 * Goes on at once with a value that is there: only what really waits costs a turn of the loop.
 * (Not called `then`: a module with an export of that name is a thenable, and cannot be imported.)
 */
export function chain<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** What `run` yields, or else what `failed` makes of its failure, at once or later. */
export function orElse<T>(run: () => Awaitable<T>, failed: (error: unknown) => T): Awaitable<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(failed) : value;
  } catch (error) {
    return failed(error);
  }
}

/**
 * Goes on with a long operation when others have had their turn of the loop.
 * @throws NinePError (aborted) if nobody wants it any more by then
 */
export async function afterOthers<R>(
  request: { readonly cancelled: boolean; readonly signal: AbortSignal },
  run: () => Awaitable<R>,
): Promise<R> {
  await nextTurn();
  if (request.cancelled) throw request.signal.reason;
  return run();
}
