import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ALICE, Cluster, startDaemon } from '../support/cluster.js';
import { withoutCgroups } from '../support/namespace.js';
import { lacks, lacksMountNamespaces, lacksRoot } from '../support/needs.js';
import { guardianOf, processesWith, sleepers, uniqueSeconds } from '../support/processes.js';
import { eventually } from '../support/wait.js';

/** Starts sleepers that leave the process group: one with the environment that it was given, one without. */
const ESCAPE = (seconds: string) => [
  'sh',
  '-c',
  `setsid sleep ${seconds} </dev/null >/dev/null 2>&1 & setsid env -i sleep ${seconds}9 </dev/null >/dev/null 2>&1 & wait`,
];
/** Two, of which one leaves the process group, and none minds that nobody wants it any more. */
const UNDETERRED = (seconds: string) =>
  `trap "" HUP PIPE TERM; setsid sleep ${seconds} & sleep ${seconds}; wait`;
/** With and without control groups. */
const WAYS = [
  ['in control groups', undefined],
  ['without control groups', withoutCgroups],
] as const;
const escaped = (seconds: string) => sleepers(seconds).length;

describe.skipIf(lacksRoot())('what escapes from its session', () => {
  let cluster: Cluster | undefined;

  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  test('ends with the session where there are control groups, whatever it did', async (context) => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    const grouped = cluster.node.log.includes('cgroups=yes');
    if (lacks('control groups', grouped)) return context.skip('no control groups here');
    await using node = await cluster.user(ALICE);
    const seconds = uniqueSeconds();
    const session = await node.newSession();
    await session.start(ESCAPE(seconds));
    await eventually('both have escaped', () => escaped(seconds) === 2);
    await session.ctl('signal 9');
    await session.text('wait');
    expect(escaped(seconds)).toBe(2);
    await session.ctl('wipe');
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
  });

  test.skipIf(lacksMountNamespaces())(
    'is found by its environment where there are none',
    async () => {
      cluster = await Cluster.start(1, { users: [ALICE], wrap: withoutCgroups });
      expect(cluster.node.log).toContain('cgroups=no');
      await using node = await cluster.user(ALICE);
      const seconds = uniqueSeconds();
      const other = uniqueSeconds();
      const session = await node.newSession();
      const neighbour = await node.newSession();
      const leave = (time: string) =>
        `setsid sh -c 'while :; do sleep ${time}; done' </dev/null >/dev/null 2>&1 & wait`;
      await session.start(['sh', '-c', leave(seconds)]);
      await neighbour.start(['sh', '-c', leave(other)]);
      await eventually('both have escaped', () => escaped(seconds) === 1 && escaped(other) === 1);
      await session.ctl('wipe');
      await eventually('nothing runs', () => processesWith(seconds).length === 0);
      expect(escaped(other)).toBe(1);
      await neighbour.ctl('wipe');
      await eventually('nothing runs', () => processesWith(other).length === 0);
    },
  );

  test.skipIf(lacksMountNamespaces() || lacks('/dev/fuse', existsSync('/dev/fuse')))(
    'is found by its namespace where it has cleared its environment',
    async () => {
      cluster = await Cluster.start(1, { users: [ALICE], wrap: withoutCgroups });
      await using node = await cluster.user(ALICE);
      const [seconds, other] = [uniqueSeconds(), uniqueSeconds()];
      const [session, neighbour] = [await node.newSession(), await node.newSession()];
      await session.start(ESCAPE(seconds), { ns: 'unshare\n' });
      await neighbour.start(ESCAPE(other), { ns: 'unshare\n' });
      await eventually('all have escaped', () => escaped(seconds) + escaped(other) === 4);
      await session.ctl('signal 9');
      await session.text('wait');
      await session.ctl('wipe');
      await eventually('nothing runs', () => processesWith(seconds).length === 0);
      expect(escaped(other)).toBe(2);
      await neighbour.ctl('wipe');
      await eventually('nothing runs', () => processesWith(other).length === 0);
    },
  );

  test.for(WAYS)('ends, %s, with a daemon that is killed', async ([, wrap], context) => {
    if (wrap && lacksMountNamespaces()) return context.skip('no mount namespaces here');
    cluster = await Cluster.start(1, { users: [ALICE], ...(wrap && { wrap }) });
    const { node: daemon } = cluster;
    await using node = await cluster.user(ALICE);
    const seconds = uniqueSeconds();
    const session = await node.newSession();
    await session.ctl('type persistent');
    await session.start(['sh', '-c', UNDETERRED(seconds)]);
    await eventually('all run', () => escaped(seconds) === 2);
    const cgroups = cgroupsOf(daemon.temporary);
    const guardian = guardianOf(daemon);
    // What is told to all that came of the daemon does not end it.
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(guardian, signal);
    await daemon.crash();
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
    await eventually('nothing is left', () => readdirSync(daemon.temporary).length === 0);
    for (const group of cgroups) expect(existsSync(group)).toBe(false);
    await eventually('the guardian has ended', () => !existsSync(`/proc/${guardian}/exe`));
    expect(daemon.log).toContain('cleared after a crash');
  });

  test('is guarded by little, which goes with a daemon that is stopped', async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    const guardian = guardianOf(cluster.node);
    const status = readFileSync(`/proc/${guardian}/status`, 'utf8');
    expect(Number(/^RssAnon:\s*(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(1024);
    await cluster.node.stop();
    expect(existsSync(`/proc/${guardian}/exe`)).toBe(false);
    expect(cluster.node.log).not.toMatch(/guardian|crash/);
  });

  test.for(WAYS)(
    'is cleared, %s, by a daemon that starts after a crash that nothing survived',
    async ([, wrap], context) => {
      if (wrap && lacksMountNamespaces()) return context.skip('no mount namespaces here');
      cluster = await Cluster.start(1, { users: [ALICE], ...(wrap && { wrap }) });
      const { node: crashed, adminFiles } = cluster;
      const { host, temporary } = crashed;
      const node = await cluster.user(ALICE);
      const seconds = uniqueSeconds();
      const session = await node.newSession();
      await session.ctl('type persistent');
      const fs = await node.root.walk(session.path('fs'));
      await fs.create('left behind', 0o600, 1);
      await session.start(['sh', '-c', UNDETERRED(seconds)]);
      await eventually('all run', () => escaped(seconds) === 2);
      const cgroups = cgroupsOf(temporary);
      const [left] = readdirSync(temporary);
      process.kill(guardianOf(crashed), 'SIGKILL');
      await crashed.crash();
      expect(
        node.client.closed ?? (await new Promise((resolve) => node.client.onClose(resolve))),
      ).toBeDefined();
      expect(escaped(seconds)).toBe(2);
      expect(existsSync(`${temporary}/${left}/sessions/${session.sid}/fs/left behind`)).toBe(true);
      const args = ['-a', adminFiles.publicFile];
      const next = await startDaemon({ host, temporary, args, wrap });
      try {
        expect(next.log).toContain('cleared after a crash');
        expect(processesWith(seconds)).toEqual([]);
        expect(readdirSync(temporary)).toHaveLength(1);
        expect(readdirSync(temporary)).not.toContain(left);
        for (const group of cgroups) expect(existsSync(group)).toBe(false);
      } finally {
        await next.stop();
      }
    },
  );

  test('is cleared once, by a daemon that starts at once after a crash or by the guardian', async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    const { node: crashed, adminFiles } = cluster;
    const { host, temporary } = crashed;
    await using node = await cluster.user(ALICE);
    const seconds = uniqueSeconds();
    for (let count = 0; count < 10; count++) {
      const session = await node.newSession();
      const fs = await node.root.walk(session.path('fs'));
      for (const name of ['a', 'b', 'c']) await (await fs.walk([])).create(name, 0o600, 1);
      await session.start(['sh', '-c', UNDETERRED(seconds)]);
    }
    await eventually('all run', () => escaped(seconds) === 20);
    const crash = crashed.crash();
    const next = await startDaemon({ host, temporary, args: ['-a', adminFiles.publicFile] });
    await crash;
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
    await eventually('nothing is left', () => readdirSync(temporary).length === 1);
    await next.stop();
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a daemon that starts leaves what belongs to a running one alone', async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    const { host, temporary } = cluster.node;
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    await session.start(['cat']);
    const args = ['-a', cluster.adminFiles.publicFile];
    const second = await startDaemon({ host, temporary, args });
    expect(readdirSync(temporary)).toHaveLength(2);
    await second.stop();
    await session.write('stdin', 'still here');
    await session.ctl('close stdin');
    expect(await session.text('stdout')).toBe('still here');
    await session.close();
  });

  test('SIGTERM tells the programs, waits for them, removes everything and exits 0', async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    const { node: daemon } = cluster;
    const node = await cluster.user(ALICE);
    const seconds = uniqueSeconds();
    const polite = await node.newSession();
    const script = `trap 'echo told; exit 7' TERM; echo ready; sleep ${seconds} & wait`;
    const fs = await node.root.walk(polite.path('fs'));
    await fs.create('file', 0o600, 1);
    await polite.start(['sh', '-c', script]);
    const stdout = await polite.open('stdout');
    expect(String(await stdout.read(0, 100))).toBe('ready\n');
    const rest = stdout.readAll();
    const wait = await polite.open('wait');
    const status = wait.readAll();
    daemon.child.kill('SIGTERM');
    expect(String(await status)).toBe(String(7 << 8));
    expect(String(await rest)).toBe('told\n');
    node.close();
    expect(await daemon.ended).toEqual({ status: 0, signal: null });
    expect(readdirSync(daemon.temporary)).toEqual([]);
    expect(processesWith(seconds)).toEqual([]);
    expect(daemon.log).toMatch(/ stopped\n$/);
  });
});

/** The control group of the daemon that has its files there, and those below it. */
function cgroupsOf(temporary: string): string[] {
  const [name] = readdirSync(temporary);
  const { cgroup } = JSON.parse(readFileSync(join(temporary, name!, 'daemon.json'), 'utf8'));
  if (!cgroup) return [];
  return [
    cgroup,
    ...readdirSync(cgroup, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(cgroup, entry.name)),
  ];
}
