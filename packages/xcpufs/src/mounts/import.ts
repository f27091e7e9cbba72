import { connect as connectSocket, type Socket } from 'node:net';
import { endOnSilence, parseAddress } from '@xcpu/9p-protocol';
import { systemText } from '../errors.js';
import { IMPORT_MS } from '../limits.js';
import { MountError, type Mounted, type Mounter, type MountRequest } from './mounter.js';
import { relay } from './relay.js';

const SECONDS = IMPORT_MS / 1000;

interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Mounts a server that listens at a TCP address: the namespace program's `import HOST[!PORT] DIR`. The daemon dials, from
 * the node. The server has IMPORT_MS for all that it has to answer until the mount is there.
 * @param address `host`, `host!port`, `host:port` or `tcp!host!port`; without a port it is 9P's own, 564
 * @throws MountError that names host and port
 */
export async function mountImport(
  mounter: Pick<Mounter, 'dialects' | 'mount'>,
  request: Omit<MountRequest, 'dialect' | 'source'>,
  address: string,
): Promise<Mounted> {
  const place = tcpAddress(address);
  const patience = new Patience(IMPORT_MS);
  let refusal: unknown;
  for (const dialect of mounter.dialects) {
    const socket = await dialed(place, patience);
    try {
      return await mounter.mount({ ...request, dialect, source: address }, (stream, options) => {
        // What the node needed to get here is not the server's to answer for.
        patience.begin(() => socket.destroy());
        relay(stream, socket, options);
      });
    } catch (error) {
      socket.destroy();
      if (patience.lost)
        throw failure(place, `took the connection, and did not answer in ${SECONDS} seconds`);
      refusal ??= error;
    } finally {
      patience.end();
    }
  }
  throw failure(place, (refusal as Error).message);
}

/** A Unix socket would be opened with the rights of the daemon. */
function tcpAddress(address: string): Place {
  let parsed: ReturnType<typeof parseAddress>;
  try {
    parsed = parseAddress(address);
  } catch (error) {
    throw new MountError((error as Error).message);
  }
  if (parsed.kind !== 'tcp' || parsed.host === '*') {
    throw new MountError(`${address}: HOST or HOST!PORT is wanted`);
  }
  return parsed;
}

function dialed(place: Place, patience: Patience): Promise<Socket> {
  const { host, port } = place;
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true });
    const fail = (reason: string) => {
      patience.end();
      socket.destroy();
      reject(failure(place, reason));
    };
    patience.begin(() => fail(`no answer in ${SECONDS} seconds`));
    socket.once('error', (error) => fail(systemText(error)));
    socket.once('connect', () => {
      patience.end();
      endOnSilence(socket);
      resolve(socket);
    });
  });
}

function failure({ host, port }: Place, reason: string): MountError {
  return new MountError(`${host}!${port}: ${reason}`);
}

/** Time that somebody else may take, counted while he is the one who is waited for. */
class Patience {
  /** It was used up. */
  lost = false;
  #left: number;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param left milliseconds */
  constructor(left: number) {
    this.#left = left;
  }

  /** From now on he is waited for; `giveUp` is called if it takes too long. */
  begin(giveUp: () => void): void {
    this.end();
    this.#since = performance.now();
    this.#timer = setTimeout(() => {
      this.lost = true;
      giveUp();
    }, this.#left);
  }

  end(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left -= performance.now() - this.#since;
  }
}
