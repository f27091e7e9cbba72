import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectTcp,
  DuplexTransport,
  Errno,
  encode,
  listenTcp,
  MessageType,
  OpenMode,
  transportPair,
} from '@xcpu/9p-protocol';
import { attach, Client, mount } from '@xcpu/9p-protocol/client';
import { memoryServer } from '@xcpu/9p-protocol/memory';
import { type Connection, type FileServer, Server } from '@xcpu/9p-protocol/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Term } from '../../packages/xcpufs/src/session/term.js';
import { openTerm, termServer } from '../support/term.js';
import { eventually } from '../support/wait.js';

const ROOT = { uname: 'root', nUname: 0 };

describe('a 9P conversation through term, over sockets', () => {
  test.each(['9P2000', '9P2000.u', '9P2000.L'] as const)('moves files in %s', async (version) => {
    const { socket } = await joined(memory());
    const files = await mount(mounter(socket), { ...ROOT, version });
    const contents = Buffer.alloc(5_000_000, 'contents that cross both ways ');
    await files.writeFile('/big', contents);
    expect((await files.readFile('/big')).equals(contents)).toBe(true);
    await Promise.all(Array.from({ length: 200 }, (_, n) => files.writeFile(`/f${n}`, `${n}`)));
    const names = await files.readdir('/');
    expect(names).toHaveLength(201);
    files.close();
  });

  test.each([280, 4096, 65_560])('fits into messages of %s bytes outside', async (outer) => {
    const { socket, msize } = await joined(memory(), { msize: outer });
    expect(msize).toBe(outer - 24);
    const files = await mount(mounter(socket), { ...ROOT, version: '9P2000.L' });
    const contents = Buffer.alloc(100_000, 'x');
    await files.writeFile('/file', contents);
    expect((await files.readFile('/file')).equals(contents)).toBe(true);
    files.close();
  });

  test('answers a thousand flushes of reads that wait', async () => {
    const { socket } = await joined(termServer(new Term()) as FileServer<never>);
    const client = await Client.connect(mounter(socket));
    const root = await attach(client, { uname: 'root' });
    // Nobody says anything there.
    const silent = await root.walkOpen('term', OpenMode.READ_WRITE);
    const given = Array.from({ length: 1000 }, () => new AbortController());
    const reads = given.map(({ signal }) =>
      silent.read(0, 10, { signal }).catch((error: Error) => error.name),
    );
    await root.stat();
    for (const controller of given) controller.abort();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['AbortError']));
    expect((await root.stat()).name).toBe('/');
    client.close();
  });
});

describe('the end of a conversation through term', () => {
  test('when its client is killed is the end of what mounts', async () => {
    const { socket, client, term } = await joined(memory());
    client.transport.destroy();
    await once(socket, 'close');
    // Whoever comes next may serve.
    await eventually('term is free', () => {
      try {
        term.open().close();
        return true;
      } catch {
        return false;
      }
    });
  });

  test('in the middle of a message is told to the server', async () => {
    const { socket, ended } = await joined(memory());
    const version = encode(
      { type: MessageType.Tversion, tag: 0xffff, msize: 8192, version: '9P2000.L' },
      '9P2000',
    );
    socket.end(Buffer.concat([version, Buffer.from([100, 0, 0, 0, 110])]));
    expect((await ended)?.message).toBe('connection ended in a message');
  });

  test('that breaks the protocol closes what mounts', async () => {
    const { socket, ended } = await joined(memory());
    socket.write(Buffer.alloc(64, 0xff));
    expect((await ended)?.message).toMatch(/^message size 4294967295 is above the limit/);
    await once(socket, 'close');
  });

  test('with the session is the end of both sides', async () => {
    const { socket, ended, term } = await joined(memory());
    term.end();
    await once(socket, 'close');
    expect(await ended).toBeUndefined();
  });
});

test('whoever writes without end to a node that mounts nothing is refused, and nobody else', async () => {
  const term = new Term();
  const server = new Server(termServer(term));
  const [ours, theirs] = transportPair();
  server.accept(theirs);
  const { fid, client } = await openTerm(ours);
  const megabyte = Buffer.alloc(2 ** 20);
  const writes = Array.from({ length: 64 }, () => fid.write(0, megabyte));
  const outcomes = Promise.allSettled(writes);
  await expect(writes[63]).rejects.toMatchObject({ errno: Errno.ENOBUFS });
  expect((await fid.stat()).name).toBe('term');
  term.end();
  const reasons = (await outcomes).map((end) => end.status === 'rejected' && end.reason.errno);
  expect(reasons.filter((errno) => errno === Errno.EPIPE)).toHaveLength(16);
  client.close();
});

describe('who is slow', () => {
  test('at the node holds up whoever serves, who goes on when it reads', async () => {
    const { socket, transport } = await joined(memory(), { serve: false });
    socket.pause();
    const bytes = 64 * 2 ** 20;
    let room = 0;
    transport.start({ data: () => {}, drain: () => room++, close: () => {} });
    const piece = Buffer.alloc(2 ** 20, 'x');
    for (let sent = 0; sent < bytes; sent += piece.length) transport.send([piece]);
    // All sockets on the way are full by then.
    await unchanging(() => transport.unsent);
    expect(transport.unsent).toBeGreaterThan(bytes / 2);
    expect(room).toBe(0);
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.resume();
    await eventually('all arrived', () => received === bytes && transport.unsent === 0);
    expect(room).toBeGreaterThan(0);
  });

  test('at serving holds up what mounts', async () => {
    const { socket, relayed, transport } = await joined(memory(), { serve: false });
    let received = 0;
    transport.start({
      data: (chunk) => {
        received += chunk.length;
      },
      drain: () => {},
      close: () => {},
    });
    transport.pause();
    const bytes = 64 * 2 ** 20;
    socket.write(Buffer.alloc(bytes));
    await unchanging(() => relayed.bytesRead);
    expect(received).toBe(0);
    expect(relayed.bytesRead).toBeLessThan(bytes / 2);
    transport.resume();
    await eventually('all arrived', () => received === bytes);
  });
});

/** A node with `term`, a client that has opened it, a server of these files on it, and a socket that mounts there. */
async function joined(
  files: FileServer<never>,
  { msize, serve = true }: { readonly msize?: number; readonly serve?: boolean } = {},
) {
  const term = new Term();
  const server = new Server(termServer(term));
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) =>
    server.accept(transport),
  );
  const port = Number(listener.address.split('!')[1]);
  const opened = await openTerm(await connectTcp({ host: '127.0.0.1', port }), msize);
  const ended = new Promise<Error | undefined>((resolve) => {
    if (!serve) return;
    const closed = (_: Connection, reason: Error | undefined) => resolve(reason);
    const inner = new Server(files, { limits: { msize: opened.msize }, closed });
    inner.accept(opened.transport);
  });
  const [socket, relayed] = await socketPair();
  term.connect(relayed);
  onTestFinished(async () => {
    opened.client.destroy();
    term.end();
    server.close();
    await listener.close();
  });
  return { ...opened, term, ended, socket, relayed };
}

async function socketPair(): Promise<[Socket, Socket]> {
  const folder = mkdtempSync(join(tmpdir(), 'xcpu-term-'));
  const listener = createServer();
  listener.listen(join(folder, 'socket'));
  await once(listener, 'listening');
  const ours = connect(join(folder, 'socket'));
  const [theirs] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  rmSync(folder, { recursive: true });
  return [ours, theirs];
}

/** Waits until a number stays the same for a while. */
async function unchanging(ask: () => number): Promise<void> {
  let last = Number.NaN;
  await eventually('nothing moves', async () => {
    const now = ask();
    const same = now === last;
    last = now;
    if (!same) await sleep(200);
    return same;
  });
}

function memory(): FileServer<never> {
  return memoryServer() as FileServer<never>;
}

function mounter(socket: Socket): DuplexTransport {
  return new DuplexTransport(socket, { address: 'mounter', group: 'mounter' });
}
