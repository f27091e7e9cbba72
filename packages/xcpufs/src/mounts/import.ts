import { connect as connectSocket, type Socket } from 'node:net';
import { endOnSilence, parseAddress } from '@xcpu/9p-protocol';
import { systemText } from '../errors.js';
import { MountError, type Mounted, type Mounter, type MountRequest } from './mounter.js';
import { relay } from './relay.js';

/** How long a server has to answer the telephone, in milliseconds. */
const CONNECT_MS = 10_000;

/**
 * Mounts a server that listens at a TCP address: the namespace program's `import HOST[!PORT] DIR`. The daemon dials, from
 * the node.
 * @param address `host`, `host!port`, `host:port` or `tcp!host!port`; without a port it is 9P's own, 564
 * @throws MountError
 */
export async function mountImport(
  mounter: Pick<Mounter, 'dialects' | 'mount'>,
  request: Omit<MountRequest, 'dialect' | 'source'>,
  address: string,
): Promise<Mounted> {
  const to = tcpAddress(address);
  let refusal: unknown;
  for (const dialect of mounter.dialects) {
    const socket = await dialed(to, address);
    try {
      return await mounter.mount({ ...request, dialect, source: address }, (stream, options) =>
        relay(stream, socket, options),
      );
    } catch (error) {
      socket.destroy();
      refusal ??= error;
    }
  }
  const { message } = refusal as Error;
  throw new MountError(`${address}: ${message}`);
}

/** A Unix socket would be opened with the rights of the daemon. */
function tcpAddress(address: string): { host: string; port: number } {
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

function dialed(to: { host: string; port: number }, address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ ...to, noDelay: true });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new MountError(`${address}: ${reason}`));
    };
    const timer = setTimeout(() => fail(`no answer in ${CONNECT_MS / 1000} seconds`), CONNECT_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      fail(systemText(error));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      endOnSilence(socket);
      resolve(socket);
    });
  });
}
