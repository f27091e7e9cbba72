import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SilenceWatch, silenceAt } from '../../src/transport/silence.js';
import { socketKey } from '../../src/transport/socket-table.js';

describe('silence', () => {
  const row = { unanswered: 2, unacknowledged: 100, unread: 10 };
  const before = { since: 1000, row };

  it('begins when the system asked without an answer', () => {
    expect(silenceAt(undefined, { ...row, unanswered: 0 }, 7000)).toBe(undefined);
    expect(silenceAt(before, { ...row, unanswered: 0 }, 7000)).toBe(undefined);
    expect(silenceAt(undefined, row, 1000)).toEqual(before);
  });

  it('goes on while it asks, or waits until it asks again, and more is written', () => {
    expect(silenceAt(before, row, 7000)).toEqual(before);
    const more = { unanswered: 4, unacknowledged: 300, unread: 10 };
    expect(silenceAt(before, more, 7000)).toEqual({ since: 1000, row: more });
  });

  it.each([
    ['what was sent is acknowledged', { unacknowledged: 99 }],
    ['the system had its answer, and asks something else', { unanswered: 1 }],
    ['something arrives that is not read', { unread: 11 }],
  ])('begins anew when %s', (_what, change) => {
    expect(silenceAt(before, { ...row, ...change }, 7000)?.since).toBe(7000);
  });
});

describe('a connection that is watched', () => {
  it('is ended for a silence that is long enough, and of which the system made sure', async () => {
    const { sockets, table } = await watchedSockets(5);
    const [silent, answered, asked, idle, gone] = sockets as [
      Socket,
      Socket,
      Socket,
      Socket,
      Socket,
    ];
    const failed = new Promise<Error>((resolve) => silent.once('error', resolve));
    await table([
      [silent, '01', 3],
      [answered, '02', 9],
      [asked, '01', 2],
      // As if it were another's.
      [idle, '01', 9],
    ]);
    for (const socket of sockets) if (socket !== idle) socket.write('hello');
    gone.destroy();
    expect(await failed).toMatchObject({
      code: 'ETIMEDOUT',
      message: expect.stringMatching(/^no sign of life from the network for \d+ seconds$/),
    });
    expect([answered, asked, idle].some((socket) => socket.destroyed)).toBe(false);
    const next = new Promise<Error>((resolve) => asked.once('error', resolve));
    await table([[asked, '04', 3]]);
    await next;
    expect([answered, idle].some((socket) => socket.destroyed)).toBe(false);
  });

  it('is left alone while anything arrives', async () => {
    const { sockets, table, peers } = await watchedSockets(2);
    const [heard, silent] = sockets as [Socket, Socket];
    const port = heard.localPort;
    const speaks = setInterval(() => {
      for (const peer of peers) if (peer.remotePort === port) peer.write('.');
    }, 1);
    onTestFinished(() => clearInterval(speaks));
    const failed = new Promise<Error>((resolve) => silent.once('error', resolve));
    await table([
      [heard, '01', 5],
      [silent, '01', 5],
    ]);
    for (const socket of sockets) socket.resume().write('hello');
    await failed;
    expect(heard.destroyed).toBe(false);
  });

  it('is left alone where the system tells nothing', async () => {
    const { sockets } = await watchedSockets(1);
    sockets[0]!.write('hello');
    await sleep(100);
    expect(sockets[0]!.destroyed).toBe(false);
  });
});

/** Connections, and the file that tells the watch of them, which is not there yet. */
async function watchedSockets(count: number) {
  const directory = await mkdtemp(join(tmpdir(), '9p-silence-'));
  const file = join(directory, 'tcp');
  const peers: Socket[] = [];
  const server = createServer((peer) => peers.push(peer.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const watch = new SilenceWatch({ tables: [file], every: 10, most: 80 });
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    watch.add(socket);
    sockets.push(socket);
  }
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(directory, { recursive: true });
  });
  const table = async (rows: readonly (readonly [Socket, timer: string, asked: number])[]) => {
    await writeFile(`${file}.new`, rows.map((row) => lineOf(...row)).join(''));
    await rename(`${file}.new`, file);
  };
  return { sockets, peers, table };
}

/** As the kernel would write it. */
function lineOf(socket: Socket, timer: string, asked: number): string {
  const key = socketKey(
    { address: socket.localAddress!, port: socket.localPort! },
    { address: socket.remoteAddress!, port: socket.remotePort! },
  );
  const again = timer === '04' ? 0 : asked;
  const retransmitted = again.toString(16).padStart(8, '0').toUpperCase();
  const probes = asked - again;
  return `   0: ${key} 01 00000040:00000000 ${timer}:00000200 ${retransmitted}     0        ${probes} 22731 2 0000000000000000 20 4 31 1 7\n`;
}
