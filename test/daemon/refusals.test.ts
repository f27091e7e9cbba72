import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/cluster.js';
import { type CommandOptions, runCommand } from '../support/command.js';
import { type KeyFiles, testKey, writeKey } from '../support/keys.js';
import { isRoot, lacksRoot } from '../support/needs.js';

const HOST = '127.0.1.8';

describe('xcpufs refuses to start', () => {
  let directory: string;
  let keys: KeyFiles;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-refusals-'));
    await chmod(directory, 0o755);
    keys = await writeKey(testKey('admin_key'), join(directory, 'keys'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** Starts it where nothing but the given options is wrong. */
  async function refusal(args: string[], options: CommandOptions = {}) {
    const sameUser = isRoot ? [] : ['-s'];
    const port = String(await freePort(HOST));
    const all = ['-p', port, '--listen', HOST, '-a', keys.publicFile, '-t', directory, ...sameUser];
    const { status, stdout, stderr } = await runCommand('xcpufs', [...all, ...args], options);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect((await readdir(directory)).filter((name) => name.startsWith('xcpufs-'))).toEqual([]);
    return { status, stderr };
  }

  test('on a port that is taken', async () => {
    const taken = await new Promise<Server>((resolve) => {
      const server = createServer().listen(0, HOST, () => resolve(server));
    });
    const { port } = taken.address() as { port: number };
    expect(await refusal(['-p', String(port)])).toEqual({
      status: 1,
      stderr: `xcpufs: ${HOST}!${port}: port taken: is xcpufs running already? -p names another\n`,
    });
    taken.close();
  });

  test('on an address that is not its own', async () => {
    const { status, stderr } = await refusal(['--listen', '192.0.2.1', '-p', '6668']);
    expect(status).toBe(1);
    expect(stderr).toBe('xcpufs: 192.0.2.1!6668: not an address of this machine\n');
  });

  test('without the key that it was told to take', async () => {
    const { status, stderr } = await refusal(['-a', '/no/such/key.pub']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^xcpufs: \/no\/such\/key\.pub: cannot be read: .+\n$/);
  });

  test('with a private key in place of the public one', async () => {
    const { status, stderr } = await refusal(['-a', keys.privateFile]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `xcpufs: ${keys.privateFile}: not an ssh public key of type RSA, Ed25519 or ECDSA (this is a private key: give its .pub)\n`,
    );
  });

  test.each([
    ['empty', ''],
    ['of another kind', 'ssh-dss AAAAB3NzaC1kc3MAAACBAPn3Uo5e x\n'],
    ['no point of its curve', `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)} x\n`],
    ['cut', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB\n'],
  ])('with a key file that is %s', async (_, contents) => {
    const file = join(directory, 'bad.pub');
    await writeFile(file, contents);
    const { status, stderr } = await refusal(['-a', file]);
    expect(status).toBe(1);
    expect(stderr).toContain(
      `xcpufs: ${file}: not an ssh public key of type RSA, Ed25519 or ECDSA`,
    );
  });

  test('with a temporary directory that is not there, or is none', async () => {
    for (const path of [join(directory, 'missing'), keys.publicFile]) {
      const { status, stderr } = await refusal(['-t', path]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^xcpufs: .+: cannot make a directory there: .+\n$/);
      expect(stderr).toContain(path);
    }
  });

  test.skipIf(lacksRoot())('as an ordinary user without -s', async () => {
    const { status, stderr } = await refusal([], { uid: 65_534, gid: 65_534 });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^xcpufs: not root: run as root, or with -s .+\n$/);
  });

  test.skipIf(lacksRoot())(
    'with a temporary directory that its user may not write to',
    async () => {
      const { status, stderr } = await refusal(['-s'], { uid: 65_534, gid: 65_534 });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^xcpufs: .+: cannot make a directory there: permission denied\n$/);
    },
  );

  test.each([
    ['an unknown option', ['--frobnicate'], /unknown option '--frobnicate'/],
    ['an operand', ['operand'], /too many arguments/],
    ['a port that is none', ['-p', '70000'], /"70000" is not a port/],
    ['a port in words', ['-p', 'http'], /"http" is not a port/],
    ['an msize that is too small', ['-m', '100'], /"100" is not between/],
    ['an option without its value', ['-a'], /argument missing/],
  ])('with %s: 2', async (_, args, reason) => {
    const { status, stderr } = await refusal(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^xcpufs: /);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain('xcpufs -h');
  });

  test('with a bad configuration file, telling every bad line', async () => {
    const file = join(directory, 'config');
    await writeFile(
      file,
      '# a comment\nport = 99999999\nlisten = 127.0.1.8 # fine\nnonsense\nno-such = 1\nsame-user = maybe\n',
    );
    const { status, stderr } = await refusal(['--config', file]);
    expect(status).toBe(1);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(`xcpufs: ${file}:`, '').split(':')[0])).toEqual([
      '2',
      '4',
      '5',
      '6',
    ]);
    expect(stderr).toMatch(/:5: no-such: no such option \(port, listen, /);
  });

  test('with a configuration file that is not there', async () => {
    const { status, stderr } = await refusal(['--config', '/no/such/config']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^xcpufs: \/no\/such\/config: cannot be read: .+\n$/);
  });
});
