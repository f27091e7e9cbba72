import { formatMessage } from '@xcpu/9p-protocol';
import type { Connection, ConnectionEvents } from '@xcpu/9p-protocol/server';
import type { Log } from './log.js';

/**
 * Writes down what becomes of a server's connections.
 * @param debug one line per request, too
 */
export function serverLog(log: Log, debug: boolean): ConnectionEvents {
  return {
    ...(debug && { trace: requestLog(log) }),
    fault: (connection, error) =>
      log.event('internal error', {
        client: connection.transport.peer.address,
        reason: error.cause instanceof Error ? error.cause.stack : String(error.cause),
      }),
    closed: (connection, reason) => {
      if (reason) {
        log.event('connection lost', {
          client: connection.transport.peer.address,
          reason: reason.message,
        });
      }
    },
  };
}

/** One line per request, with its answer; one that was flushed has none, and no line. */
function requestLog(log: Log): NonNullable<ConnectionEvents['trace']> {
  const requests = new WeakMap<Connection, Map<number, string>>();
  return (connection, direction, message) => {
    const waiting = requests.get(connection) ?? new Map<number, string>();
    requests.set(connection, waiting);
    if (direction === 'received') {
      waiting.set(message.tag, formatMessage(message));
      return;
    }
    const request = waiting.get(message.tag);
    waiting.delete(message.tag);
    const client = connection.transport.peer.address;
    log.event('request', { client, request, answer: formatMessage(message) });
  };
}
