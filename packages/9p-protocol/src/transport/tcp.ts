import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { DuplexTransport } from './duplex.js';
import type { Listener, Transport } from './transport.js';

/**
 * Silence after which the system asks whether the peer is still there, in milliseconds. Node follows up with
 * ten probes a second apart, so a host that lost power is noticed within 45 s.
 */
const KEEPALIVE_DELAY_MS = 35_000;

export interface TcpConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Gives up with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Connects over TCP.
 * @throws Node's system error (ECONNREFUSED, ENOTFOUND, …) or the signal's reason.
 */
export function connectTcp(options: TcpConnectOptions): Promise<Transport> {
  const { host, port, signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connectSocket({ host, port, noDelay: true });
    const abort = () => socket.destroy(asError(signal?.reason));
    signal?.addEventListener('abort', abort);
    socket.once('error', reject);
    socket.once('close', () => signal?.removeEventListener('abort', abort));
    socket.once('connect', () => {
      signal?.removeEventListener('abort', abort);
      socket.removeListener('error', reject);
      resolve(tcpTransport(socket));
    });
  });
}

export interface TcpListenOptions {
  /** An address of this machine; all of them if left out. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * Accepts TCP connections.
 * @throws Node's system error (EADDRINUSE, EACCES, EADDRNOTAVAIL, …).
 */
export function listenTcp(
  options: TcpListenOptions,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  const server = createServer({ noDelay: true }, (socket) => accept(tcpTransport(socket)));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port, host: options.host, backlog: 1024 }, () => {
      server.removeListener('error', reject);
      // Accepting can fail for want of descriptors: the connection is lost, the service is not.
      server.on('error', () => {});
      resolve(new TcpListener(server));
    });
  });
}

class TcpListener implements Listener {
  readonly address: string;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    const bound = server.address();
    this.address =
      typeof bound === 'object' && bound ? endpoint(bound.address, bound.port) : String(bound);
  }

  close(): Promise<void> {
    this.#server.close();
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function tcpTransport(socket: Socket): Transport {
  socket.setKeepAlive(true, KEEPALIVE_DELAY_MS);
  const host = socket.remoteAddress ?? 'unknown';
  const peer = { address: endpoint(host, socket.remotePort), group: plain(host) };
  return new DuplexTransport(socket, peer, endpoint(socket.localAddress ?? '', socket.localPort));
}

/** Plan 9's `host!port`. */
function endpoint(host: string, port: number | undefined): string {
  return `${plain(host)}!${port ?? 0}`;
}

/** IPv4 addresses that a dual-stack socket shows as IPv6 in their usual form. */
function plain(host: string): string {
  return host.startsWith('::ffff:') ? host.slice(7) : host;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason ?? 'aborted'));
}
