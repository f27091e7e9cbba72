/**
 * How long a node takes to answer one session's requests while another session prints 1 GiB to an xrx that takes it as
 * fast as it can.
 *
 * The requests are small reads of a session's files, one at a time with a pause between them, sent from this process on
 * a connection of its own: what a person or a monitor would notice. Daemon, program, xrx and this process share the
 * machine's processors, so the figures hold what they take from each other.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, loginToFirst, startNodes, xrxArguments } from './lib/nodes.js';
import { median, milliseconds, percentile, type Row, report } from './lib/report.js';
import { roundsFor } from './lib/rounds.js';

const ROUNDS = roundsFor(5);
const BYTES = 2 ** 30;
const PAUSE_MS = 1;
const WANTED_P99_MS = 20;

const cluster = await startNodes(1);
try {
  const file = join(cluster.folder, 'zeros');
  await writeFile(file, '');
  await truncate(file, BYTES);
  const idle: number[][] = [];
  const busy: number[][] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const before = await answerTimes(sleep(500));
    const during = await answerTimes(print(file));
    if (round >= 0) {
      idle.push(before);
      busy.push(during);
    }
  }
  report('latency', [
    row('p50', 0.5, idle, busy),
    { ...row('p99', 0.99, idle, busy), ...wantedP99(busy) },
    row('max', 1, idle, busy),
  ]);
} finally {
  await cluster.stop();
}

async function print(file: string): Promise<void> {
  const xrx = spawn(command('xrx'), xrxArguments(cluster, 1, ['cat', file]), {
    cwd: cluster.folder,
    env: cluster.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(xrx, 'exit');
  if (status !== 0) {
    throw new Error(`xrx ended with status ${status}`);
  }
}

/** Milliseconds of each request sent until `end`. */
async function answerTimes(end: Promise<void>): Promise<number[]> {
  await using node = await loginToFirst(cluster);
  const session = await node.newSession();
  const file = await session.open('ctl');
  const times: number[] = [];
  let over = false;
  const ended = end.finally(() => {
    over = true;
  });
  while (!over) {
    const start = performance.now();
    await file.read(0, 64);
    times.push(performance.now() - start);
    await sleep(PAUSE_MS);
  }
  await ended;
  await file.clunk();
  await session.close();
  return times;
}

function row(name: string, part: number, idle: number[][], busy: number[][]): Row {
  const over = (rounds: number[][]) => median(rounds.map((times) => percentile(times, part)));
  return {
    what: `answer to another session, ${name}, against idle`,
    measured: milliseconds(over(busy)),
    baseline: milliseconds(over(idle)),
  };
}

function wantedP99(busy: number[][]): Pick<Row, 'wanted' | 'met'> {
  const p99 = median(busy.map((times) => percentile(times, 0.99)));
  return { wanted: `at most ${WANTED_P99_MS} ms`, met: p99 <= WANTED_P99_MS };
}
