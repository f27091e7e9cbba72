import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, Cluster, freePort } from '../../support/cluster.js';
import { type CommandOptions, runCommand, startCommand } from '../../support/command.js';
import type { KeyFiles } from '../../support/keys.js';

let cluster: Cluster;
let key: KeyFiles;
let first: string;
let second: string;
beforeAll(async () => {
  cluster = await Cluster.start(2, { users: [ALICE], samePort: true });
  key = await cluster.writeUserKey(ALICE);
  [first, second] = cluster.nodes.map((node) => node.name) as [string, string];
});
afterAll(() => cluster?.stop());

const silent: Server[] = [];
afterEach(() => {
  for (const server of silent.splice(0)) server.close();
});

function login(args: readonly string[]): string[] {
  return ['--user', ALICE.name, '-k', key.privateFile, ...args];
}

function xrx(args: readonly string[], options: CommandOptions = {}) {
  return runCommand('xrx', login(args), options);
}

describe('xrx', () => {
  it("exits as the program did, with the largest of the nodes' statuses", async () => {
    expect(await xrx([first, '/bin/sh', '-c', 'exit 3'])).toMatchObject({ status: 3 });
    expect(await xrx([first, '/bin/sh', '-c', 'kill -9 $$'])).toMatchObject({ status: 137 });
    const script = `[ "\${XCPUID#*/}" = 2 ] && exit 5; exit 4`;
    expect(await xrx([cluster.nodeSet, '/bin/sh', '-c', script])).toMatchObject({ status: 5 });
  });

  for (const option of ['-p', '-L']) {
    it(`${option} keeps a last line without newline`, async () => {
      const { stdout, status } = await xrx([option, first, '/usr/bin/printf', 'one\\ntwo']);
      expect(status).toBe(0);
      expect(stdout).toMatch(/one\n/);
      expect(stdout).toMatch(/two\n?$/);
    });
  }

  it('runs on the others when a node is dead', async () => {
    const dead = `127.0.1.99!${await freePort('127.0.1.99')}`;
    const { stdout, stderr, status } = await xrx([`${dead},${first}`, '/bin/echo', 'alive']);
    expect(stdout).toBe('alive\n');
    expect(stderr).toContain(dead);
    expect(status).toBe(254);
  });

  it('sets up all nodes at once: one that does not answer holds up no other', async () => {
    const server = createServer(() => {});
    silent.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.1.98', resolve));
    const bound = server.address() as { port: number };
    const mute = `127.0.1.98!${bound.port}`;
    const nodes = `${mute},${first},${second}`;
    const args = login(['--connect-timeout', '30', '-p', nodes, '/bin/echo', 'done']);
    const running = startCommand('xrx', args);
    running.child.stdin.end();
    try {
      await Promise.all([running.printed(`${first}: done`), running.printed(`${second}: done`)]);
      expect(running.child.exitCode).toBeNull();
    } finally {
      running.child.kill('SIGKILL');
      await running.result;
    }
  });

  it('keeps empty arguments and newlines in them', async () => {
    const args = ['/usr/bin/printf', '[%s]', 'a', '', 'b c', "it's", 'two\nlines', 'end'];
    const { stdout } = await xrx([first, ...args]);
    expect(stdout).toBe("[a][][b c][it's][two\nlines][end]");
  });

  it('moves output in large pieces', async () => {
    const { stdout, stderr, status } = await xrx([
      '-d',
      first,
      '/bin/sh',
      '-c',
      'head -c 300000 /dev/zero | tr "\\0" x',
    ]);
    expect(status).toBe(0);
    expect(stdout).toHaveLength(300_000);
    const counts = [...stderr.matchAll(/Tread\b.*?count (\d+)/g)].map((match) => Number(match[1]));
    expect(Math.max(...counts)).toBeGreaterThan(8192);
  });

  it('understands all forms of node sets', async () => {
    const file = await cluster.writeNodeMap('n00');
    const env = { XCPU_NODES_FILE: file };
    const { port } = cluster.node;
    for (const nodes of [
      'n00[1,2]',
      'n[001-002]',
      'n001,n002',
      `127.0.1.[8-9]!${port}`,
      `127.0.[1-1].[8,9]!${port}`,
      `tcp!127.0.1.8!${port},127.0.1.9!${port}`,
    ]) {
      const result = await xrx([nodes, '/bin/echo', 'here'], { env });
      expect(result, nodes).toMatchObject({ status: 0, stdout: 'here\nhere\n', stderr: '' });
    }
  });
});

describe('xps', () => {
  it('-J finds a job', async () => {
    const running = startCommand(
      'xrx',
      login(['-j', 'nightly', first, '/bin/sh', '-c', 'echo up; exec sleep 60']),
    );
    try {
      await running.printed('up');
      const args = ['-A', cluster.adminFiles.privateFile, '-J', 'nightly', cluster.nodeSet];
      const { stdout, status } = await runCommand('xps', args);
      expect(status).toBe(0);
      const [header, ...rows] = stdout.trimEnd().split('\n');
      expect(header?.split(/\s+/)).toEqual([
        'NODE',
        'PID',
        'TTY',
        'STAT',
        'TIME',
        'JOBID',
        'COMMAND',
      ]);
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatch(/nightly\/1 +sleep 60$/);
      const other = await runCommand('xps', [...args.slice(0, 3), 'hourly', cluster.nodeSet]);
      expect(other.stdout).not.toContain('sleep 60');
    } finally {
      running.child.kill('SIGKILL');
      await running.result;
    }
  });
});
