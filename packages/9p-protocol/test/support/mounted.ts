import { type FileSystem, type MountOptions, mount } from '../../src/client/index.js';
import { type Dialect, type Transport, transportPair } from '../../src/index.js';
import { memoryServer } from '../../src/memory/index.js';
import { type FileServer, Server } from '../../src/server/index.js';

export const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];

/** A mounted tree of a real server, an empty one in memory by default; ended by `close` of the result. */
export async function mounted(
  version: Dialect,
  files: FileServer<never> = memoryServer() as FileServer<never>,
  options: MountOptions = {},
): Promise<{ files: FileSystem; server: Server<never> }> {
  const [ours, theirs] = transportPair();
  const server = new Server(files);
  server.accept(theirs);
  return { files: await mount(ours, { uname: 'root', nUname: 0, version, ...options }), server };
}

/** Joins a server to a transport that a client is given. */
export function served(files: FileServer<never>): Transport {
  const [ours, theirs] = transportPair();
  new Server(files).accept(theirs);
  return ours;
}
