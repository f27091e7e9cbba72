import type { NodeConnection } from './node/dial.js';

/**
 * A signal for the work on one node, aborted with that of the whole: thousands of listeners to one signal look like a
 * leak to Node.js.
 */
export function ownSignal(signal: AbortSignal | undefined): AbortSignal {
  return signal ? AbortSignal.any([signal]) : new AbortController().signal;
}

/**
 * Works with a node. The signal ends the connection, and with it whatever is under way: a node that stopped answering
 * answers no Tflush either.
 * @throws the signal's reason once it is aborted, else what the work threw
 */
export async function untilAborted<T>(
  signal: AbortSignal,
  { client }: NodeConnection,
  work: () => Promise<T>,
): Promise<T> {
  const abort = () => client.destroy();
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
