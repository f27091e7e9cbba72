import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { connected, listening, SocketTransport } from './socket.js';
import type { Listener, Transport } from './transport.js';

/** Where a Unix socket is. */
export interface UnixConnectOptions {
  readonly path: string;
  /** Gives up with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to a Unix socket.
 * @throws Node's system error (ENOENT, ECONNREFUSED, EACCES, …) or the signal's reason.
 */
export async function connectUnix(options: UnixConnectOptions): Promise<Transport> {
  const { path, signal } = options;
  return unixTransport(await connected({ path }, signal), path);
}

/** Where a Unix socket is to be, and who may connect to it. */
export interface UnixListenOptions {
  readonly path: string;
  /** Permissions of the socket: whoever may write to it may connect. Default what the process's umask leaves of 0o777. */
  readonly mode?: number | undefined;
}

/**
 * Accepts connections to a Unix socket, and takes its file away when it is closed. A socket that a server left behind
 * is replaced; one at which somebody listens, and a file that is no socket, are not.
 * @throws Node's system error (EADDRINUSE, EACCES, …).
 */
export async function listenUnix(
  options: UnixListenOptions,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  const { path, mode } = options;
  const begin = () => {
    const server = createServer((socket) => accept(unixTransport(socket, path)));
    return narrowed(mode, () => listening(server, { path, backlog: 1024 }, () => server));
  };
  let server: Server;
  try {
    server = await begin();
  } catch (error) {
    if (!(isCode(error, 'EADDRINUSE') && (await takeAwayStale(path)))) throw error;
    server = await begin();
  }
  if (mode !== undefined) await chmod(path, mode);
  return new UnixListener(server, path);
}

class UnixListener implements Listener {
  readonly address: string;
  readonly #server: Server;

  constructor(server: Server, path: string) {
    this.#server = server;
    this.address = `unix!${path}`;
  }

  close(): Promise<void> {
    this.#server.close();
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs what makes a file synchronously, so that at no moment the file has permissions beyond `mode`. */
function narrowed<T>(mode: number | undefined, make: () => T): T {
  if (mode === undefined) return make();
  let before: number;
  try {
    before = process.umask();
    process.umask(before | (~mode & 0o777));
  } catch {
    // Worker threads share a umask that they may not change.
    return make();
  }
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** Removes a socket's file if nobody listens at it, and tells whether it did. */
async function takeAwayStale(path: string): Promise<boolean> {
  const before = await lstat(path);
  if (!before.isSocket()) return false;
  try {
    (await connected({ path }, undefined)).destroy();
    return false;
  } catch (error) {
    if (!isCode(error, 'ECONNREFUSED')) return false;
  }
  // Another server that starts now may have done the same, and listen already.
  if ((await lstat(path)).ino !== before.ino) return false;
  await unlink(path);
  return true;
}

function unixTransport(socket: Socket, path: string): Transport {
  const address = `unix!${path}`;
  return new SocketTransport(socket, { address, group: path }, address);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
