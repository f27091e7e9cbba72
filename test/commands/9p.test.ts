import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import {
  bundle,
  type CommandOptions,
  type CommandResult,
  type RunningCommand,
  runCommand,
  startCommand,
} from '../support/command.js';
import { isRoot } from '../support/needs.js';
import { Site } from '../support/site.js';
import { eventually } from '../support/wait.js';

const DIALECTS = ['9P2000', '9P2000.u', '9P2000.L'];

/** A `9p serve` that runs, and the address that it listens at. */
interface Serving {
  readonly command: RunningCommand;
  readonly address: string;
}

async function serve(...args: string[]): Promise<Serving> {
  const command = startCommand('9p', ['serve', '--listen', '127.0.0.1:0', ...args]);
  await command.printed(' /mnt\n');
  const [, address = ''] = / listening address=(127\S+)/.exec(command.output.stderr) ?? [];
  return { command, address };
}

function stop({ command }: Serving): Promise<CommandResult> {
  command.child.kill('SIGTERM');
  return command.result;
}

function run(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
  return runCommand('9p', args, options);
}

/** What a command prints that must succeed. */
async function output(args: readonly string[], options?: CommandOptions): Promise<string> {
  const { status, stdout, stderr } = await run(args, options);
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
  return stdout;
}

describe('9p and a directory that 9p serves', () => {
  let folder: string;
  let served: string;
  let serving: Serving;
  let address: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), '9p-test-'));
    served = join(folder, 'served');
    await mkdir(served);
    serving = await serve(served);
    address = serving.address;
  });
  afterAll(async () => {
    if (serving) await stop(serving);
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await mkdir(join(served, 'sub'));
    await writeFile(join(served, 'a'), 'hello\n');
    await chmod(join(served, 'a'), 0o640);
    await utimes(join(served, 'a'), 1_000_000, 1_000_000);
    await symlink('a', join(served, 'link'));
  });
  afterEach(async () => {
    for (const name of await readdir(served, { encoding: 'buffer' })) {
      const path = Buffer.concat([Buffer.from(`${served}/`), name]);
      await rm(path, { recursive: true, force: true });
    }
  });

  describe.each(DIALECTS)('in %s', (dialect) => {
    const as = ['--dialect', dialect];

    test('ls lists names, and with -l all columns', async () => {
      expect(await output(['ls', ...as, address])).toBe('a\nlink\nsub\n');
      const lines = (await output(['ls', '-l', ...as, address, '/'])).split('\n');
      expect(lines[0]).toMatch(/^-rw-r----- \S+ +\S+ +6 Jan 1[12] +1970 a$/);
      const link = dialect === '9P2000' ? /^-\S+ .* link$/ : /^l\S+ .* link -> a$/;
      expect(lines[1]).toMatch(link);
      expect(lines[2]).toMatch(/^drwx\S+ .* sub$/);
    });

    test('cat prints a file of several messages, byte by byte', async () => {
      const bytes = randomBytes(300_001);
      await writeFile(join(served, 'big'), bytes.toString('hex'));
      const text = await output(['cat', '-m', '16384', ...as, address, 'big', '/a']);
      const sum = (data: string) => createHash('sha256').update(data).digest('hex');
      expect(sum(text)).toBe(sum(`${bytes.toString('hex')}hello\n`));
    });

    test('write, create, chmod, mv, mkdir and rm change what is there', async () => {
      await output(['write', ...as, address, 'a'], { input: 'new' });
      await output(['write', '-a', ...as, address, 'a'], { input: ' end' });
      expect(await readFile(join(served, 'a'), 'utf8')).toBe('new end');
      await output(['write', '-c', ...as, address, 'made'], { input: '' });
      await output(['create', '--mode', '600', ...as, address, 'empty']);
      await output(['chmod', ...as, address, '0711', 'empty', 'made']);
      expect((await stat(join(served, 'empty'))).mode & 0o777).toBe(0o711);
      await output(['mv', ...as, address, 'made', 'moved']);
      await output(['mkdir', '-p', ...as, address, 'x/y', 'x/y/z']);
      expect(await readdir(join(served, 'x/y'))).toEqual(['z']);
      await output(['rm', '-r', ...as, address, 'x', 'moved', 'empty']);
      await output(['rm', '-f', ...as, address, 'x']);
      expect((await readdir(served)).sort()).toEqual(['a', 'link', 'sub']);
    });

    test('cp -rp copies a tree there and back', async () => {
      const tree = join(folder, `tree-${dialect}`);
      await mkdir(join(tree, 'deep'), { recursive: true });
      await writeFile(join(tree, 'deep/file'), randomBytes(100_000));
      await chmod(join(tree, 'deep/file'), 0o750);
      await utimes(join(tree, 'deep/file'), 2_000_000, 2_000_000);
      await output(['cp', '-rp', ...as, tree, `${address}:/sub`]);
      const back = join(folder, `back-${dialect}`);
      await output(['cp', '-rp', ...as, `${address}:/sub/tree-${dialect}`, back]);
      const copy = join(back, 'deep/file');
      expect(await readFile(copy)).toEqual(await readFile(join(tree, 'deep/file')));
      expect(await stat(copy)).toMatchObject({ mode: 0o100_750, mtimeMs: 2e9 });
    });

    test('stat has a line for each field', async () => {
      const lines = (await output(['stat', ...as, address, 'a'])).split('\n');
      expect(lines).toEqual(
        expect.arrayContaining([
          '    path: a',
          '    kind: file',
          '    mode: 0640 -rw-r-----',
          '    size: 6',
          'modified: 1970-01-12T13:46:40Z',
        ]),
      );
      expect(lines.some((line) => line.startsWith('   links: 1'))).toBe(dialect === '9P2000.L');
    });

    test('what is not there is named, with the server, and the rest is done', async () => {
      const { status, stdout, stderr } = await run(['cat', ...as, address, '/no', 'a']);
      expect({ status, stdout }).toEqual({ status: 1, stdout: 'hello\n' });
      expect(stderr).toMatch(/^9p: 127\.0\.0\.1!\d+: \/no: (no such file|file not found).*\n$/);
      expect((await run(['write', ...as, address, 'no'], { input: 'x' })).status).toBe(1);
      await expect(stat(join(served, 'no'))).rejects.toThrow('ENOENT');
    });
  });

  test('ls sorts by time and the other way round, shows files before directories, and -d itself', async () => {
    await writeFile(join(served, 'sub/inside'), '');
    expect(await output(['ls', '-tr', address])).toMatch(/^a\n/);
    expect(await output(['ls', address, 'sub', 'a', '/sub/..'])).toBe(
      'a\n\nsub:\ninside\n\n/sub/..:\na\nlink\nsub\n',
    );
    expect(await output(['ls', '-ld', address, 'sub'])).toMatch(/^d.* sub\n$/);
    expect(await output(['-a', address, 'ls', 'sub'])).toBe('inside\n');
  });

  test('ls names owners unless the dialect has numbers only', async () => {
    const names = await output(['ls', '-l', address, 'a']);
    const numbers = await output(['ls', '-l', '--dialect', '9P2000.L', address, 'a']);
    expect(numbers).toContain(` ${process.getuid?.()} ${process.getgid?.()} `);
    if (isRoot) expect(names).toContain(' root root ');
  });

  test('read prints a part', async () => {
    expect(await output(['read', '-o', '1', '-c', '3', address, 'a'])).toBe('ell');
    expect(await output(['read', address, 'link'])).toBe('hello\n');
  });

  test('write -l writes each line by itself', async () => {
    const { status, stderr } = await run(['-d', 'write', '-l', address, 'a'], {
      input: 'one\ntwo\nend',
    });
    expect(status).toBe(0);
    const writes = stderr.split('\n').filter((line) => line.includes('-> Twrite'));
    expect(writes).toHaveLength(3);
    expect(await readFile(join(served, 'a'), 'utf8')).toBe('one\ntwo\nend');
  });

  test('ln makes both kinds of links', async () => {
    await output(['ln', '-s', address, 'sub', 'to-sub']);
    await output(['ln', address, 'a', 'sub/second']);
    expect(await readlink(join(served, 'to-sub'))).toBe('sub');
    expect((await stat(join(served, 'a'))).nlink).toBe(2);
    expect(await output(['ls', '-l', address, 'to-sub'])).toMatch(/ to-sub -> sub\n$/);
    expect(await output(['ls', address, 'to-sub'])).toBe('second\n');
  });

  test('cp puts files into a directory, and refuses what makes no sense', async () => {
    const target = join(folder, 'target');
    await mkdir(target);
    await output(['-a', address, 'cp', ':/a', ':/link', target]);
    expect((await readdir(target)).sort()).toEqual(['a', 'link']);
    expect((await lstat(join(target, 'link'))).isFile()).toBe(true);
    const unfit = await run(['cp', `${address}:/sub`, target]);
    expect(unfit).toMatchObject({ status: 1, stderr: expect.stringContaining('-r copies it') });
    const none = await run(['cp', join(folder, 'none'), `${address}:/`]);
    const reason = `9p: ${folder}/none: no such file or directory\n`;
    expect(none).toMatchObject({ status: 1, stderr: reason });
    expect((await run(['cp', `${address}:/a`, `${address}:/b`])).status).toBe(2);
    expect((await run(['cp', `${address}:/a`, `${address}:/link`, join(target, 'x')])).status).toBe(
      2,
    );
  });

  test('cp writes through a link that the user named, and leaves what is no file alone', async () => {
    await writeFile(join(folder, 'old'), 'old');
    await symlink('old', join(folder, 'to-old'));
    await output(['cp', `${address}:/a`, join(folder, 'to-old')]);
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('hello\n');
    expect((await lstat(join(folder, 'to-old'))).isSymbolicLink()).toBe(true);
    const pipe = join(folder, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    expect(await run(['cp', `${address}:/a`, pipe])).toMatchObject({
      status: 1,
      stderr: `9p: ${pipe}: is no file: 9p cat writes to pipes and devices\n`,
    });
    expect((await lstat(pipe)).isFIFO()).toBe(true);
  });

  test('names are bytes, on the command line too', async () => {
    const name = Buffer.from(`${served}/caf\xe9`, 'latin1');
    await writeFile(name, 'coffee');
    const listing = startCommand('9p', ['ls', address]);
    const pieces: Buffer[] = [];
    listing.child.stdout.removeAllListeners('data');
    listing.child.stdout.setEncoding('latin1').on('data', (text: string) => {
      pieces.push(Buffer.from(text, 'latin1'));
    });
    listing.child.stdin.end();
    await listing.result;
    expect(Buffer.concat(pieces).toString('latin1')).toContain('caf\xe9\n');
    // A shell hands the byte over that spawn of Node.js cannot.
    const script = `exec "$0" "$1" mv "$2" "$(printf 'caf\\351')" cafe`;
    await promisify(execFile)('sh', ['-c', script, process.execPath, bundle('9p'), address]);
    expect(await readFile(join(served, 'cafe'), 'utf8')).toBe('coffee');
  });

  test('a reader that leaves ends it quietly', async () => {
    await writeFile(join(served, 'big'), Buffer.alloc(8 * 1024 * 1024));
    const command = startCommand('9p', ['cat', address, 'big']);
    command.child.stdout.destroy();
    expect(await command.result).toMatchObject({ status: 141, stderr: '' });
  });

  test('the server logs who came and went', async () => {
    const before = serving.command.output.stderr.length;
    await output(['ls', '-u', 'some one', address]);
    const log = () => serving.command.output.stderr.slice(before);
    await eventually('it is logged', () => / closed client=127/.test(log()));
    expect(log()).toMatch(/^\S+Z attach user="some one" client=127\.0\.0\.1!\d+\n/);
  });
});

describe('9p serve', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), '9p-test-'));
    await writeFile(join(folder, 'a'), 'hello\n');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('tells how to use it, and ends at a signal with status 0', async () => {
    const serving = await serve(folder);
    const [host, port] = serving.address.split('!');
    expect(serving.command.output.stdout).toBe(
      `9p ls -l 'tcp!${host}!${port}'\n` +
        `mount -t 9p -o trans=tcp,port=${port},version=9p2000.L,access=user ${host} /mnt\n`,
    );
    serving.command.child.kill('SIGINT');
    const { status, stderr } = await serving.command.result;
    expect(status).toBe(0);
    expect(stderr).not.toContain('warning');
    expect(stderr).toMatch(/ stopping connections=0\n\S+ stopped\n$/);
  });

  test('listens at a socket that is its owner’s, and takes it away', async () => {
    const socket = join(folder, 'socket');
    const serving = await serve(folder, '--listen', socket, '-m', '8192');
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect(await output(['cat', socket, 'a'])).toBe('hello\n');
    expect(await output(['cat', `unix!${socket}`, 'a'])).toBe('hello\n');
    const traced = await run(['-d', 'ls', socket]);
    expect(traced.stderr).toMatch(/<- Rversion .*msize 8192/);
    await stop(serving);
    await expect(stat(socket)).rejects.toThrow('ENOENT');
  });

  test('--readonly refuses every change', async () => {
    const serving = await serve('--readonly', folder);
    const { address } = serving;
    expect(serving.command.output.stderr).toContain('access=read-only');
    expect(await output(['cat', address, 'a'])).toBe('hello\n');
    for (const args of [
      ['write', address, 'a'],
      ['create', address, 'b'],
      ['rm', address, 'a'],
      ['chmod', address, '777', 'a'],
      ['mkdir', address, 'd'],
      ['mv', address, 'a', 'b'],
    ]) {
      const refused = { status: 1, stderr: expect.stringContaining('read-only file system') };
      expect({ args, ...(await run(args, { input: 'x' })) }).toMatchObject({ args, ...refused });
    }
    await stop(serving);
  });

  test('warns where others can reach it; -d logs the conversation', async () => {
    const serving = await serve('-d', '--listen', 'tcp!*!0', folder);
    await serving.command.printed('warning');
    expect(serving.command.output.stderr).toContain('nobody is asked who he is');
    await output(['ls', serving.address]);
    expect(serving.command.output.stderr).toContain(' received client=127');
    expect(serving.command.output.stderr).toContain('Tattach');
    await stop(serving);
  });

  test.each([
    [['none'], 1, 'none: no such file or directory'],
    [['a'], 1, 'a: not a directory'],
    [[], 2, 'a directory to serve is missing'],
    [['.', '.'], 2, 'one directory is wanted'],
    [['--listen', 'tcp!', '.'], 2, '--listen: address "tcp!"'],
    [['--listen', '/none/socket', '.'], 1, 'cannot listen at /none/socket: '],
    [['-m', '1', '.'], 2, '-m 1: not between'],
  ])('%j is refused with status %i', async (args, status, text) => {
    const result = await run(['serve', ...args], { cwd: folder });
    expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(text) });
    expect(result.stderr).toMatch(/^9p: /);
  });

  test('a port that is taken is named', async () => {
    const serving = await serve(folder);
    const { status, stderr } = await run(['serve', '--listen', serving.address, folder]);
    const text = `9p: cannot listen at ${serving.address}: address already in use\n`;
    expect({ status, stderr }).toEqual({ status: 1, stderr: text });
    await stop(serving);
  });
});

describe.each(
  isRoot
    ? [
        ['as root', []],
        ['with -s', ['-s']],
      ]
    : [['with -s', []]],
)('9p and a node %s', (_, daemonArgs) => {
  let site: Site;
  let alice: string[];
  let admin: string[];

  beforeAll(async () => {
    site = await Site.start(1, { args: daemonArgs });
    const { privateFile } = await site.cluster.writeUserKey(ALICE);
    alice = ['-u', 'alice', '-k', privateFile];
    admin = ['-A', site.cluster.adminFiles.privateFile];
  });
  afterAll(() => site?.stop());

  test.each(DIALECTS)('looks into it in %s', async (dialect) => {
    const args = ['ls', '-l', ...alice, '--dialect', dialect, 'n1'];
    const { status, stdout, stderr } = await site.run('9p', args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^-r--r--r-- \S+ +\S+ +0 .* arch$/m);
    expect(stdout).toMatch(/^-r--r----- .* pwent$/m);
    if (dialect !== '9P2000.L') expect(stdout).toMatch(/ xcpu-admin xcpu-admin .* state$/m);
    const arch = await site.run('9p', ['cat', ...alice, '--dialect', dialect, 'n1', 'arch']);
    expect(arch.stdout).toMatch(/^\/Linux\//);
  });

  test('the administrator writes what others may not', async () => {
    const write = (who: string[]) =>
      site.run('9p', ['write', ...who, 'n1', 'state'], { input: 'drained\n' });
    expect(await write(alice)).toMatchObject({
      status: 1,
      stderr: '9p: n1: state: permission denied\n',
    });
    expect(await write(admin)).toMatchObject({ status: 0, stderr: '' });
    const { stdout } = await site.run('9p', ['cat', ...alice, 'n1', 'state']);
    expect(stdout.trim()).toBe('drained');
    const commands = { input: 'group-add one 4001\ngroup-add two 4002\n' };
    expect((await site.run('9p', ['write', '-l', ...admin, 'n1', 'ctl'], commands)).status).toBe(0);
    const groups = await site.run('9p', ['cat', ...admin, 'n1', 'grent']);
    expect(groups.stdout).toContain('one:4001\n');
    expect(groups.stdout).toContain('two:4002\n');
    const wrong = await site.run('9p', ['write', ...admin, 'n1', 'ctl'], { input: 'frob\n' });
    expect(wrong).toMatchObject({ status: 1, stderr: expect.stringMatching(/^9p: n1: ctl: /) });
  });

  test('the name of who logs in may be in the address, the node have its port', async () => {
    const { name } = site.cluster.node;
    const key = alice.slice(2);
    for (const at of ['alice@n1', `alice@${name}`, `alice@tcp!${name}`]) {
      const { stdout } = await site.run('9p', ['ls', ...key, at, '/arch']);
      expect({ at, stdout }).toEqual({ at, stdout: '/arch\n' });
    }
    const copied = await site.run('9p', ['cp', ...alice, 'n1:/arch', site.cluster.directory]);
    expect(copied).toMatchObject({ status: 0, stderr: '' });
    const copy = await readFile(join(site.cluster.directory, 'arch'), 'utf8');
    expect(copy).toMatch(/^\/Linux\//);
  });

  test('who is refused is told why and what to do', async () => {
    const wrong = ['-u', 'bob', '-k', alice.at(-1)!];
    expect(await site.run('9p', ['ls', ...wrong, 'n1'])).toMatchObject({
      status: 1,
      stderr: `9p: n1: authentication failed for bob: is ${alice.at(-1)} the right key?\n`,
    });
    expect(await site.run('9p', ['ls', '-u', 'nobody', 'n1'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /the node does not know nobody; an administrator adds users .*-A FILE.*\$XCPU_ADMIN_KEY/,
      ),
    });
    expect(await site.run('9p', ['ls', '-n', ...alice, 'n1'])).toMatchObject({ status: 1 });
    expect(await site.run('9p', ['ls', '-k', '/none', 'n1'])).toMatchObject({
      status: 2,
      stderr: '9p: cannot read the private key /none: no such file or directory\n',
    });
    expect((await site.run('9p', ['ls', ...alice, ...admin, 'n1'])).status).toBe(2);
  });
});

describe('9p', () => {
  test.each([
    [[], 'a verb is missing'],
    [['frob'], 'frob: no such verb; there are ls, '],
    [['ls'], 'an address is missing'],
    [['cat', 'n8'], 'a path is missing'],
    [['ls', '--frob', 'n8'], "unknown option '--frob'"],
    [['ls', 'n[1-2]'], 'n[1-2]: one server is wanted'],
    [['chmod', '127.0.0.1:1', 'rwx', 'a'], 'MODE rwx: octal permissions are wanted'],
    [['read', '-c', 'x', '127.0.0.1:1', 'a'], '--count x: a number of bytes'],
    [['cp', 'a', 'b'], 'nothing is on a server'],
    [['-a', 'n8', 'serve', '.'], '-a is for verbs that connect'],
  ])('%j is wrong usage: 2', async (args, text) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`9p: ${text}`);
    expect(stderr).toContain("Try '9p -h'.\n");
  });

  test('-h and -V answer on stdout', async () => {
    expect(await output(['-V'])).toMatch(/^9p \d+\.\d+\.\d+\n$/);
    expect(await output(['-h'])).toContain('Verbs:\n');
    expect(await output(['cp', '-h'])).toContain('Examples:\n');
  });

  test('a server that cannot be reached, does not answer, or speaks something else is named', async () => {
    const refused = await run(['ls', '127.0.0.1:1']);
    expect(refused).toMatchObject({
      status: 1,
      stderr: '9p: 127.0.0.1!1: connection refused: is a server running there?\n',
    });
    expect(await run(['ls', '/none/socket'])).toMatchObject({
      status: 1,
      stderr: '9p: unix!/none/socket: no such file or directory\n',
    });
    for (const [answer, text] of [
      ['', 'no answer within 0.5 s'],
      ['HTTP/1.1 400 Bad Request\r\n\r\n', 'is this a 9P server?'],
    ]) {
      const server = createServer((socket) => socket.on('error', () => {}).write(answer ?? ''));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const bound = server.address();
      const port = typeof bound === 'object' ? bound?.port : 0;
      const result = await run(['ls', '--connect-timeout', '0.5', `127.0.0.1:${port}`]);
      server.close();
      expect(result).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringContaining(text!),
      });
    }
  });
});
