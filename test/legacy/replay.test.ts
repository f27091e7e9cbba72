import { parseProcessList } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { Cluster, freePort } from '../support/cluster.js';
import { Statfs } from '../support/statfs.js';
import { eventually } from '../support/wait.js';
import { compare, type Mismatch } from './compare.js';
import { DIFFERENCES, type Difference, explain } from './differences.js';
import {
  keyOf,
  PREPARATIONS,
  type Preparation,
  preparationCommands,
  ROOT,
} from './preparations.js';
import { replay } from './replay.js';
import { readTranscript, transcriptNames } from './transcripts.js';

/** Conversations with statfs, not with a node. */
const WITH_STATFS: ReadonlySet<string> = new Set(['xstat']);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start(1);
});
afterAll(() => cluster?.stop());

const used = new Set<Difference>();

function unexplained(mismatches: readonly Mismatch[]): Mismatch[] {
  return mismatches.filter((mismatch) => {
    const difference = explain(mismatch);
    if (difference) used.add(difference);
    return !difference;
  });
}

describe('the historic clients, replayed against xcpufs', () => {
  for (const name of transcriptNames().filter((name) => !WITH_STATFS.has(name))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const { sessions, pids, release } = await prepare(PREPARATIONS[name] ?? {});
      try {
        const key = keyOf(transcript);
        const options = { key, userKey: ROOT.key, sessions, pids };
        const exchanges = await replay(transcript, cluster.node, options);
        expect(unexplained(compare(name, exchanges, sessions))).toEqual([]);
        expect(exchanges.length).toBeGreaterThan(1);
        expect(cluster.node.running).toBe(true);
      } finally {
        await release();
      }
    });
  }

  it('xstat, against statfs', async () => {
    const transcript = readTranscript('xstat');
    const { name } = cluster.node;
    const down = `127.0.1.9!${await freePort('127.0.1.9')}`;
    const statfs = await Statfs.start({
      directory: cluster.directory,
      nodes: [`n1=tcp!${name}`, `n2=${name}`, `n3=${down}`],
      adminKey: cluster.adminFiles.privateFile,
      host: '127.0.1.250',
    });
    try {
      await statfs.shows({ n1: 'up', n2: 'up', n3: 'down(disconnected)' });
      const options = { key: ROOT.key, userKey: ROOT.key, sessions: new Map(), pids: new Map() };
      const exchanges = await replay(transcript, statfs, options);
      expect(unexplained(compare('xstat', exchanges, new Map()))).toEqual([]);
      expect(exchanges.length).toBeGreaterThan(6);
    } finally {
      await statfs.stop();
    }
  });

  it('differs only where the table says so, and in all that it says', () => {
    expect(DIFFERENCES.filter((difference) => !used.has(difference))).toEqual([]);
  });

  it('leaves out nothing', () => {
    expect(transcriptNames()).toEqual(expect.arrayContaining([...WITH_STATFS]));
    expect(transcriptNames()).toEqual(expect.arrayContaining(Object.keys(PREPARATIONS)));
  });
});

/** Brings the node into the state in which the recorded one was. */
async function prepare(wanted: Preparation) {
  const sessions = new Map<string, string>();
  const pids = new Map<string, string>();
  await using admin = await cluster.admin();
  for (const command of ['group-flush', ...preparationCommands(wanted)]) {
    await admin.nodeCtl(command);
  }
  const { job } = wanted;
  let login: NodeLogin | undefined;
  if (job) {
    login = await cluster.user(ROOT);
    const session = await login.newSession();
    await session.start(['/bin/sleep', '100'], { id: job.id });
    sessions.set(job.sid, session.sid);
    const pid = await session.text('ctl');
    pids.set(job.pid, pid);
    // Between exec and the program there is a moment in which procs shows what starts it.
    await eventually('the job sleeps', async () =>
      parseProcessList(await admin.text('procs')).some(
        (entry) =>
          entry.pid === Number(pid) && entry.cmdline[0] === '/bin/sleep' && entry.state === 'S',
      ),
    );
  }
  const release = async () => {
    login?.close();
    // The job's end is seen by the next transcript's procs otherwise.
    await idle();
  };
  return { sessions, pids, release };
}

/** Waits until no session is left. */
async function idle(): Promise<void> {
  await using admin = await cluster.admin();
  await eventually('no session is left', async () => {
    const directory = await admin.open('/');
    const names = (await directory.readDirectory()).map(({ name }) => name);
    await directory.clunk();
    return !names.some((name) => /^\d+$/.test(name));
  });
}
