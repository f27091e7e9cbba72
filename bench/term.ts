/**
 * What it costs that a node reaches its client's files through the session (`term`): a 9P conversation inside of
 * another, against the same conversation over a loopback TCP connection of its own.
 *
 * As on a node, three processes take part: one mounts and talks to the daemon over a Unix socket, the daemon relays, and
 * the client, which has the files, serves them. For the baseline the same loads go to the same server, without a daemon
 * in between. Both are measured in turn, round by round. What has three processes to run on two processors is slower for
 * that alone.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectTcp, listenTcp, OpenMode, type Transport } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server } from '@xcpu/9p-protocol/server';
import { Term } from '../packages/xcpufs/src/session/term.js';
import { openTerm, termServer } from '../test/support/term.js';
import { RawClient } from './lib/raw-client.js';
import { median, milliseconds, perSecond, type Row, report, times } from './lib/report.js';
import { ask, start, tell } from './lib/roles.js';
import { roundsFor, warmUpsFor } from './lib/rounds.js';

const ROUNDS = roundsFor(7);
const WARM_UP = warmUpsFor(2);
const BYTES = 512 * 2 ** 20;
const BULK_IN_FLIGHT = 4;
const SMALL_MS = 300;

/** As a job's client reads output while it serves files. */
const OUTPUT_READS = 3;
const OUTPUT_COUNT = 64 * 1024;

/** What a process with a load does when it is asked; answers a number. */
type Task =
  | { readonly kind: 'attributes'; readonly inFlight: number }
  | { readonly kind: 'read' | 'write' };
/** Whether the client of the node reads a program's output as well, as fast as it comes. */
interface Output {
  readonly pours: boolean;
}
type Role = 'node' | 'user' | 'load';

const [role, ...args] = process.argv.slice(2) as [Role?, ...string[]];
// Whoever started this process ended: so does it.
process.once('disconnect', () => process.exit());
switch (role) {
  case 'node':
    await beNode(args[0]!);
    break;
  case 'user':
    await beUser(args[0]!, Number(args[1]));
    break;
  case 'load':
    await load(args[0]!, args[1]!);
    break;
  default:
    await compare();
}

async function compare(): Promise<void> {
  // In memory, so that no disk is measured.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'term-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const stops: (() => unknown)[] = [];
  const begin = async (...words: [Role, ...string[]]) => {
    const started = await start(fileURLToPath(import.meta.url), words);
    stops.push(() => started.process.connected && started.process.disconnect());
    return started;
  };
  try {
    const block = Buffer.alloc(2 ** 20, 'contents of a file ');
    const big = join(folder, 'big');
    for (let bytes = 0; bytes < BYTES; bytes += block.length)
      writeFileSync(big, block, { flag: 'a' });
    const socket = join(folder, 'socket');
    const node = await begin('node', socket);
    const user = await begin('user', folder, String(node.told));
    const through = await begin('load', socket, folder);
    const plain = await begin('load', String(user.told), folder);
    report('term', [
      ...(await rows(through.process, plain.process)),
      await besideOutput(through.process, user.process),
    ]);
  } finally {
    for (const stop of stops.reverse()) stop();
  }
}

async function rows(through: ChildProcess, plain: ChildProcess): Promise<Row[]> {
  const one: Task = { kind: 'attributes', inFlight: 1 };
  const many: Task = { kind: 'attributes', inFlight: 64 };
  return [
    await row('read of 512 MiB through term, against TCP', through, plain, { kind: 'read' }),
    await row('write of 512 MiB', through, plain, { kind: 'write' }),
    await row('Tgetattr one at a time', through, plain, one),
    await row('… 64 in flight', through, plain, many),
  ];
}

async function besideOutput(through: ChildProcess, user: ChildProcess): Promise<Row> {
  const measure = async () =>
    1000 / (await ask<Task>(through, { kind: 'attributes', inFlight: 1 }));
  const quiet: number[] = [];
  const busy: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(await measure());
    await ask<Output>(user, { pours: true });
    busy.push(await measure());
    await ask<Output>(user, { pours: false });
  }
  return {
    what: '… one at a time while output pours, against idle',
    measured: milliseconds(median(busy)),
    baseline: milliseconds(median(quiet)),
  };
}

async function row(
  what: string,
  through: ChildProcess,
  plain: ChildProcess,
  task: Task,
): Promise<Row> {
  const measured: number[] = [];
  const baseline: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const figures = [await ask(through, task), await ask(plain, task)] as const;
    if (round < 0) continue;
    measured.push(figures[0]);
    baseline.push(figures[1]);
  }
  const bulk = task.kind !== 'attributes';
  const ratio = median(
    measured.map((own, at) => (bulk ? baseline[at]! / own : own / baseline[at]!)),
  );
  const show = (value: number) =>
    bulk ? perSecond(BYTES, value) : `${(value / 1000).toFixed(1)}k/s`;
  return {
    what,
    measured: show(median(measured)),
    baseline: show(median(baseline)),
    ratio: times(ratio),
  };
}

/** The daemon: its tree over TCP, and a socket for what mounts. */
async function beNode(socket: string): Promise<void> {
  const term = new Term();
  createServer((mounter) => term.connect(mounter)).listen(socket);
  const server = new Server(termServer(term));
  tell(portOf(await listen((transport) => server.accept(transport))));
}

/** The client of the node, with the files: through term, and for the baseline at a port. */
async function beUser(folder: string, node: number): Promise<void> {
  const files = serveDirectory(folder);
  const outer = await connectTcp({ host: '127.0.0.1', port: node });
  const { root, transport, msize } = await openTerm(outer);
  const server = new Server(files, { limits: { msize } });
  server.accept(transport);
  const stdout = await root.walkOpen('stdout', OpenMode.READ);
  let pours = false;
  const pour = async () => {
    while (pours) await stdout.readPieces(0, OUTPUT_COUNT);
  };
  process.on('message', (output: Output) => {
    pours = output.pours;
    for (let read = 0; read < OUTPUT_READS; read++) void pour();
    tell(0);
  });
  tell(portOf(await listen((plain) => server.accept(plain))));
}

/** What mounts. */
async function load(where: string, folder: string): Promise<void> {
  const client = await RawClient.connect(
    where.startsWith('/') ? where : Number(where),
    '9P2000.L',
    folder,
  );
  process.on('message', async (task: Task) => tell(await perform(client, task)));
  tell('ready');
}

function perform(client: RawClient, task: Task): Promise<number> {
  switch (task.kind) {
    case 'attributes':
      return client.attributes(task.inFlight, SMALL_MS);
    case 'read':
      return client.read('big', BYTES, BULK_IN_FLIGHT);
    case 'write':
      return client.write('big', BYTES, BULK_IN_FLIGHT);
  }
}

function listen(accept: (transport: Transport) => void) {
  return listenTcp({ host: '127.0.0.1', port: 0 }, accept);
}

function portOf({ address }: { readonly address: string }): number {
  return Number(address.split('!')[1]);
}
