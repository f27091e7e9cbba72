import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, startCommand } from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';
import { OlderNode, type OlderNodeOptions } from '../support/older-node.js';
import { Site } from '../support/site.js';
import { eventually } from '../support/wait.js';

/** What xcpu2 had. */
const OLD_COMMANDS = ['exec', 'wipe', 'signal', 'close', 'redirect', 'id', 'type', 'connect'];

let directory: string;
let key: string;
const nodes: OlderNode[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xcpu-older-'));
  key = (await writeKey(testKey('alice_key'), directory)).privateFile;
});
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop())));
afterAll(() => rm(directory, { recursive: true, force: true }));

async function startNode(options: Partial<OlderNodeOptions> = {}): Promise<OlderNode> {
  const node = await OlderNode.start({
    host: '127.0.1.60',
    without: [],
    commands: OLD_COMMANDS,
    admin: 'xcpu-admin',
    ...options,
  });
  nodes.push(node);
  return node;
}

const as = (user: string) => ['--user', user, '-k', key];
const lacks = (file: string) =>
  `the node's xcpufs has no file ${file}; it is older than these tools`;

describe('an older xcpufs', () => {
  test('that knows no set-up commands is written files', async () => {
    const node = await startNode();
    const script = 'echo $1; cat; echo $A >&2; exit 3';
    const args = [...as('alice'), '-l', node.name, 'sh', '-c', script, 'sh', "it's"];
    const result = await runCommand('xrx', args, { input: 'in\n' });
    expect(result).toMatchObject({ status: 3, stdout: "it's\nin\n", stderr: '\n' });
    expect(node.sessions[0]!.opened).toEqual(expect.arrayContaining(['env', 'argv', 'ns']));
    expect(node.sessions[0]!.commands).toContain('exec sh');
  });

  test('that knows some of them is written files, too', async () => {
    const node = await startNode({ commands: [...OLD_COMMANDS, 'env'] });
    const args = [...as('alice'), '-l', '--no-stdin', node.name, 'echo', 'done'];
    expect(await runCommand('xrx', args)).toMatchObject({
      status: 0,
      stdout: 'done\n',
      stderr: '',
    });
  });

  test('that lacks a command for which there is no other way is named', async () => {
    const node = await startNode({ commands: OLD_COMMANDS.filter((name) => name !== 'id') });
    expect(await runCommand('xrx', [...as('alice'), '-l', node.name, 'true'])).toMatchObject({
      status: 125,
      stderr: `xrx: ${node.name}: unknown command: the node's xcpufs is older than these tools\n`,
    });
    const group = await runCommand('xgroupset', ['-A', key, node.name, 'crew', '7']);
    expect(group).toMatchObject({
      status: 1,
      stderr: `xgroupset: ${node.name}: unknown command: the node's xcpufs is older than these tools\n`,
    });
  });

  test('without `term` runs its own programs, and says what it takes to run yours', async () => {
    const node = await startNode();
    expect(await runCommand('xrx', [...as('alice'), node.name, 'true'])).toMatchObject({
      status: 125,
      stderr: `xrx: ${node.name}: ${lacks('term')} and cannot reach your files: run what is there, with -l\n`,
    });
  });

  test('without `fs`, or without persistent sessions, is named', async () => {
    const node = await startNode({ commands: OLD_COMMANDS.filter((name) => name !== 'type') });
    const ship = await runCommand('xrx', [...as('alice'), '--ship', node.name, '/bin/true']);
    expect(ship).toMatchObject({
      status: 125,
      stderr: `xrx: ${node.name}: ${lacks('fs')}: run what is there, without --ship\n`,
    });
    const detached = await runCommand('xrx', [...as('alice'), '--detach', '-l', node.name, 'true']);
    expect(detached.status).toBe(125);
    expect(detached.stderr).toContain(
      `${node.name}: unknown command: the node's xcpufs is older than these tools\n`,
    );
    expect(node.sessions.every(({ child }) => child === undefined)).toBe(true);
  });

  test('without a file that a command reads is named', async () => {
    const node = await startNode({ without: ['pwent', 'procs'] });
    expect(await runCommand('xgetent', ['-A', key, 'passwd', node.name])).toMatchObject({
      status: 1,
      stderr: `xgetent: ${node.name}: ${lacks('pwent')}\n`,
    });
    expect(await runCommand('xps', ['-A', key, node.name])).toMatchObject({
      status: 1,
      stderr: `xps: ${node.name}: ${lacks('procs')}\n`,
    });
  });

  test('without fingerprints of keys is compared without them', async () => {
    const node = await startNode();
    const result = await runCommand('xgetent', ['-A', key, '--json', 'passwd', node.name]);
    expect(result.status).toBe(0);
    expect(JSON.parse(result.stdout)).toEqual([
      {
        node: node.name,
        name: 'xcpu-admin',
        uid: 65_530,
        gid: 65_530,
        groups: ['xcpu-admin'],
      },
    ]);
  });

  test('that signals programs only does that for a user', async () => {
    const node = await startNode();
    const args = [...as('alice'), '-l', '-j', 'job', node.name, 'sleep', '1000'];
    const running = startCommand('xrx', args);
    running.child.stdin.end();
    const pid = await eventually('it runs', () => node.sessions[0]?.child?.pid);
    expect(await runCommand('xk', [...as('alice'), '9', `${node.name}:${pid + 1}`])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /: the node's xcpufs, which is older than these tools, signals/,
      ),
    });
    expect(await runCommand('xk', [...as('alice'), 'TERM', `${node.name}:${pid}`])).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect((await running.result).status).toBe(128 + 15);
  });
});

describe('small messages', () => {
  test.each([512, 4096])('%i bytes, which a foreign node takes', async (msize) => {
    const node = await startNode({ msize });
    const word = 'x'.repeat(3_000);
    const args = [...as('alice'), '-l', node.name, 'sh', '-c', 'cat; echo $0; exit 3', word];
    const result = await runCommand('xrx', args, { input: 'y'.repeat(20_000) });
    expect(result).toMatchObject({
      status: 3,
      stdout: `${'y'.repeat(20_000)}${word}\n`,
      stderr: '',
    });
    expect(await runCommand('xrx', [...as('alice'), node.name, 'true'])).toMatchObject({
      status: 125,
      stderr: `xrx: ${node.name}: it takes messages of ${msize} bytes only, too small for your files: -l runs what is there, xcpufs -m allows larger ones\n`,
    });
    expect((await runCommand('xps', ['-A', key, node.name])).status).toBe(0);
  });

  test('a program whose name does not fit into one', async () => {
    const node = await startNode({ msize: 512 });
    const program = `/bin/${'./'.repeat(300)}echo`;
    expect(await runCommand('xrx', [...as('alice'), '-l', node.name, program, 'x'])).toMatchObject({
      status: 0,
      stdout: 'x\n',
    });
  });

  test('too small for a proof', async () => {
    const node = await startNode({ msize: 256 });
    const { status, stderr } = await runCommand('xrx', [...as('alice'), '-l', node.name, 'true']);
    expect(status).toBe(254);
    expect(stderr).toMatch(
      /: messages of 256 bytes, which the peer wants, hold no proof of 256: is this xcpufs \(/,
    );
  });

  test('4096 bytes, as xcpufs may be told', async () => {
    const site = await Site.start(1, { args: ['-m', '4096'] });
    try {
      const word = 'x'.repeat(30_000);
      const script = 'wc -c; echo $0';
      const options = { input: 'y'.repeat(100_000) };
      expect(await site.xrx(['-l', 'n1', 'sh', '-c', script, word], options)).toMatchObject({
        status: 0,
        stdout: `100000\n${word}\n`,
        stderr: '',
      });
      expect((await site.run('xps', ['n1'])).stdout.split('\n').length).toBeGreaterThan(2);
      expect((await site.run('xgetent', ['passwd', 'n1'])).stdout).toContain('alice:41001');
      expect(await site.run('xk', ['9', 'n1:4194303'])).toMatchObject({
        status: 1,
        stderr: 'xk: n1: 4194303: no such process\n',
      });
    } finally {
      await site.stop();
    }
  });
});
