import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { listenError } from '@xcpu/daemon';
import { HTTP_TIMEOUT_MS, MAX_HTTP_CONNECTIONS } from './limits.js';
import { METRICS_TYPE } from './metrics.js';

/** Where HTTP is served. */
export interface HttpPlace {
  /** All addresses if left out. */
  readonly host?: string | undefined;
  readonly port: number;
}

/** The metrics over HTTP, for whoever asks. */
export interface HttpService {
  /** `127.0.0.1:9100` */
  readonly address: string;
  close(): void;
}

/**
 * Serves `GET /metrics` and nothing else.
 * @throws StartError telling the operator why that cannot be
 */
export async function serveHttp(place: HttpPlace, metrics: () => Buffer): Promise<HttpService> {
  const busy = new WeakSet<Socket>();
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: HTTP_TIMEOUT_MS,
      requestTimeout: HTTP_TIMEOUT_MS,
      keepAliveTimeout: HTTP_TIMEOUT_MS,
      connectionsCheckingInterval: HTTP_TIMEOUT_MS / 2,
    },
    (request, response) => {
      const { socket } = request;
      // Thousands of requests fit into one packet, and whoever asks ahead need not read the answers.
      if (busy.has(socket)) return void socket.destroy();
      busy.add(socket);
      response.on('close', () => busy.delete(socket));
      answer(request, response, metrics);
    },
  );
  server.maxConnections = MAX_HTTP_CONNECTIONS;
  // Whoever does not read the answer does not keep it.
  server.setTimeout(HTTP_TIMEOUT_MS);
  await listening(server, place);
  // Accepting can fail for want of descriptors: the connection is lost, the service is not.
  server.on('error', () => {});
  const { address, port } = server.address() as AddressInfo;
  return {
    address: `${address.includes(':') ? `[${address}]` : address}:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, metrics: () => Buffer): void {
  const [path] = (request.url ?? '').split('?');
  if (path !== '/metrics') {
    refuse(response, 404, 'not found: there is /metrics only\n');
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    refuse(response, 405, 'to be read only\n');
  } else {
    const body = metrics();
    response.writeHead(200, { 'Content-Type': METRICS_TYPE, 'Content-Length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** The connection ends with it: a body that nobody wants may follow. */
function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(text);
}

function listening(server: Server, { host, port }: HttpPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      reject(listenError({ daemon: 'another server', host, port, option: '--http' }, error));
    };
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.removeListener('error', fail);
      resolve();
    });
  });
}
