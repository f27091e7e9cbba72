import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/cluster.js';
import { testKey, writeKey } from '../support/keys.js';
import { Statfs } from '../support/statfs.js';
import { eventually } from '../support/wait.js';
import { SimulatedNode } from './simulated-nodes.js';

/** Something that listens and is no node. */
class Stranger {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(greet: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      greet(socket);
    });
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, resolve);
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const HANGS_UP = (socket: Socket) => socket.destroy();
const SAYS_NOTHING = () => {};
const GARBAGE = (socket: Socket) => socket.write(Buffer.alloc(100_000, 'HTTP/1.1 400 \r\n\xff'));
/** A frame of 4 GB is on its way. */
const ENDLESS = (socket: Socket) => {
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 101, 0xff, 0xff]));
  const more = () => socket.write(Buffer.alloc(65_536)) && setImmediate(more);
  socket.on('drain', more);
  more();
};

describe('nodes that are no good', () => {
  let directory: string;
  let statfs: Statfs;
  let good: SimulatedNode;
  let turning: SimulatedNode;
  let lying: SimulatedNode;
  let refusing: SimulatedNode;
  const strangers: Stranger[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-statfs-'));
    const adminKey = testKey('admin_key');
    const { privateFile } = await writeKey(adminKey, directory);
    const port = await freePort('127.0.4.1');
    const simulated = (host: string, key = adminKey) =>
      new SimulatedNode(host, port, key.publicKey);
    good = simulated('127.0.4.1');
    turning = simulated('127.0.4.2');
    lying = simulated('127.0.4.3');
    refusing = simulated('127.0.4.4', testKey('other_key'));
    lying.says.state = 'up\tand\nn9\t10.0.0.9\t/Linux/x86_64\tup\x1b[2J\t0\n'.repeat(100);
    lying.says.arch = '/Linux/../../../etc';
    lying.says.load = `load1 -1\ncpus many\nmemtotal ${'9'.repeat(400)}\n"}\n`;
    await Promise.all([good, turning, lying, refusing].map((node) => node.start()));
    const greetings = { SAYS_NOTHING, GARBAGE, ENDLESS, HANGS_UP };
    const lines: string[] = [];
    for (const [index, [name, greet]] of Object.entries(greetings).entries()) {
      const stranger = new Stranger(greet);
      strangers.push(stranger);
      const host = `127.0.4.${20 + index}`;
      await stranger.listen(host, port);
      lines.push(`${name.toLowerCase()}=${host}!${port}`);
    }
    statfs = await Statfs.start({
      ...{ directory, adminKey: privateFile, host: '127.0.1.252', interval: 0.2 },
      nodes: [
        ...lines,
        `good=127.0.4.1!${port}`,
        `turning=127.0.4.2!${port}`,
        `lying=127.0.4.3!${port}`,
        `refusing=127.0.4.4!${port}`,
        `nowhere=127.0.4.5!${port}`,
      ],
    });
  });
  afterAll(async () => {
    await statfs?.stop();
    for (const stranger of strangers) stranger.close();
    await Promise.all([good, turning, lying, refusing].map((node) => node?.die()));
    await rm(directory, { recursive: true, force: true });
  });

  test('are down, each in its way, and cost the good one nothing', async () => {
    await statfs.shows(
      {
        good: 'up',
        turning: 'up',
        nowhere: 'down(disconnected)',
        hangs_up: 'down(disconnected)',
        garbage: 'down(connect_failed)',
        endless: 'down(connect_failed)',
        refusing: 'down(connect_failed)',
        says_nothing: 'down(no_contact)',
      },
      20_000,
    );
    expect(good.accepted).toBe(1);
    expect(statfs.log).not.toMatch(/node=good state="down/);
  });

  test('cannot put lines into the table, nor commands into a terminal', async () => {
    const { stdout } = await statfs.xstat('--raw');
    expect(stdout.trimEnd().split('\n')).toHaveLength(9);
    const line = stdout.split('\n').find((text) => text.startsWith('lying\t'));
    expect(line?.split('\t').slice(2)).toEqual([
      'unknown (not understood)',
      'up?and?n9?10.0.0.9?/Linux/x86_64?up?[2J?0?up?and?n9?10.0.0.9?/L',
      '0',
    ]);
    expect(statfs.log).not.toContain('\x1b');
    expect((await statfs.xstat()).stdout).not.toContain('\x1b');
  });

  test('that stop to answer are down then, and up when they answer again', async () => {
    turning.says.hangs = true;
    await statfs.shows({ turning: 'down(no_contact)', good: 'up' }, 20_000);
    turning.says.hangs = false;
    await statfs.shows({ turning: 'up' }, 20_000);
    expect(good.accepted).toBe(1);
  });

  test('are told of in the log, once for each change', async () => {
    await eventually('it was logged', () => /node=garbage state="down/.test(statfs.log));
    expect(statfs.log).toMatch(/node=nowhere .* reason="connection refused/);
    expect(statfs.log).toMatch(/node=refusing .* reason="authentication failed/);
    expect(statfs.log.match(/node=nowhere /g)).toHaveLength(1);
  });
});
