import { parseProcessList } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { eventually } from '../support/wait.js';
import { compare } from './compare.js';
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

/** Conversations that our server has no part in. */
const NOT_OURS: Readonly<Record<string, string>> = {
  xstat: 'a conversation with statfs, which does not exist yet',
};

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start(1);
});
afterAll(() => cluster?.stop());

const used = new Set<Difference>();

describe('the historic clients, replayed against xcpufs', () => {
  for (const name of transcriptNames().filter((name) => !(name in NOT_OURS))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const { sessions, pids, release } = await prepare(PREPARATIONS[name] ?? {});
      try {
        const key = keyOf(transcript);
        const options = { key, userKey: ROOT.key, sessions, pids };
        const exchanges = await replay(transcript, cluster.node, options);
        const mismatches = compare(name, exchanges, sessions);
        const unexplained = mismatches.filter((mismatch) => {
          const difference = explain(mismatch);
          if (difference) used.add(difference);
          return !difference;
        });
        expect(unexplained).toEqual([]);
        expect(exchanges.length).toBeGreaterThan(1);
        expect(cluster.node.running).toBe(true);
      } finally {
        await release();
      }
    });
  }

  it('differs only where the table says so, and in all that it says', () => {
    expect(DIFFERENCES.filter((difference) => !used.has(difference))).toEqual([]);
  });

  it('leaves out nothing but what the table names', () => {
    expect(transcriptNames()).toEqual(expect.arrayContaining(Object.keys(NOT_OURS)));
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
