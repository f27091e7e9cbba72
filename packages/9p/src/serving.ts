import { formatMessage, type Listener, listen, parseAddress } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { type Connection, Server } from '@xcpu/9p-protocol/server';
import { systemText } from '@xcpu/libxcpu';
import { logEvent } from './log.js';

/** Where `9p serve` listens unless told otherwise: on this machine only. */
export const ADDRESS = 'tcp!127.0.0.1!5640';
/** The port that is taken where an address to listen at names none. */
const PORT = 5640;
/** A socket of the file system is as private as the files behind it may be. */
const SOCKET_MODE = 0o600;
/** Letters of a stranger's name that are logged. */
const MAX_LOGGED_NAME = 64;

export interface ServeOptions {
  readonly directory: string;
  readonly addresses: readonly string[];
  readonly readonly: boolean;
  readonly msize: number | undefined;
  /** One log line for each message. */
  readonly debug: boolean;
}

/** A directory that is being served. */
export interface Serving {
  /** How to use it, for the user. */
  readonly hints: string;
  stop(): Promise<void>;
}

/**
 * Serves a directory, logging to stderr.
 * @throws Error that names the address, or the directory, and says what is wrong
 */
export async function startServing(options: ServeOptions): Promise<Serving> {
  const { directory, addresses, readonly } = options;
  const files = open(options);
  const server = new Server(files, {
    ...events(options),
    limits: options.msize === undefined ? {} : { msize: options.msize },
  });
  const listeners: Listener[] = [];
  const stop = async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    server.close();
    files.close();
  };
  try {
    for (const address of addresses) listeners.push(await listenAt(address, server));
  } catch (error) {
    await stop();
    throw error;
  }
  for (const { address } of listeners) {
    logEvent('listening', { address, directory, access: readonly ? 'read-only' : 'read-write' });
    if (!isPrivate(address)) {
      const who = `whoever can reach this address can ${readonly ? 'read' : 'read and change'} the files`;
      logEvent('warning', { address, reason: `${who}: nobody is asked who he is` });
    }
  }
  return {
    hints: listeners.map(({ address }) => hintsFor(address)).join(''),
    stop: async () => {
      logEvent('stopping', { connections: server.connections.size });
      await stop();
      logEvent('stopped');
    },
  };
}

function open({ directory, readonly }: ServeOptions) {
  try {
    return serveDirectory(directory, {
      readonly,
      specials: true,
      attach: ({ uname, nUname }, _, { connection }) => {
        const client = connection.transport.peer.address;
        const user = uname === '' ? nUname : uname.slice(0, MAX_LOGGED_NAME);
        logEvent('attach', { user, client });
      },
    });
  } catch (error) {
    throw new Error(`${directory}: ${systemText(error)}`);
  }
}

function events({ debug }: ServeOptions) {
  const client = (connection: Connection) => connection.transport.peer.address;
  return {
    fault: (connection: Connection, error: Error) =>
      logEvent('internal error', {
        client: client(connection),
        reason: error.cause instanceof Error ? error.cause.stack : String(error.cause),
      }),
    closed: (connection: Connection, reason: Error | undefined) =>
      logEvent('closed', { client: client(connection), reason: reason?.message }),
    ...(debug && {
      trace: (
        connection: Connection,
        direction: string,
        message: Parameters<typeof formatMessage>[0],
      ) => logEvent(direction, { client: client(connection), message: formatMessage(message) }),
    }),
  };
}

async function listenAt(address: string, server: Server): Promise<Listener> {
  try {
    return await listen(address, (transport) => server.accept(transport), {
      defaultPort: PORT,
      mode: SOCKET_MODE,
    });
  } catch (error) {
    throw new Error(`cannot listen at ${address}: ${systemText(error)}`);
  }
}

/** Whether only this machine reaches it. */
export function isPrivate(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed.kind === 'unix' || /^(127\.|::1$)/.test(parsed.host);
}

/** Command lines that look into what listens at an address: `127.0.0.1!5640`, `unix!/path`. */
export function hintsFor(address: string): string {
  const parsed = parseAddress(address);
  const options = 'version=9p2000.L,access=user';
  if (parsed.kind === 'unix') {
    const { path } = parsed;
    return [
      `9p ls -l ${quoted(`unix!${path}`)}\n`,
      `mount -t 9p -o trans=unix,${options} ${quoted(path)} /mnt\n`,
    ].join('');
  }
  const { port } = parsed;
  const host = reachable(parsed.host);
  return [
    `9p ls -l ${quoted(`tcp!${host}!${port}`)}\n`,
    `mount -t 9p -o trans=tcp,port=${port},${options} ${host} /mnt\n`,
  ].join('');
}

/** An address that stands for all of them leads nowhere. */
function reachable(host: string): string {
  if (host === '::' || host === '0.0.0.0') return '127.0.0.1';
  return host;
}

/** A word for a shell. */
function quoted(word: string): string {
  return /^[\w/.,:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
