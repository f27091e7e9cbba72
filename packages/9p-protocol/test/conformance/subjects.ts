import type { Capability } from '../../src/conformance/index.js';
import { type Dialect, type Transport, transportPair } from '../../src/index.js';
import { type MemoryOptions, memoryServer } from '../../src/memory/index.js';
import { type FileServer, Server } from '../../src/server/index.js';

export const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];

/** What the server in memory can do for everybody. */
export const common: readonly Capability[] = [
  'symlink',
  'link',
  'fifo',
  'device',
  'xattr',
  'lock',
  'at',
  'byte-names',
  'append-only',
  'exclusive-use',
  'nanoseconds',
  'versions',
  'pipelining',
];

/** Who attaches, and what follows from that. */
export const attachments: Record<
  string,
  { uname: string; nUname: number; capabilities: readonly Capability[] }
> = {
  root: { uname: 'root', nUname: 0, capabilities: [...common, 'owner'] },
  glenda: { uname: 'glenda', nUname: 1000, capabilities: [...common, 'permissions'] },
};

/** Connections to one server. */
export function connectTo<User>(files: FileServer<User>): () => Promise<Transport> {
  const server = new Server(files);
  return async () => {
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    return ours;
  };
}

export function memory(options?: MemoryOptions): () => Promise<Transport> {
  return connectTo(memoryServer(options));
}
