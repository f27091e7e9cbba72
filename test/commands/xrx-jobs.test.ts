import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { parseEnvironment } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOB } from '../support/cluster.js';
import type { CommandResult } from '../support/command.js';
import { isRoot, lacksMountNamespaces, lacksRoot } from '../support/needs.js';
import { processesWith, sleepers, uniqueSeconds } from '../support/processes.js';
import { Site } from '../support/site.js';
import { eventually } from '../support/wait.js';

/** Larger than what a node keeps in memory of a stream. */
const MANY = 400_000;
const NUMBERS = Array.from({ length: MANY }, (_, n) => `${n + 1}\n`).join('');

describe('jobs of xrx', () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.start(4);
  });
  afterAll(() => site?.stop());

  const sorted = (text: string) => text.replace(/\n$/, '').split('\n').sort();
  const detach = async (args: readonly string[]) => {
    const { status, stdout, stderr } = await site.xrx(['--detach', '-l', ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout.trimEnd();
  };
  /** Without input, what its programs read goes on. */
  const attach = (job: string, nodes: string, options: string[] = [], input?: string) =>
    site.xrx([...options, '-J', job, nodes], input === undefined ? {} : { input });
  const noSessions = () =>
    eventually('no session is left', async () => {
      const left = site.cluster.nodes.map(async (node) => {
        await using admin = await site.cluster.admin(node);
        const root = await admin.open('/');
        return (await root.readDirectory()).filter(({ name }) => /^\d+$/.test(name));
      });
      return (await Promise.all(left)).flat().length === 0;
    });

  test('--detach prints a name and ends; -J brings all output and the status', async () => {
    const job = await detach([
      'n[1-2]',
      'sh',
      '-c',
      `seq ${MANY}; echo $XCPUID >&2; read line; exit 7`,
    ]);
    expect(job).toMatch(/^j[0-9a-f]{12}$/);
    // Whoever attached first is killed in the middle of it.
    const killed = site.startXrx(['-J', job, 'n[1-2]']);
    await killed.printed('100\n');
    killed.child.kill('SIGKILL');
    await killed.result;
    const { status, stdout, stderr } = await attach(job, 'n1', ['-p'], 'go on\n');
    expect(status).toBe(7);
    expect(stdout).toBe(NUMBERS.replace(/^/gm, 'n1: ').slice(0, -4));
    expect(stderr).toBe(`n1: ${job}/1\n`);
    const second = await attach(job, 'n2', [], 'go on\n');
    expect(second).toMatchObject({ status: 7, stdout: NUMBERS, stderr: `${job}/2\n` });
    await noSessions();
  });

  test('one that is over long ago is read all the same, until it was', async () => {
    const seconds = uniqueSeconds();
    await detach(['-j', 'done', 'n1', 'sh', '-c', `: ${seconds}; echo out; kill -9 $$`]);
    await eventually('it is over', () => processesWith(seconds).length === 0);
    expect(await attach('done', 'n1', ['--keep'])).toMatchObject({ status: 137, stdout: 'out\n' });
    expect(await attach('done', 'n1')).toMatchObject({ status: 137, stdout: 'out\n' });
    const { status, stderr } = await attach('done', 'n1');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "xrx: n1: no job done of alice's is there\n",
    });
    await noSessions();
  });

  test('two who are attached both see everything, though one is done first', async () => {
    const job = await detach(['n1', 'sh', '-c', `read line; seq ${MANY}; exit 3`]);
    const slow = site.startXrx(['-J', job, 'n1']);
    const other = site.startXrx(['-J', job, 'n1']);
    slow.child.stdin.write('go on\n');
    await slow.printed('100\n');
    slow.child.kill('SIGSTOP');
    expect(await other.result).toMatchObject({ status: 3, stdout: NUMBERS });
    slow.child.kill('SIGCONT');
    expect(await slow.result).toMatchObject({ status: 3, stdout: NUMBERS });
    await noSessions();
  });

  test('input goes to the program; none at all does not end what it reads', async () => {
    const job = await detach(['n[1-2]', 'sh', '-c', 'echo ready; cat']);
    const watching = site.startXrx(['-J', job, 'n[1-2]']);
    watching.child.stdin.end();
    await watching.printed('ready\nready\n');
    const expected = ['ready', 'ready', 'some input', 'some input'];
    const { status, stdout } = await attach(job, 'n[1-2]', [], 'some input\n');
    expect({ status, lines: sorted(stdout) }).toEqual({ status: 0, lines: expected });
    expect(sorted((await watching.result).stdout)).toEqual(expected);
    const none = await detach(['--no-stdin', 'n1', 'cat']);
    expect(await attach(none, 'n1')).toMatchObject({ status: 0, stdout: '' });
  });

  test('signals go to the program; SIGHUP and a second Ctrl-C only leave', async () => {
    const seconds = uniqueSeconds();
    const script = `trap 'echo interrupted' INT; echo ready; while :; do sleep ${seconds}; done`;
    const job = await detach(['n1', 'sh', '-c', script]);
    const attached = async () => {
      const command = site.startXrx(['-J', job, 'n1']);
      await command.printed('ready');
      return command;
    };
    const hung = await attached();
    hung.child.kill('SIGHUP');
    expect(await hung.result).toMatchObject({ status: 129, stderr: `xrx: left ${job}\n` });
    const closed = await attached();
    closed.child.stderr.destroy();
    closed.child.kill('SIGHUP');
    expect((await closed.result).status).toBe(129);
    const looking = site.startXrx(['--no-stdin', '-J', job, 'n1']);
    await looking.printed('ready');
    looking.child.kill('SIGINT');
    expect(await looking.result).toMatchObject({ status: 130, stdout: 'ready\n' });
    const twice = await attached();
    twice.child.kill('SIGINT');
    await twice.printed('interrupted');
    twice.child.kill('SIGINT');
    expect((await twice.result).status).toBe(130);
    expect((await site.xrx(['--timeout', '0.2', '-J', job, 'n1'])).status).toBe(124);
    expect(sleepers(seconds)).toHaveLength(1);
    const ended = await attached();
    ended.child.kill('SIGTERM');
    expect((await ended.result).status).toBe(143);
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
    await noSessions();
  });

  test('-J JOB/RANK is one program; a node without the job is told, the others go on', async () => {
    await detach(['-j', 'four', site.nodes, 'sh', '-c', 'echo $XCPU_RANK']);
    expect(await attach('four/3', site.nodes, ['--keep'])).toMatchObject({
      status: 1,
      stdout: '3\n',
    });
    await detach(['-j', 'two', 'n[1-2]', 'sh', '-c', 'echo $XCPU_RANK; exit $XCPU_RANK']);
    const { status, stdout, stderr } = await attach('two', 'n[1-3]');
    expect(sorted(stdout)).toEqual(['1', '2']);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: "xrx: n3: no job two of alice's is there\n",
    });
    const none = await attach('none', site.nodes);
    expect(none).toMatchObject({
      status: 1,
      stderr: `xrx: ${site.nodes}: no job none of alice's is there\n`,
    });
    expect((await attach('four', `${site.nodes},127.0.1.250`)).status).toBe(254);
    await noSessions();
  });

  test("a running xrx's job can be attached to from elsewhere", async () => {
    const run = site.startXrx([
      ...['-j', 'live', 'n[1-2]', 'sh', '-c'],
      'echo early; read line; echo $line; exit 4',
    ]);
    await run.printed('early\nearly\n');
    const attached = site.startXrx(['-J', 'live', 'n[1-2]']);
    await attached.printed('early\nearly\n');
    attached.child.stdin.write('from elsewhere\n');
    for (const command of [run, attached]) {
      const { status, stdout } = await command.result;
      expect(status).toBe(4);
      expect(sorted(stdout)).toEqual(['early', 'early', 'from elsewhere', 'from elsewhere']);
    }
    await noSessions();
  });

  test('nobody else can attach, but an administrator; he takes nothing away', async () => {
    const job = await detach(['n1', 'sh', '-c', 'echo mine']);
    const bob = await asBob(['-J', job, 'n1']);
    expect(bob).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `xrx: n1: no job ${job} of bob's is there\n`,
    });
    const { privateFile } = site.cluster.adminFiles;
    const admin = ['--user', 'xcpu-admin', '-k', privateFile, '-J', job, 'n1'];
    expect(await site.run('xrx', admin)).toMatchObject({ status: 0, stdout: 'mine\n' });
    expect(await attach(job, 'n1')).toMatchObject({ status: 0, stdout: 'mine\n' });
    await noSessions();
  });

  test('a name that a job has already is refused before anything runs', async () => {
    const seconds = uniqueSeconds();
    await detach(['-j', 'same', 'n2', 'sh', '-c', `echo ready; exec sleep ${seconds}`]);
    const again = await site.xrx(['--detach', '-j', 'same', '-l', 'n[1-2]', 'true']);
    expect(again).toMatchObject({
      status: 125,
      stdout: '',
      stderr: 'xrx: n2: a job same is there already: take another name, or end that one\n',
    });
    expect((await asBob(['--detach', '-j', 'same', '-l', 'n2', 'true'])).status).toBe(0);
    expect((await asBob(['-J', 'same', 'n2'])).status).toBe(0);
    const ending = site.startXrx(['-J', 'same', 'n2']);
    await ending.printed('ready');
    ending.child.kill('SIGTERM');
    expect((await ending.result).status).toBe(143);
    await noSessions();
  });

  test('what cannot be started is told, and the others go on', async () => {
    const { status, stdout, stderr } = await site.xrx([
      ...['--detach', '-l', 'n1,127.0.1.250!9', 'sh', '-c', 'echo here'],
    ]);
    expect(status).toBe(254);
    expect(stderr).toMatch(/^xrx: 127\.0\.1\.250!9: .+\n$/);
    expect(await attach(stdout.trimEnd(), 'n1')).toMatchObject({ status: 0, stdout: 'here\n' });
    const none = await site.xrx(['--detach', '-l', '127.0.1.250!9', 'true']);
    expect(none).toMatchObject({ status: 254, stdout: '' });
  });

  test('Ctrl-C before the name is printed ends what was begun', async () => {
    const seconds = uniqueSeconds();
    const silent = createServer((socket) => socket.resume().on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const nodes = `n1,127.0.0.1!${port}`;
    const command = site.startXrx(['--detach', '-l', nodes, 'sleep', seconds]);
    await eventually('it runs on n1', () => sleepers(seconds).length === 1);
    command.child.kill('SIGINT');
    expect(await command.result).toMatchObject({ status: 130, stdout: '' });
    await eventually('nothing runs', () => sleepers(seconds).length === 0);
    await noSessions();
    await new Promise((resolve) => silent.close(resolve));
  });

  test.skipIf(lacksMountNamespaces())(
    '--detach takes a namespace that needs nothing of the user',
    async () => {
      const file = join(site.cluster.directory, 'own.ns');
      await writeFile(file, 'unshare\ntmpfs /mnt\nmkdir /mnt/made\ncd /mnt\n');
      const { stdout, stderr } = await site.xrx(['--detach', '--ns', file, 'n1', 'ls']);
      expect(stderr).toBe('');
      expect(await attach(stdout.trimEnd(), 'n1')).toMatchObject({ stdout: 'made\n' });
      await writeFile(file, 'unshare\nimport $XCPUTSADDR /mnt\n');
      const refused = await site.xrx(['--detach', '--ns', file, 'n1', 'ls']);
      expect(refused).toMatchObject({ status: 2, stdout: '' });
      expect(refused.stderr).toContain(`${file} imports your files, which go when xrx does`);
    },
  );

  test.each([
    ['--detach with own files', ['--detach', 'n1', 'true'], /your files, which go when xrx does/],
    ['--detach with a root', ['--detach', '--root', '/usr', 'n1', 'true'], /--root is about/],
    ['--detach with a timeout', ['--detach', '-l', '--timeout', '1', 'n1', 'true'], /--timeout/],
    ['--keep without -J', ['--keep', '-l', 'n1', 'true'], /--keep is for -J/],
    ['-J with a program', ['-J', 'job', 'n1', 'true'], /too many operands; wanted: NODES/],
    ['-J with --detach', ['-J', 'job', '--detach', 'n1'], /--detach is about starting/],
    ['-J with -j', ['-J', 'job', '-j', 'x', 'n1'], /-j is about starting/],
    ['-J with no job', ['-J', '/3', 'n1'], /the name of a job is wanted/],
    ['-J with a rank that is none', ['-J', 'job/x', 'n1'], /the name of a job is wanted/],
    ['no name for a job', ['-j', '', 'n1', 'true'], /-j '': a name without/],
  ])('wrong usage, %s: 2', async (_, args, reason) => {
    const { status, stdout, stderr } = await site.xrx(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(reason);
  });

  test('$JOBID names the job where -j does not', async () => {
    const env = { JOBID: 'fromenv' };
    const print = ['-l', 'n1', 'sh', '-c', 'echo $XCPUID'];
    expect((await site.xrx(print, { env })).stdout).toBe('fromenv/1\n');
    expect((await site.xrx(['-j', 'mine', ...print], { env })).stdout).toBe('mine/1\n');
    expect((await site.xrx(print, { env: { JOBID: '' } })).stdout).toBe('/1\n');
    const wrong = await site.xrx(print, { env: { JOBID: 'a/b' } });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('$JOBID a/b: a name without');
  });

  test.each([['-l'], ['-L']])('$XCPUENV says what travels: %s', async (option) => {
    const env = { XCPUENV: 'FOO\nA=b  c\\nPAGER=mine', FOO: 'two words', SSH_AUTH_SOCK: '/agent' };
    const script = 'echo "$FOO|$A|$PAGER|$SSH_AUTH_SOCK"';
    const { stdout } = await site.xrx([option, 'n1', 'sh', '-c', script], { env });
    expect(stdout).toBe('two words|b  c|mine|\n');
    const named = { ...env, XCPUENV: 'SSH_AUTH_SOCK' };
    const refused = await site.xrx([option, 'n1', 'true'], { env: named });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('SSH_AUTH_SOCK never travels');
  });

  test('16 ranks print their environment', async () => {
    const map = join(site.cluster.directory, 'ranks');
    const addresses = Array.from({ length: 16 }, (_, index) => site.cluster.nodes[index % 4]!.name);
    await writeFile(map, addresses.map((name, index) => `r${index + 1}=${name}\n`).join(''));
    const { status, stdout } = await site.xrx(['-p', '-l', '-j', 'sixteen', 'r[1-16]', 'env'], {
      env: { XCPU_NODES_FILE: map },
    });
    expect(status).toBe(0);
    const lines = sorted(stdout).filter((line) => /: XCPU/.test(line));
    const sids = new Set<string>();
    for (let rank = 1; rank <= 16; rank++) {
      const label = `r${rank}: `;
      const own = lines.filter((line) => line.startsWith(label)).map((l) => l.slice(label.length));
      const env = Object.fromEntries(parseEnvironment(own.map((line) => `'${line}'`).join('\n')));
      expect(env).toMatchObject({
        XCPUID: `sixteen/${rank}`,
        XCPU_RANK: String(rank),
        XCPU_SIZE: '16',
        XCPU_NODELIST: 'r[1-16]',
        XCPU_PARENT: env.XCPUCLADDR,
      });
      expect(env.XCPUSID).toMatch(/^\d+$/);
      sids.add(`${addresses[rank - 1]}/${env.XCPUSID}`);
    }
    expect(sids.size).toBe(16);
  });

  test.skipIf(lacksRoot())('a detached job of 16 ranks on 4 nodes comes back whole', async () => {
    const map = join(site.cluster.directory, 'ranks');
    const env = { XCPU_NODES_FILE: map };
    const started = await site.xrx(
      ['--detach', '-l', 'r[1-16]', 'sh', '-c', 'echo $XCPU_RANK; exit $XCPU_RANK'],
      { env },
    );
    expect(started).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout } = await site.xrx(['-pJ', started.stdout.trimEnd(), site.nodes]);
    expect(status).toBe(16);
    const expected = Array.from({ length: 16 }, (_, index) => `n${(index % 4) + 1}: ${index + 1}`);
    expect(sorted(stdout)).toEqual(expected.sort());
    await noSessions();
  });

  async function asBob(args: readonly string[]): Promise<CommandResult> {
    const { privateFile } = await site.cluster.writeUserKey(BOB);
    const who = isRoot ? { uid: BOB.uid, gid: BOB.gid } : {};
    return site.run('xrx', ['--user', BOB.name, '-k', privateFile, ...args], who);
  }
});
