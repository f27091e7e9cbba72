import { Client, type ClientOptions } from '../../src/client/index.js';
import { transportPair } from '../../src/index.js';
import type { FileServer } from '../../src/server/index.js';
import { Server } from '../../src/server/index.js';
import { RawPeer } from './raw-peer.js';

/** A client talking to a server that a test plays by hand, once the version is agreed on. */
export async function scripted(options: ClientOptions = {}, msize = 8192) {
  const [ours, theirs] = transportPair();
  const server = new RawPeer(theirs);
  const connecting = Client.connect(ours, options);
  const { tag } = await server.next();
  server.send({ type: 101, tag, msize, version: '9P2000.u' });
  return { client: await connecting, server };
}

/** A client of a real server of `files`. */
export async function connected(files: FileServer<string>, options: ClientOptions = {}) {
  const [ours, theirs] = transportPair();
  const server = new Server(files);
  server.accept(theirs);
  return { client: await Client.connect(ours, options), server };
}
