import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageType, NONUNAME, OpenMode } from '@xcpu/9p-protocol';
import { attach } from '@xcpu/9p-protocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Daemon, freePort, startDaemon } from '../support/cluster.js';
import { runCommand, startCommand } from '../support/command.js';
import { Site } from '../support/site.js';
import { Statfs } from '../support/statfs.js';
import { eventually } from '../support/wait.js';

const UP = { n1: 'up', n2: 'up', n3: 'up' };

describe('statfs on three nodes', () => {
  let site: Site;
  let statfs: Statfs;
  let lines: string[];
  let http: string;
  let returned: Daemon | undefined;

  beforeAll(async () => {
    site = await Site.start(3);
    lines = site.cluster.nodes.map(({ name }, index) => `n${index + 1}=${name}`);
    http = `127.0.1.251:${await freePort('127.0.1.251')}`;
    statfs = await Statfs.start({
      directory: site.cluster.directory,
      nodes: lines,
      adminKey: site.cluster.adminFiles.privateFile,
      host: '127.0.1.251',
      args: ['--http', http],
    });
    await statfs.shows(UP);
  });
  afterAll(async () => {
    await statfs?.stop();
    await returned?.stop();
    await site?.stop();
  });

  /** For commands that ask for all nodes; no node map, so that addresses come from statfs. */
  const env = () => ({ XCPU_STATFS: statfs.name, XCPU_NODES_FILE: '/dev/null' });
  const rows = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/));
  const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

  test('xstat shows a table and sums it up', async () => {
    const { status, stdout, stderr } = await statfs.xstat();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [header, first, ...others] = rows(stdout);
    expect(header?.join(' ')).toBe('NODE ADDRESS ARCH STATE JOBS LOAD MEMORY UPTIME');
    expect(first?.slice(0, 5)).toEqual([
      ...['n1', site.cluster.node.name, expect.stringMatching(/^\/Linux\/\w+$/), 'up', '0'],
    ]);
    expect(first?.slice(5).join(' ')).toMatch(/^\d+\.\d\d \d+\.\d\/\d+\.\dG (\d+[dhm])+$/);
    expect(others).toHaveLength(3);
    expect(lastLine(stdout)).toBe('up 3');
  });

  test('xstat shows the nodes that it is asked for, as text and as JSON', async () => {
    const some = await statfs.xstat('n[2-3]');
    expect(rows(some.stdout).map(([name]) => name)).toEqual(['NODE', 'n2', 'n3', 'up']);
    const [node, ...others] = JSON.parse((await statfs.xstat('--json', '-w', 'n2')).stdout);
    expect(others).toEqual([]);
    expect(node).toMatchObject({ name: 'n2', state: 'up', jobs: 0, load1: expect.any(Number) });
    const all = await runCommand('xstat', ['-s', statfs.name, '-a'], { env: { NODES: 'n2' } });
    expect(lastLine(all.stdout)).toBe('up 3');
    const unknown = await statfs.xstat('n[2,8-9]');
    expect(unknown).toMatchObject({
      status: 1,
      stderr: 'xstat: statfs does not know n[8-9]\n',
    });
    expect(rows(unknown.stdout).map(([name]) => name)).toEqual(['NODE', 'n2', 'up']);
  });

  test.each([
    [['--raw', '--json'], '--raw and --json exclude each other'],
    [['n1', 'n2'], 'too many operands'],
    [['--all', 'n1'], '--all means all nodes: leave out n1'],
    [['n[1-'], 'n[1-'],
    [['-s', 'a!b!c'], 'the address of statfs: invalid address "a!b!c"'],
    [['--watch=soon'], '--watch soon: a number of seconds above 0 is wanted'],
  ])('xstat refuses %j', async (args, reason) => {
    const { status, stderr } = await statfs.xstat(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(`xstat: `);
    expect(stderr).toContain(reason);
  });

  test('xstat --watch prints again and again, until nobody reads any more', async () => {
    const watching = startCommand('xstat', ['--watch=0.1', 'n1'], {
      env: { XCPU_STATFS: statfs.name },
    });
    await eventually('it printed three times', () => {
      return watching.output.stdout.split('up 1\n').length > 3;
    });
    watching.child.stdout.destroy();
    expect(await watching.result).toMatchObject({ status: 0, stderr: '' });
  });

  test('-a means all nodes that are up, in every command', async () => {
    const xrx = await site.xrx(['-a', '-l', '-p', 'echo', 'here'], { env: env() });
    expect(xrx).toMatchObject({ status: 0, stderr: '' });
    expect(xrx.stdout.split('\n').sort()).toEqual(['', 'n1: here', 'n2: here', 'n3: here']);
    const xps = await site.run('xps', ['--all'], { env: env() });
    const names = rows(xps.stdout).map(([name]) => name);
    expect(new Set(names)).toEqual(new Set(['NODE', 'n1', 'n2', 'n3']));
    const add = await site.run('xgroupset', ['add', '-a', 'everywhere', '4711'], { env: env() });
    expect(add).toMatchObject({ status: 0, stderr: '' });
    for (const node of site.cluster.nodes) {
      await using admin = await site.cluster.admin(node);
      expect(await admin.text('grent')).toContain('everywhere:4711\n');
    }
  });

  test('-a goes with no other way to name nodes, nor with nobody to ask', async () => {
    const both = await site.run('xps', ['-a', '-w', 'n1'], { env: env() });
    expect(both.status).toBe(2);
    expect(both.stderr).toContain('-w names nodes, --all means all');
    const nowhere = `127.0.1.251!${await freePort('127.0.1.251')}`;
    const nobody = await site.run('xps', ['-a'], { env: { XCPU_STATFS: nowhere } });
    expect(nobody).toMatchObject({ status: 1, stdout: '' });
    expect(nobody.stderr).toBe(
      `xps: statfs: connection refused (${nowhere}): is statfs running there? $XCPU_STATFS names its host\n`,
    );
    expect(await runCommand('xstat', ['-s', nowhere])).toMatchObject({ status: 1, stdout: '' });
  });

  test('what an administrator says of a node is shown, and keeps -a off it', async () => {
    {
      await using admin = await site.cluster.admin(site.cluster.nodes[1]);
      await admin.write('state', 'drained\n', OpenMode.WRITE | OpenMode.TRUNCATE);
    }
    await statfs.shows({ n1: 'up', n2: 'drained' });
    expect(lastLine((await statfs.xstat()).stdout)).toBe('up 2, drained 1: n2');
    const { stdout } = await site.xrx(['-a', '-l', '-p', 'true'], { env: env() });
    expect(stdout).toBe('');
    const { stdout: all } = await site.xrx(['-a', '-l', '-p', 'echo', 'here'], { env: env() });
    expect(all.split('\n').sort()).toEqual(['', 'n1: here', 'n3: here']);
    {
      await using admin = await site.cluster.admin(site.cluster.nodes[1]);
      await admin.write('state', '', OpenMode.WRITE | OpenMode.TRUNCATE);
    }
    await statfs.shows(UP);
  });

  test('sessions are counted', async () => {
    const job = site.startXrx(['-l', 'n1', 'cat']);
    const jobs = async () => JSON.parse((await statfs.xstat('--json', 'n1')).stdout)[0].jobs;
    await eventually('one is there', async () => (await jobs()) === 1);
    job.child.stdin.end();
    expect((await job.result).status).toBe(0);
    await eventually('it is gone', async () => (await jobs()) === 0);
  });

  test('a crashed node is down until it is back', async () => {
    const third = site.cluster.nodes[2]!;
    await third.crash();
    await statfs.shows({ ...UP, n3: 'down(disconnected)' });
    expect(lastLine((await statfs.xstat()).stdout)).toBe('up 2, down 1: n3');
    const { stdout } = await site.xrx(['-a', '-l', '-p', 'echo', 'here'], { env: env() });
    expect(stdout.split('\n').sort()).toEqual(['', 'n1: here', 'n2: here']);
    const { host, port, temporary } = third;
    const sameUser = process.getuid?.() === 0 ? [] : ['-s'];
    const args = ['-a', site.cluster.adminFiles.publicFile, ...sameUser];
    returned = await startDaemon({ host, port, temporary, args });
    await statfs.shows(UP);
  });

  test('its files tell of each node and of all, to everybody', async () => {
    const client = await statfs.connect();
    const type = MessageType.Tauth;
    const who = { uname: 'xcpu-admin', aname: '', nUname: NONUNAME };
    await expect(client.request({ type, afid: 99, ...who })).rejects.toThrow(/authentication/);
    const root = await attach(client, { uname: 'stranger' });
    const text = async (path: string) => {
      const file = await root.walkOpen(path, OpenMode.READ);
      return (await file.readAll()).toString();
    };
    expect(await text('nodes/n1/state')).toBe('up\n');
    expect(await text('nodes/n1/arch')).toMatch(/^\/Linux\/\w+\n$/);
    expect(await text('nodes/n1/jobs')).toBe('0\n');
    expect(await text('nodes/n1/load')).toMatch(/^[\d.]+ [\d.]+ [\d.]+\n$/);
    expect(await text('nodes/n1/memory')).toMatch(/^\d+ \d+\n$/);
    expect(await text('nodes/n1/uptime')).toMatch(/^\d+\n$/);
    expect(await text('nodes/n1/lastseen')).toMatch(/^\d{10}\n$/);
    expect(await text('metrics')).toContain('xcpu_node_up{node="n1"} 1\n');
    await expect(text('nodes/n9/state')).rejects.toThrow('not found');
    for (const path of ['state', 'details', 'metrics', 'nodes/n1/state']) {
      const opened = root.walkOpen(path, OpenMode.READ_WRITE);
      await expect(opened).rejects.toThrow('permission denied');
    }
    const directory = await root.walkOpen('nodes', OpenMode.READ);
    const names = (await directory.readDirectory()).map(({ name }) => name);
    expect(names).toEqual(['n1', 'n2', 'n3']);
    client.close();
  });

  test('metrics are served over HTTP, too', async () => {
    const response = await fetch(`http://${http}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(/^# HELP xcpu_nodes .*\n# TYPE xcpu_nodes gauge\nxcpu_nodes 3\n/);
    expect((await fetch(`http://${http}/`)).status).toBe(404);
  });

  test('SIGHUP changes what is watched, and leaves alone what stays', async () => {
    const logins = () => site.cluster.node.log.match(/ login user=xcpu-admin /g)?.length;
    const before = logins();
    const [first = '', second = ''] = lines;
    await statfs.configure([second, 'x7=127.0.1.10!1', first.replace('=', '=tcp!')]);
    expect(statfs.log).toMatch(/configuration read .*nodes=3 added=1 removed=1/);
    await statfs.shows({ n1: 'up', n2: 'up', x7: 'down(disconnected)' });
    expect([...(await statfs.states()).keys()]).toEqual(['n2', 'x7', 'n1']);
    expect(logins()).toBe(before);

    await statfs.configure(['n1', 'n2=127.0.1.9!0', '']);
    expect(statfs.log).toMatch(/configuration kept .*statfs\.conf:1: /);
    expect(statfs.log).toMatch(/configuration kept .*statfs\.conf:2: /);
    expect([...(await statfs.states()).keys()]).toEqual(['n2', 'x7', 'n1']);

    await statfs.configure(lines);
    await statfs.shows(UP);
    expect(logins()).toBe(before);
  });

  test('SIGTERM ends it in order', async () => {
    expect(await statfs.stop()).toBe(0);
    expect(statfs.log).toMatch(/ stopping\n.* stopped\n$/);
  });
});

describe('statfs does not start', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-statfs-'));
    await writeFile(join(directory, 'nodes'), 'n1=127.0.1.8\n');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each([
    [['-c', '/dev/null'], 1, 'statfs: /dev/null: names no nodes'],
    [['-c', '/nonexistent'], 1, 'statfs: /nonexistent: cannot be read: no such file or directory'],
    [['-A', '/nonexistent'], 1, 'statfs: cannot read the private key /nonexistent'],
    [['--http', 'here'], 2, '--http <[addr:]port>'],
    [['nodes'], 2, 'too many arguments'],
  ])('with %j', async (args, status, reason) => {
    const env = { XCPU_NODES_FILE: join(directory, 'nodes') };
    const result = await runCommand('statfs', args, { env });
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(reason);
    expect(result.stderr).not.toContain('    at ');
  });
});
