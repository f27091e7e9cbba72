import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';

describe.skipIf(lacksRoot())('starting a program', () => {
  let cluster: Cluster;
  let node: NodeLogin;
  /** Of root's; everybody may enter it. */
  let directory: string;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    node = await cluster.user(ALICE);
    directory = await mkdtemp(join(tmpdir(), 'xcpu-exec-'));
    await chmod(directory, 0o755);
  });
  afterAll(async () => {
    await cluster?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  test.each([
    ['empty', ['', 'x', '']],
    ['with blanks and newlines', [' a  b ', 'c\td', 'e\nf', '\n']],
    [
      'with quotes and what a shell would take',
      [`it's`, `"`, '$HOME', '`id`', '*', '; id', '-n', '--'],
    ],
    ['in other alphabets', ['żółw', '𝄞', '日本']],
  ])('arguments %s arrive as they are', async (_, args) => {
    const { stdout } = await node.run(['/usr/bin/printf', '%s\\0', ...args]);
    expect(stdout).toBe(args.map((arg) => `${arg}\0`).join(''));
  });

  test('argv[0] may be another name than the program', async () => {
    const session = await node.newSession();
    await session.write(
      'argv',
      "'a login'' shell' -c 'tr \"\\0\" \"\\n\" </proc/$$/cmdline; echo $0'",
    );
    await session.ctl('exec /bin/sh');
    const stdout = await session.text('stdout');
    expect(stdout.split('\n')[0]).toBe("a login' shell");
    await session.close();
  });

  test('without argv the program is its own only argument', async () => {
    const session = await node.newSession();
    await session.ctl('exec pwd');
    expect(await session.text('stdout')).toBe('/\n');
    expect(await session.text('wait')).toBe('0');
    await session.close();
  });

  test('more arguments than the system takes are refused, with the reason', async () => {
    const session = await node.newSession();
    const long = `'${'x'.repeat(200_000)}'`;
    await session.write('argv', `echo ${long}`);
    await expect(session.ctl('exec echo')).rejects.toThrow('arguments and environment too long');
    await session.write('argv', 'echo short', OpenMode.WRITE | OpenMode.TRUNCATE);
    await session.ctl('exec echo');
    expect(await session.text('stdout')).toBe('short\n');
    await session.close();
  });

  test('a file text longer than a mebibyte is refused', async () => {
    const session = await node.newSession();
    await expect(session.write('argv', Buffer.alloc(1024 * 1024 + 1, 'x'))).rejects.toThrow(
      'file too long (limit 1048576 bytes)',
    );
    await session.close();
  });

  test('a long list of arguments that the system takes arrives whole', async () => {
    const args = Array.from({ length: 20_000 }, (_, index) => `argument-${index}`);
    const { stdout } = await node.run(['printf', '%s\\n', ...args]);
    expect(stdout).toBe(args.map((arg) => `${arg}\n`).join(''));
  });

  test('a program pushed into fs/ runs by its plain name, before any on PATH', async () => {
    const session = await node.newSession();
    await push(session.path('fs'), 'date', '#!/bin/sh\necho pushed "$@"\n');
    const { stdout, status } = await session.run(['date', 'x']);
    expect({ stdout, status }).toEqual({ stdout: 'pushed x\n', status: { exitCode: 0 } });
    await session.close();
  });

  test('a name is looked up on the PATH of the session', async () => {
    await writeFile(join(directory, 'hail'), '#!/bin/sh\necho hail\n', { mode: 0o755 });
    const env = [['PATH', `/nowhere:${directory}:/bin`]] as const;
    expect((await node.run(['hail'], { env })).stdout).toBe('hail\n');
    expect((await node.run(['hail'])).status).toEqual({ exitCode: 127 });
  });

  test('a program that is not there: 127, and stderr tells', async () => {
    expect(await node.run(['/no/such/program'])).toEqual({
      status: { exitCode: 127 },
      stdout: '',
      stderr: 'xcpufs: /no/such/program: not found\n',
    });
    const plain = await node.run(['no-such-program']);
    expect(plain).toMatchObject({
      status: { exitCode: 127 },
      stderr: expect.stringMatching('not found'),
    });
  });

  test.each([
    ['a directory', '/tmp', 'is a directory'],
    ['a file without permission', '/etc/passwd', 'permission denied'],
  ])('%s: 126, and stderr tells', async (_, program, reason) => {
    expect(await node.run([program])).toEqual({
      status: { exitCode: 126 },
      stdout: '',
      stderr: `xcpufs: ${program}: ${reason}\n`,
    });
  });

  test('a file of the user that is no program: 126', async () => {
    const session = await node.newSession();
    await push(session.path('fs'), 'data', '\x7fELF but not really');
    expect((await session.run(['data'])).status).toEqual({ exitCode: 126 });
    await session.close();
  });

  test.each([0, 1, 3, 255])('exit status %i is told as it is', async (status) => {
    expect((await node.run(['sh', '-c', `exit ${status}`])).status).toEqual({ exitCode: status });
  });

  test.each([1, 9, 15])('death by signal %i is told as such', async (signal) => {
    expect((await node.run(['sh', '-c', `kill -${signal} $$; sleep 9`])).status).toEqual({
      signal,
    });
  });

  test('a second exec is refused, and does no harm', async () => {
    const session = await node.newSession();
    await session.start(['cat']);
    await expect(session.ctl('exec true')).rejects.toThrow('program already started');
    await session.write('stdin', 'still here');
    await session.ctl('close stdin');
    expect(await session.text('stdout')).toBe('still here');
    await expect(session.ctl('exec true')).rejects.toThrow('program already started');
    await session.close();
  });

  test('redirect of stdin, stdout and stderr takes the files as the user', async () => {
    const session = await node.newSession();
    const { path } = await freshDirectory('of-alice', ALICE.uid, ALICE.gid);
    await writeFile(join(path, 'in'), 'input\n');
    await session.ctl(`redirect stdin ${path}/in`);
    await session.ctl(`redirect stdout '${path}/out put'\nredirect stderr ${path}/err`);
    const result = await session.run(['sh', '-c', 'cat; echo problem >&2']);
    expect(result).toEqual({ status: { exitCode: 0 }, stdout: '', stderr: '' });
    expect(await readFile(join(path, 'out put'), 'utf8')).toBe('input\n');
    expect(await readFile(join(path, 'err'), 'utf8')).toBe('problem\n');
    expect((await stat(join(path, 'err'))).uid).toBe(ALICE.uid);
    await session.close();
  });

  test.each([
    ['stdin', 'cannot be read'],
    ['stdout', 'cannot be written'],
    ['stderr', 'cannot be written'],
  ])("redirect of %s to a file of root's: 125", async (stream, reason) => {
    const file = join(directory, 'root-only');
    await writeFile(file, 'secret\n', { mode: 0o600 });
    const session = await node.newSession();
    await session.ctl(`redirect ${stream} ${file}`);
    const { status, stdout, stderr } = await session.run(['cat']);
    expect({ status, stdout }).toEqual({ status: { exitCode: 125 }, stdout: '' });
    expect(stderr).toContain(`xcpufs: ${file}: ${reason}\n`);
    expect(await readFile(file, 'utf8')).toBe('secret\n');
    await session.close();
  });

  test('redirect of what is no stream, or after exec, is refused', async () => {
    const session = await node.newSession();
    await expect(session.ctl('redirect stdfoo /tmp/x')).rejects.toThrow();
    await session.start(['cat']);
    await expect(session.ctl('redirect stdout /tmp/x')).rejects.toThrow('program already started');
    await session.close();
  });

  test('cd of the namespace program says where the program starts', async () => {
    const env = [['WHERE', 'local']] as const;
    expect((await node.run(['pwd'], { ns: 'cd /usr\n' })).stdout).toBe('/usr\n');
    expect((await node.run(['pwd'], { ns: 'cd /usr\ncd $WHERE\n', env })).stdout).toBe(
      '/usr/local\n',
    );
    expect((await node.run(['pwd'], { ns: "cd '/usr/lib'" })).stdout).toBe('/usr/lib\n');
    const missing = await node.run(['pwd'], { ns: 'cd /no/such/place\n' });
    expect(missing).toMatchObject({ status: { exitCode: 125 }, stdout: '' });
    expect(missing.stderr).toBe('xcpufs: cd /no/such/place: no such directory, or not permitted\n');
  });

  test('cd is done as the user', async () => {
    const { path } = await freshDirectory('private', 0, 0);
    const { status, stderr } = await node.run(['pwd'], { ns: `cd ${path}\n` });
    expect(status).toEqual({ exitCode: 125 });
    expect(stderr).toContain('not permitted');
  });

  test.each([
    ['mount tmpfs /mnt tmpfs size=1m', "mount: only the node's administrator may"],
    ['bind /a /b', '/b: no such file or directory'],
    ['import session!term /mnt', 'import /mnt: term: not open'],
    ['chroot /etc/passwd', '/etc/passwd: is a file, where a directory is needed'],
    ['cache n8! /mnt', 'cache: '],
  ])('%s in the namespace program: 125, and stderr tells', async (line, reason) => {
    const { status, stdout, stderr } = await node.run(['echo', 'ran'], { ns: `cd /\n${line}\n` });
    expect({ status, stdout }).toEqual({ status: { exitCode: 125 }, stdout: '' });
    expect(stderr.startsWith(`xcpufs: namespace line 2: ${reason}`), stderr).toBe(true);
  });

  test('a namespace program that is none: 125, and stderr tells', async () => {
    const { status, stderr } = await node.run(['echo', 'ran'], { ns: 'frobnicate /\n' });
    expect(status).toEqual({ exitCode: 125 });
    expect(stderr).toContain('frobnicate');
  });

  async function push(fs: string, name: string, contents: string): Promise<void> {
    const fid = await node.root.walk(fs);
    await fid.create(name, 0o755, OpenMode.WRITE);
    await fid.writeAll(Buffer.from(contents, 'latin1'));
    await fid.clunk();
  }

  async function freshDirectory(name: string, uid: number, gid: number) {
    const path = await mkdtemp(join(directory, `${name}-`));
    const { chown } = await import('node:fs/promises');
    await chown(path, uid, gid);
    return { path };
  }
});
