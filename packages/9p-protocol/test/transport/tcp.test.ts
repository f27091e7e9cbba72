import { execFileSync } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../../test/support/needs.js';
import { connectTcp, type Listener, listenTcp, type Transport } from '../../src/index.js';
import { deferred } from '../support/ledger.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('TCP', () => {
  it('names both ends, and carries bytes both ways', async () => {
    const { listener, client, server } = await linked();
    expect(listener.address).toMatch(/^127\.0\.0\.1!\d+$/);
    expect(client.peer).toEqual({ address: listener.address, group: '127.0.0.1' });
    expect(server.peer).toEqual({ address: client.localAddress, group: '127.0.0.1' });
    expect(server.localAddress).toBe(listener.address);
    const heard = deferred<string>();
    server.start({ data: (chunk) => heard.resolve(chunk.toString()), drain() {}, close() {} });
    client.start({ data() {}, drain() {}, close() {} });
    client.send([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]);
    expect(await heard.promise).toBe('abc');
  });

  it('tells when what it sent may be used again', async () => {
    const { client, server } = await linked();
    const closed = deferred<void>();
    client.start({ data() {}, drain() {}, close: () => closed.resolve() });
    const taken = deferred<string>();
    client.send([Buffer.from('a'), Buffer.from('b')], () => taken.resolve('two'));
    expect(await taken.promise).toBe('two');
    // Nobody reads: it cannot all go out.
    let called = false;
    client.send([Buffer.alloc(2 ** 26)], () => {
      called = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(called).toBe(false);
    server.start({ data() {}, drain() {}, close() {} });
    client.close();
    await closed.promise;
    expect(called).toBe(true);
  });

  it('shows an IPv4 peer of a dual-stack socket by its IPv4 address', async () => {
    const accepted = deferred<Transport>();
    const listener = await listenTcp({ host: '::ffff:127.0.0.1', port: 0 }, accepted.resolve);
    cleanups.push(() => listener.close());
    const client = await connectTcp({ host: '127.0.0.1', port: portOf(listener) });
    cleanups.push(() => client.destroy());
    expect((await accepted.promise).peer.group).toBe('127.0.0.1');
  });

  it('sends at once, and asks a silent peer for a sign of life within a minute', async ({
    skip,
  }) => {
    const { client, server } = await linked();
    const port = client.localAddress.split('!')[1];
    const sockets = socketStatistics(port!);
    if (lacks('ss(8), to look at sockets from outside', sockets !== undefined)) return skip();
    expect(client.peer.address).not.toBe(server.peer.address);
    const timers = [...sockets!.matchAll(/timer:\(keepalive,(\d+)sec,0\)/g)];
    expect(timers).toHaveLength(2);
    // Ten probes follow, a second apart.
    for (const [, seconds] of timers) expect(Number(seconds) + 10).toBeLessThan(60);
  });

  it('stops listening while connections go on, and gives the port free', async () => {
    const { listener, client, server } = await linked();
    await listener.close();
    await listener.close();
    await expect(connectTcp({ host: '127.0.0.1', port: portOf(listener) })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    const heard = deferred<string>();
    client.start({ data: (chunk) => heard.resolve(chunk.toString()), drain() {}, close() {} });
    server.start({ data() {}, drain() {}, close() {} });
    server.send([Buffer.from('still here')]);
    expect(await heard.promise).toBe('still here');
  });

  it('says why it cannot listen or connect', async () => {
    const { listener } = await linked();
    const port = portOf(listener);
    await expect(listenTcp({ host: '127.0.0.1', port }, () => {})).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    const signal = AbortSignal.abort(new Error('no time'));
    await expect(connectTcp({ host: '127.0.0.1', port, signal })).rejects.toThrow('no time');
    const controller = new AbortController();
    const connecting = connectTcp({ host: '127.0.0.1', port, signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(connecting).rejects.toThrow('changed my mind');
  });

  it('delivers what was sent before an orderly end', async () => {
    const { client, server } = await linked();
    const closed = deferred<Error | undefined>();
    let length = 0;
    server.start({
      data: (chunk) => {
        length += chunk.length;
      },
      drain() {},
      close: closed.resolve,
    });
    client.start({ data() {}, drain() {}, close() {} });
    client.send([Buffer.alloc(3_000_000)]);
    client.close();
    expect(await closed.promise).toBe(undefined);
    expect(length).toBe(3_000_000);
  });

  it('tells how much was not sent, and when it was', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.pause())).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const client = await connectTcp({ host: '127.0.0.1', port });
    cleanups.push(() => client.destroy());
    const drained = deferred();
    client.start({ data() {}, drain: drained.resolve, close() {} });
    const size = 32 << 20;
    client.send([Buffer.alloc(size)]);
    expect(client.unsent).toBe(size);
    for (const socket of sockets) socket.resume();
    server.on('connection', (socket) => socket.resume());
    await drained.promise;
    expect(client.unsent).toBe(0);
  });

  it('tells why a connection broke, also one that broke before it was started', async () => {
    const accepted = deferred<Transport>();
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, accepted.resolve);
    cleanups.push(() => listener.close());
    const socket = connect(portOf(listener), '127.0.0.1');
    const server = await accepted.promise;
    const closed = deferred<Error | undefined>();
    server.start({ data() {}, drain() {}, close: closed.resolve });
    socket.resetAndDestroy();
    expect(await closed.promise).toMatchObject({ code: 'ECONNRESET' });
    const late = deferred<Error | undefined>();
    server.start({ data() {}, drain() {}, close: late.resolve });
    expect(await late.promise).toMatchObject({ code: 'ECONNRESET' });
    server.send([Buffer.from('to nobody')]);
  });
});

async function linked() {
  const accepted = deferred<Transport>();
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, accepted.resolve);
  const client = await connectTcp({ host: '127.0.0.1', port: portOf(listener) });
  const server = await accepted.promise;
  cleanups.push(
    () => listener.close(),
    () => client.destroy(),
    () => server.destroy(),
  );
  return { listener, client, server };
}

function portOf(listener: Listener): number {
  return Number(listener.address.split('!')[1]);
}

/** What ss(8) shows of the connections from or to a port, undefined without ss. */
function socketStatistics(port: string): string | undefined {
  try {
    const filter = `( sport = :${port} or dport = :${port} )`;
    return execFileSync('ss', ['-tnoH', 'state', 'established', filter], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}
