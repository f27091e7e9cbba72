import { OpenMode, type PeerIdentity, type Transport } from '@xcpu/9p-protocol';
import { attach, Client } from '@xcpu/9p-protocol/client';
import { type FileServer, SyntheticDirectory, SyntheticFile } from '@xcpu/9p-protocol/server';
import { TermTransport } from '@xcpu/libxcpu';
import type { Term } from '../../packages/xcpufs/src/session/term.js';

const NOBODY = { uid: 'nobody', gid: 'nogroup' };
const PEER: PeerIdentity = { address: 'node', group: 'node' };

const OUTPUT = Buffer.alloc(256 * 1024);

/** A node's tree with nothing but a session's `term`, and a `stdout` that never ends. */
export function termServer(term: Term): FileServer {
  const root = new SyntheticDirectory({ name: '/', mode: 0o555, ...NOBODY });
  const file = new SyntheticFile({ name: 'term', mode: 0o600, ...NOBODY });
  file.open = () => {
    const end = term.open();
    return {
      stream: true,
      read: (_, count, request) => end.read(count, request),
      write: (_, data, request) => end.write([data], request),
      writePieces: (_, pieces, request) => end.write(pieces, request),
      close: () => end.close(),
    };
  };
  root.add(file);
  const output = new SyntheticFile({ name: 'stdout', mode: 0o440, ...NOBODY });
  output.open = () => ({ stream: true, read: (_, count) => OUTPUT.subarray(0, count) });
  root.add(output);
  return { attach: () => ({ root, user: undefined }) };
}

/** Opens `term` of such a tree as a client of the node does. */
export async function openTerm(outer: Transport, msize?: number) {
  const client = await Client.connect(outer, { ...(msize !== undefined && { msize }) });
  const root = await attach(client, { uname: 'nobody' });
  const fid = await root.walkOpen('term', OpenMode.READ_WRITE);
  const transport = new TermTransport({ fid, opened: Promise.resolve() }, PEER);
  return { client, root, fid, transport, msize: client.maxCount };
}
