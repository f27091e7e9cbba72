import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';
import { processesWith, sleepers, uniqueSeconds } from '../support/processes.js';
import { eventually } from '../support/wait.js';

describe.skipIf(lacksRoot())('the life of a session', () => {
  let cluster: Cluster;
  /** Alice may write here: her programs leave notes. */
  let notes: string;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    notes = join(cluster.directory, 'notes');
    await mkdir(notes);
    await chown(notes, ALICE.uid, ALICE.gid);
  });
  afterAll(() => cluster?.stop());

  const sessions = async (node: NodeLogin) => {
    const root = await node.open('/');
    const names = (await root.readDirectory()).map(({ name }) => name);
    await root.clunk();
    return names.filter((name) => /^\d+$/.test(name));
  };
  const gone = (sid: string) =>
    eventually(`session ${sid} is gone`, async () => {
      await using node = await cluster.user(ALICE);
      return !(await sessions(node)).includes(sid);
    });

  test('ends with the last fid that names one of its files, on whatever connection', async () => {
    await using first = await cluster.user(ALICE);
    const second = await cluster.user(ALICE);
    const session = await first.newSession();
    const walked = await second.root.walk(session.path('stdout'));
    await session.close();
    expect(await sessions(first)).toContain(session.sid);
    await walked.walk([]);
    await walked.clunk();
    expect(await sessions(first)).toContain(session.sid);
    second.close();
    await gone(session.sid);
  });

  test('its number is not used again', async () => {
    await using node = await cluster.user(ALICE);
    const first = await node.newSession();
    await first.close();
    const second = await node.newSession();
    expect(Number(second.sid)).toBeGreaterThan(Number(first.sid));
    await second.close();
  });

  test('its program is told by SIGHUP when nobody holds it any more', async () => {
    const node = await cluster.user(ALICE);
    const session = await node.newSession();
    const seconds = uniqueSeconds();
    const note = join(notes, 'hup');
    const script = `trap 'echo told >${note}; exit' HUP; echo ready; while :; do sleep ${seconds} & wait; done`;
    await session.start(['sh', '-c', script]);
    const stdout = await session.open('stdout');
    expect(String(await stdout.read(0, 100))).toBe('ready\n');
    node.client.destroy();
    await gone(session.sid);
    expect(await readFile(note, 'utf8')).toBe('told\n');
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
  });

  test('a program that ignores SIGHUP is killed after the grace; one that is held again is not', async () => {
    const node = await cluster.user(ALICE);
    const seconds = uniqueSeconds();
    const start = async () => {
      const session = await node.newSession();
      await session.start([
        'sh',
        '-c',
        `trap "" HUP; echo ready; while :; do sleep ${seconds}; done`,
      ]);
      const stdout = await session.open('stdout');
      expect(String(await stdout.read(0, 100))).toBe('ready\n');
      return session;
    };
    const ignored = await start();
    const rescued = await start();
    await using other = await cluster.user(ALICE);
    node.client.destroy();
    await eventually(
      'the connection is gone',
      async () => (await other.text(rescued.path('id'))) === '/0',
    );
    const held = await other.root.walk(rescued.path('wait'));
    expect(await sessions(other)).toEqual(expect.arrayContaining([ignored.sid, rescued.sid]));
    await eventually(
      'it was killed',
      async () => !(await sessions(other)).includes(ignored.sid),
      20_000,
    );
    expect(await sessions(other)).toContain(rescued.sid);
    await other.write(rescued.path('ctl'), 'wipe\n');
    await held.clunk();
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
  });

  test('a persistent one stays without a connection, runs on and keeps its output', async () => {
    const node = await cluster.user(ALICE);
    const session = await node.newSession();
    const note = join(notes, 'fifo');
    await session.ctl('type persistent');
    await session.start([
      'sh',
      '-c',
      `mkfifo ${note}; echo before; read line <${note}; echo "$line"`,
    ]);
    const wait = await session.open('wait');
    node.client.destroy();
    await using later = await cluster.user(ALICE);
    expect(wait.client.closed).toBeDefined();
    expect(await sessions(later)).toContain(session.sid);
    await later.run([
      'sh',
      '-c',
      `while ! test -p ${note}; do sleep 0.01; done; echo after >${note}`,
    ]);
    expect(await later.text(session.path('wait'))).toBe('0');
    expect(await later.text(session.path('stdout'))).toBe('before\nafter\n');
    await later.write(session.path('ctl'), 'wipe\n');
    expect(await sessions(later)).not.toContain(session.sid);
  });

  test('a persistent one that is made normal again ends with its last fid', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    await session.ctl('type persistent');
    await session.ctl('type normal');
    await session.close();
    await gone(session.sid);
  });

  test('wipe kills the program and answers what waits for it', async () => {
    await using node = await cluster.user(ALICE);
    await using other = await cluster.user(ALICE);
    const session = await node.newSession();
    const seconds = uniqueSeconds();
    await session.start(['sh', '-c', `sleep ${seconds} & sleep ${seconds}`]);
    const waiting = [node, other].flatMap((each) =>
      ['stdout', 'stderr', 'stdio', 'wait'].map((file) => each.text(session.path(file))),
    );
    await eventually('they wait', () => processesWith(seconds).length >= 2);
    await session.ctl('wipe');
    expect(await Promise.all(waiting)).toEqual(['', '', '', '9', '', '', '', '9']);
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
    expect(await sessions(node)).not.toContain(session.sid);
    await expect(session.ctl('exec true')).rejects.toThrow();
  });

  test('wipe before exec answers wait with a status too', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    const wait = session.text('wait');
    const stdout = session.text('stdout');
    await session.text('id');
    await session.ctl('wipe');
    expect(await wait).toBe('9');
    expect(await stdout).toBe('');
  });

  test('a file that was open before the wipe answers an error, not another session', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    const files = await Promise.all(['env', 'argv', 'ns'].map((file) => session.open(file, 2)));
    const ctl = await session.open('ctl', 2);
    await session.ctl('wipe');
    for (const fid of files)
      await expect(fid.write(0, Buffer.from('x=y'))).rejects.toThrow('session wiped');
    for (const command of [
      'exec true',
      'signal 9',
      'close stdin',
      'id x/1',
      'type persistent',
      'wipe',
    ]) {
      await expect(ctl.write(0, Buffer.from(`${command}\n`)), command).rejects.toThrow(
        'session wiped',
      );
    }
    for (const fid of [...files, ctl]) await fid.clunk();
  });

  test('ctl reads as the process id while the program runs, else -1', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    expect(await session.text('ctl')).toBe('-1');
    await session.start(['sh', '-c', 'echo $$; read line']);
    const stdout = await session.open('stdout');
    expect(String(await stdout.read(0, 100))).toBe(`${await session.text('ctl')}\n`);
    await session.ctl('close stdin');
    await session.text('wait');
    expect(await session.text('ctl')).toBe('-1');
    await session.close();
  });

  test('signals reach the whole process group', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    const seconds = uniqueSeconds();
    await expect(session.ctl('signal 15')).rejects.toThrow('program not started');
    await session.start(['sh', '-c', `sleep ${seconds} & sleep ${seconds} & wait`]);
    await eventually('three run', () => processesWith(seconds).length === 3);
    await session.ctl('signal SIGTERM');
    expect(await session.text('wait')).toBe('15');
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
    await session.close();
  });

  test('a signal with a pid reaches that process alone, if it is one of the session', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    const other = await node.newSession();
    const seconds = uniqueSeconds();
    await session.start(['sh', '-c', `sleep ${seconds} & setsid sleep ${seconds} & wait`]);
    await other.start(['sleep', '1000']);
    await eventually('both sleep', () => sleepers(seconds).length === 2);
    for (const pid of [await other.text('ctl'), String(cluster.node.pid), '1', '4194303']) {
      await expect(session.ctl(`signal 9 ${pid}`)).rejects.toThrow(
        `${pid}: not a process of this session`,
      );
    }
    const [first, second] = sleepers(seconds);
    await session.ctl(`signal 9 ${first}`);
    await eventually('one sleeps', () => sleepers(seconds).length === 1);
    await session.ctl(`signal 9 ${second}`);
    expect(await session.text('wait')).toBe('0');
    await expect(session.ctl(`signal 9 ${second}`)).rejects.toThrow('not a process');
    expect(await other.text('ctl')).not.toBe('-1');
    await Promise.all([session.close(), other.close()]);
  });

  test('what a program leaves in its group when it ends goes with the session', async () => {
    await using node = await cluster.user(ALICE);
    const session = await node.newSession();
    const seconds = uniqueSeconds();
    await session.start(['sh', '-c', `sleep ${seconds} >/dev/null 2>&1 & echo done`]);
    expect(await session.text('wait')).toBe('0');
    await eventually('it sleeps', () => sleepers(seconds).length === 1);
    await session.close();
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
  });
});
