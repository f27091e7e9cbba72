import {
  connect,
  type ListenOptions,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';
import { DuplexTransport } from './duplex.js';

/** A socket as a transport: what it has written is the system's, so that the pieces may be used again. */
export class SocketTransport extends DuplexTransport {
  override send(pieces: readonly Uint8Array[], taken?: () => void): void {
    this.write(pieces, taken && ((error) => !error && taken()));
  }
}

/**
 * A socket that is connected.
 * @throws Node's system error (ECONNREFUSED, ENOTFOUND, ENOENT, …) or the signal's reason.
 */
export function connected(to: NetConnectOpts, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect(to);
    const abort = () => socket.destroy(asError(signal?.reason));
    signal?.addEventListener('abort', abort);
    socket.once('error', reject);
    socket.once('close', () => signal?.removeEventListener('abort', abort));
    socket.once('connect', () => {
      signal?.removeEventListener('abort', abort);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

/**
 * What `make` makes once the server listens.
 * @throws Node's system error (EADDRINUSE, EACCES, …).
 */
export function listening<T>(server: Server, at: ListenOptions, make: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.removeListener('error', reject);
      // Accepting can fail for want of descriptors: the connection is lost, the service is not.
      server.on('error', () => {});
      resolve(make());
    });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason ?? 'aborted'));
}
