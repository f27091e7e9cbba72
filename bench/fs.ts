/**
 * The local-directory server against diod, the 9P server written in C that Debian has, on the same files in memory
 * (tmpfs), with the same load generator, which runs in a process of its own.
 *
 * What is fair to both:
 *
 * - diod runs with what it comes with: 16 threads that work on requests, TCP, no authentication (`-n`), no users to
 *   look up (`-N`, as our server looks up none in 9P2000.L). It squashes no one: the load is root's.
 * - Both are asked for messages of 1 MiB; what a server makes of it is its own affair.
 * - The two are measured in turn, round by round, so that what else the machine does falls on both; the first rounds
 *   of each are not counted. Medians, and the median of each round's ratio.
 *
 * For bulk reads and writes the baseline is what two Node.js processes move through a loopback socket with nothing
 * done to it, in pieces of the same size, always the same one: it stays in the processor's cache, as a file's contents
 * do not. So there is a second one, in which the piece is read from the file before it is sent, or what came is written
 * to it, with a system call and nothing else: no server in Node.js can do more.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Dialect, listenTcp } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server } from '@xcpu/9p-protocol/server';
import { bareClient, bareServer } from './lib/bare-socket.js';
import { isInstalled } from './lib/commands.js';
import { RawClient } from './lib/raw-client.js';
import { median, milliseconds, perSecond, type Row, report, times } from './lib/report.js';
import { ask, start, tell } from './lib/roles.js';
import { roundsFor, warmUpsFor } from './lib/rounds.js';

const ROUNDS = roundsFor(5);
const WARM_UP = warmUpsFor(2);
const SMALL_MS = 300;
const BYTES = 2 ** 30;
/** Bulk requests under way at once: as many as the library's own client has. */
const BULK_IN_FLIGHT = 4;
const NAMES = 10_000;
const STORM_FILES = 2_000;
const STORM_IN_FLIGHT = 16;

/** What a process with a load does when it is asked; answers a number. */
type Task =
  | { readonly kind: 'attributes'; readonly inFlight: number }
  | { readonly kind: 'read' | 'write'; readonly file?: boolean }
  | { readonly kind: 'list' | 'storm' };
type Role = 'serve' | 'load' | 'bare-server' | 'bare-client';

const [role, ...args] = process.argv.slice(2) as [Role?, ...string[]];
// Whoever started this process ended: so does it.
process.once('disconnect', () => process.exit());
switch (role) {
  case 'serve':
    await serve(args[0]!);
    break;
  case 'load':
    await load(Number(args[0]), args[1] as Dialect, args[2]!);
    break;
  case 'bare-server':
    tell(await bareServer(join(args[0]!, 'big'), BYTES));
    break;
  case 'bare-client':
    await bare(Number(args[0]));
    break;
  default:
    await compare();
}

async function compare(): Promise<void> {
  // In memory, so that no disk is measured.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), '9p-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const stops: (() => unknown)[] = [];
  const begin = async (...words: [Role, ...string[]]) => {
    const started = await start(fileURLToPath(import.meta.url), words);
    stops.push(() => started.process.connected && started.process.disconnect());
    return started;
  };
  try {
    fill(folder);
    const { told: port } = await begin('serve', folder);
    const ours = await begin('load', String(port), '9P2000.L', folder);
    const plan9 = await begin('load', String(port), '9P2000.u', folder);
    const { told: barePort } = await begin('bare-server', folder);
    const socket = await begin('bare-client', String(barePort));
    let diod: ChildProcess | undefined;
    if (isInstalled('/usr/sbin/diod')) {
      const port = await startDiod(folder);
      diod = (await begin('load', String(port), '9P2000.L', folder)).process;
    } else {
      console.log('fs: no comparison with diod: scripts/install-test-packages.sh installs it');
    }
    report('fs', await rows(ours.process, plan9.process, socket.process, diod));
  } finally {
    for (const stop of stops.reverse()) stop();
  }
}

async function rows(
  ours: ChildProcess,
  plan9: ChildProcess,
  socket: ChildProcess,
  diod: ChildProcess | undefined,
): Promise<Row[]> {
  const one: Task = { kind: 'attributes', inFlight: 1 };
  const many: Task = { kind: 'attributes', inFlight: 64 };
  const small = (what: string, task: Task, wanted: number, client = ours) =>
    row(what, client, diod, task, { wanted, show: requests });
  const moved = { show: bandwidth, less: true };
  const bulk = async (kind: 'read' | 'write') => [
    await row(
      `${kind} of 1 GiB, against a bare socket`,
      ours,
      socket,
      { kind },
      { ...moved, wanted: 0.6 },
    ),
    await row('… and the file', ours, socket, { kind, file: true }, moved),
    await row('… against diod', ours, diod, { kind }, moved),
  ];
  return [
    await small('Tgetattr one at a time, against diod', one, 0.8),
    await small('… 64 in flight', many, 1),
    await small('Tstat of 9P2000.u one at a time, against its Tgetattr', one, 0.8, plan9),
    await small('… 64 in flight', many, 1, plan9),
    ...(await bulk('read')),
    ...(await bulk('write')),
    await row(
      'names of 10,000 files, against diod',
      ours,
      diod,
      { kind: 'list' },
      {
        show: milliseconds,
        less: true,
      },
    ),
    await row(
      'files made and removed, against diod',
      ours,
      diod,
      { kind: 'storm' },
      {
        show: (perSecond) => `${(perSecond / 1000).toFixed(1)}k/s`,
      },
    ),
  ];
}

/** @param how.less the figures are durations: fewer are better */
async function row(
  what: string,
  ours: ChildProcess,
  theirs: ChildProcess | undefined,
  task: Task,
  how: { wanted?: number; show: (value: number) => string; less?: boolean },
): Promise<Row> {
  const measured: number[] = [];
  const baseline: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const own = await ask(ours, task);
    const other = theirs && (await ask(theirs, task));
    if (round < 0) continue;
    measured.push(own);
    if (other !== undefined) baseline.push(other);
  }
  const { wanted, show, less = false } = how;
  if (!theirs) return { what, measured: show(median(measured)) };
  const ratio = median(
    measured.map((own, at) => (less ? baseline[at]! / own : own / baseline[at]!)),
  );
  return {
    what,
    measured: show(median(measured)),
    baseline: show(median(baseline)),
    ratio: times(ratio),
    ...(wanted !== undefined && { wanted: `≥ ${wanted}×`, met: ratio >= wanted }),
  };
}

function fill(folder: string): void {
  const block = Buffer.alloc(2 ** 20, 'contents of a file ');
  const big = join(folder, 'big');
  writeFileSync(big, '');
  for (let bytes = 0; bytes < BYTES; bytes += block.length)
    writeFileSync(big, block, { flag: 'a' });
  mkdirSync(join(folder, 'many'));
  for (let index = 0; index < NAMES; index++) writeFileSync(join(folder, `many/file-${index}`), '');
}

/** Answers its port. It ends with this process. */
async function startDiod(folder: string): Promise<number> {
  const port = 20_000 + (process.pid % 20_000);
  const words = ['-f', '-n', '-N', '-e', folder, '-l', `127.0.0.1:${port}`, '-L', 'stderr'];
  const server = spawn('/usr/sbin/diod', words, { stdio: 'ignore' });
  server.unref();
  process.once('exit', () => server.kill());
  for (let attempt = 0; ; attempt++) {
    const socket = connect({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      socket.destroy();
      return port;
    } catch (error) {
      if (attempt === 100 || server.exitCode !== null) throw error;
      await sleep(50);
    }
  }
}

async function serve(folder: string): Promise<void> {
  const server = new Server(serveDirectory(folder));
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) =>
    server.accept(transport),
  );
  tell(Number(listener.address.split('!')[1]));
}

async function load(port: number, dialect: Dialect, folder: string): Promise<void> {
  const client = await RawClient.connect(port, dialect, folder);
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
    case 'list':
      return client.list('many', NAMES);
    case 'storm':
      return client.storm(STORM_FILES, STORM_IN_FLIGHT);
  }
}

async function bare(port: number): Promise<void> {
  const move = await bareClient(port, BYTES);
  process.on('message', async (task: Task) => {
    if (task.kind === 'read' || task.kind === 'write')
      tell(await move(task.kind, task.file ?? false));
  });
  tell('ready');
}

function requests(perSecond: number): string {
  return `${(perSecond / 1000).toFixed(1)}k/s`;
}

function bandwidth(ms: number): string {
  return perSecond(BYTES, ms);
}
