/**
 * What a daemon takes of the node's memory: idle, for each idle session, and at most while a program prints 1 GiB to
 * a slow reader. Resident memory (VmRSS and VmHWM of proc(5)), each figure from daemons that did nothing else.
 */
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../scripts/lib/cluster.mjs';
import type { TestSession } from '../test/support/client.js';
import { loginToFirst, startNodes } from './lib/nodes.js';
import { kilobytes, median, megabytes, report } from './lib/report.js';
import { roundsFor } from './lib/rounds.js';

const ROUNDS = roundsFor(5);
const SESSIONS = 1_000;
const BYTES = 2 ** 30;
const WANTED_IDLE = 70e6;
const WANTED_SESSION = 64e3;
const WANTED_PEAK = 150e6;
/** A reader of some 100 MB/s: far slower than the program that writes. */
const READ_SIZE = 256 * 1024;
const READ_PAUSE_MS = 1;

const idle: number[] = [];
const perSession: number[] = [];
const peak: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  await withNode(async (cluster) => {
    await sleep(500);
    idle.push(await memory(cluster, 'VmRSS'));
    perSession.push(await memoryPerSession(cluster));
  });
  await withNode(async (cluster) => {
    await readSlowly(cluster);
    peak.push(await memory(cluster, 'VmHWM'));
  });
}
report('memory', [
  {
    what: 'daemon, idle',
    measured: megabytes(median(idle)),
    wanted: 'at most 70 MB',
    met: median(idle) <= WANTED_IDLE,
  },
  {
    what: `idle session, one of ${SESSIONS}`,
    measured: kilobytes(median(perSession)),
    wanted: 'at most 64 KB',
    met: median(perSession) <= WANTED_SESSION,
  },
  {
    what: 'daemon, at most, 1 GiB to a slow reader',
    measured: megabytes(median(peak)),
    wanted: 'at most 150 MB',
    met: median(peak) <= WANTED_PEAK,
  },
]);

async function withNode(use: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await startNodes(1);
  try {
    await use(cluster);
  } finally {
    await cluster.stop();
  }
}

/** A line of /proc/PID/status, in bytes. */
async function memory(cluster: Cluster, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${cluster.nodes[0]?.pid}/status`, 'utf8');
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
}

/** Log-in and a first session are not charged to the sessions. */
async function memoryPerSession(cluster: Cluster): Promise<number> {
  await using node = await loginToFirst(cluster);
  const sessions: TestSession[] = [await node.newSession()];
  const before = await memory(cluster, 'VmRSS');
  while (sessions.length <= SESSIONS) {
    sessions.push(await node.newSession());
  }
  const after = await memory(cluster, 'VmRSS');
  await Promise.all(sessions.map((session) => session.close()));
  return (after - before) / SESSIONS;
}

async function readSlowly(cluster: Cluster): Promise<void> {
  const file = join(cluster.folder, 'zeros');
  await writeFile(file, '');
  await truncate(file, BYTES);
  await using node = await loginToFirst(cluster);
  const session = await node.newSession();
  const stdout = await session.open('stdout');
  await session.start(['cat', file]);
  let offset = 0;
  for (;;) {
    const data = await stdout.read(offset, READ_SIZE);
    if (data.length === 0) {
      break;
    }
    offset += data.length;
    await sleep(READ_PAUSE_MS);
  }
  if (offset !== BYTES) {
    throw new Error(`${offset} of ${BYTES} bytes came`);
  }
  await stdout.clunk();
  await session.close();
}
