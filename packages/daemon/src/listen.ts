import { type Listener, listenTcp, type Transport } from '@xcpu/9p-protocol';
import { StartError, systemText } from './errors.js';

/** Where a daemon listens. */
export interface ListenPlace {
  /** The daemon's name, for errors. */
  readonly daemon: string;
  /** Address to listen on; all of them if left out. */
  readonly host?: string | undefined;
  readonly port: number;
  /** The option that names the port; `-p` if left out. */
  readonly option?: string;
}

/**
 * Accepts TCP connections.
 * @throws StartError telling the operator why that cannot be
 */
export async function listenAt(
  place: ListenPlace,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  try {
    return await listenTcp({ port: place.port, host: place.host }, accept);
  } catch (error) {
    throw listenError(place, error);
  }
}

/** Why a daemon cannot listen there, and the way out. */
export function listenError(place: ListenPlace, error: unknown): StartError {
  const { daemon, host, port, option = '-p' } = place;
  const { code } = error as NodeJS.ErrnoException;
  const where = `${host ?? '*'}!${port}`;
  if (code === 'EADDRINUSE') {
    const hint = `is ${daemon} running already? ${option} names another`;
    return new StartError(`${where}: port taken: ${hint}`);
  }
  if (code === 'EADDRNOTAVAIL') return new StartError(`${where}: not an address of this machine`);
  if (code === 'ENOTFOUND') return new StartError(`${where}: unknown host`);
  if (code === 'EACCES') return new StartError(`${where}: ports below 1024 need root`);
  return new StartError(`${where}: ${systemText(error)}`);
}
