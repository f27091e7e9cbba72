import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestSession } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';
import { processesWith, sleepers, uniqueSeconds } from '../support/processes.js';
import { eventually } from '../support/wait.js';

const MANY = 1000;

describe.skipIf(lacksRoot())('a thousand sessions', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
  });
  afterAll(() => cluster?.stop());

  test('at once, and back to none with no file, process, control group or descriptor left', async () => {
    const { node: daemon } = cluster;
    const first = await cluster.user(ALICE);
    await first.run(['true']);
    first.close();
    const before = await settledDescriptors(daemon.pid);
    const node = await cluster.user(ALICE);
    const seconds = uniqueSeconds();
    const sessions = await Promise.all(Array.from({ length: MANY }, () => node.newSession()));
    expect(new Set(sessions.map(({ sid }) => sid)).size).toBe(MANY);
    await Promise.all(sessions.map((session, index) => occupy(session, index, seconds)));
    // Every tenth runs a program: that many processes at once tell as much as a thousand.
    await eventually('all of them run', () => sleepers(seconds).length === MANY / 10);
    const scratch = join(daemon.temporary, readdirSync(daemon.temporary)[0]!);
    const { cgroup } = JSON.parse(readFileSync(join(scratch, 'daemon.json'), 'utf8'));
    expect(readdirSync(join(scratch, 'sessions')).length).toBeGreaterThanOrEqual(MANY / 2);
    if (cgroup) expect(groupsIn(cgroup)).toHaveLength(MANY / 10);
    const root = await node.open('/');
    expect((await root.readDirectory()).filter(({ name }) => /^\d+$/.test(name))).toHaveLength(
      MANY,
    );
    // Half of them end one by one, the other half with the connection.
    await Promise.all(sessions.slice(0, MANY / 2).map((session) => session.ctl('wipe')));
    node.client.destroy();
    await eventually('no process is left', () => processesWith(seconds).length === 0);
    await eventually('no file is left', () => readdirSync(join(scratch, 'sessions')).length === 0);
    await eventually(
      'nothing waits to be removed',
      () => readdirSync(join(scratch, 'trash')).length === 0,
    );
    if (cgroup) {
      await eventually('only empty control groups for the next sessions are left', () => {
        const groups = groupsIn(cgroup).map((name) => join(cgroup, name, 'cgroup.events'));
        return (
          groups.length <= 8 &&
          groups.every((file) => /populated 0/.test(readFileSync(file, 'utf8')))
        );
      });
    }
    expect(await settledDescriptors(daemon.pid)).toEqual(before);
    await using again = await cluster.user(ALICE);
    const list = await again.open('/');
    expect((await list.readDirectory()).filter(({ name }) => /^\d+$/.test(name))).toEqual([]);
    expect(existsSync(scratch)).toBe(true);
  });

  /** Opens its files; some push a file, some are persistent, some run a program that ignores SIGHUP no longer than asked. */
  async function occupy(session: TestSession, index: number, seconds: string): Promise<void> {
    for (const file of ['stdout', 'stderr', 'wait']) {
      const fid = await session.open(file);
      fid.read(0, 100).catch(() => {});
    }
    if (index % 2 === 0) {
      const fs = await session.node.root.walk(session.path('fs'));
      await fs.create(`file ${index}`, 0o644, OpenMode.WRITE);
      await fs.write(0, Buffer.from('contents'));
    }
    if (index % 10 === 0) await session.start(['sleep', seconds]);
    // Those of the first half are wiped: the connection's end would not end them.
    if (index % 7 === 0 && index < MANY / 2) await session.ctl('type persistent');
  }
});

/** How many descriptors of each kind a process has open, once that no longer changes. */
async function settledDescriptors(pid: number): Promise<Record<string, number>> {
  let last = '';
  return eventually('descriptors settle', () => {
    const now = descriptors(pid);
    const text = JSON.stringify(now);
    const settled = text === last;
    last = text;
    return settled && now;
  });
}

/** Pipes that are made ahead, in sets of four, count as none. */
function descriptors(pid: number): Record<string, number> {
  const kinds: Record<string, number> = { pipe: 0, socket: 0 };
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = linkOf(`/proc/${pid}/fd/${fd}`)?.replace(/:\[\d+\]$/, '');
    if (kind) kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  expect(kinds.pipe).toBeLessThan(50);
  return { ...kinds, pipe: (kinds.pipe ?? 0) % 4 };
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function groupsIn(cgroup: string): string[] {
  const entries = readdirSync(cgroup, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
