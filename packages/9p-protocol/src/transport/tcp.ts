import { createServer, type Server, type Socket } from 'node:net';
import { endOnSilence } from './silence.js';
import { connected, listening, SocketTransport } from './socket.js';
import type { Listener, Transport } from './transport.js';

/** Where a TCP server is. */
export interface TcpConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Gives up with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects over TCP.
 * @throws Node's system error (ECONNREFUSED, ENOTFOUND, …) or the signal's reason.
 */
export async function connectTcp(options: TcpConnectOptions): Promise<Transport> {
  const { host, port, signal } = options;
  return tcpTransport(await connected({ host, port, noDelay: true }, signal));
}

/** Where TCP connections are accepted. */
export interface TcpListenOptions {
  /** An address of this machine; all of them if left out. */
  readonly host?: string | undefined;
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
  return listening(
    server,
    { port: options.port, host: options.host, backlog: 1024 },
    () => new TcpListener(server),
  );
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
  endOnSilence(socket);
  const host = socket.remoteAddress ?? 'unknown';
  const peer = { address: endpoint(host, socket.remotePort), group: plain(host) };
  return new SocketTransport(socket, peer, endpoint(socket.localAddress ?? '', socket.localPort));
}

/** Plan 9's `host!port`. */
function endpoint(host: string, port: number | undefined): string {
  return `${plain(host)}!${port ?? 0}`;
}

/** IPv4 addresses that a dual-stack socket shows as IPv6 in their usual form. */
function plain(host: string): string {
  return host.startsWith('::ffff:') ? host.slice(7) : host;
}
