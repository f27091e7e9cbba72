/** Serves a directory as the user that it runs as: serve.cjs DIRECTORY, with the conversation on descriptor 3. */
import { Socket } from 'node:net';
import { DuplexTransport } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server } from '@xcpu/9p-protocol/server';

const peer = { address: 'test', group: 'test' };
new Server(serveDirectory(process.argv[2] ?? '')).accept(
  new DuplexTransport(new Socket({ fd: 3 }), peer),
);
