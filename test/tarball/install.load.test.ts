import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, Cluster } from '../support/cluster.js';
import { COMMANDS } from '../support/commands.js';
import { isRoot, lacks, lacksMountNamespaces } from '../support/needs.js';
import { NodeRoots } from '../support/node-root.js';

const DIST = fileURLToPath(new URL('../../scripts/dist.mjs', import.meta.url));
const BUSYBOX = '/bin/busybox';
const hasBusybox = existsSync(BUSYBOX);

const run = promisify(execFile);

let directory: string;
let unpacked: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'xcpu-dist-'));
  unpacked = await unpack(await make(['--with-node'], 'with-node'));
}, 120_000);

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('the tarball', () => {
  it('is the same whenever it is made, and by whom', async () => {
    const date = { SOURCE_DATE_EPOCH: '1700000000' };
    const first = await make(['--arch', 'x64'], 'first', date);
    const before = process.umask(0o077);
    const again = make(['--arch', 'x64'], 'second', date);
    const second = await again.finally(() => process.umask(before));
    expect(digest(second)).toBe(digest(first));
  });

  it('holds files of root, dated as asked', async () => {
    const tarball = await make(['--arch', 'arm64'], 'dated', { SOURCE_DATE_EPOCH: '86400' });
    const { stdout } = await run('tar', [
      'tvzf',
      tarball,
      '--utc',
      '--full-time',
      '--numeric-owner',
    ]);
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => !/ 0\/0 +\d+ 1970-01-02 00:00:00 /.test(line))).toEqual([]);
  });

  it('is for the machine of the Node.js in it', async () => {
    await expect(make(['--with-node', '--arch', 's390x'], 'other')).rejects.toThrow(
      /not for s390x/,
    );
    await expect(make(['--node', '/etc/passwd'], 'text')).rejects.toThrow(/no program of Linux/);
    await expect(make(['--node', '/nope'], 'none')).rejects.toThrow(/dist: \/nope: no such file\n/);
  });
});

describe('install.sh', () => {
  const shells = [['sh'], ...(hasBusybox ? [[BUSYBOX, 'sh']] : [])];
  it.each(shells)('installs, again, and uninstalls: %s', async (...shell) => {
    const root = emptyRoot();
    const install = (...args: string[]) =>
      shellRun(shell, [join(unpacked, 'install.sh'), '--destdir', root, ...args]);
    const first = await install();
    expect(first).toContain('made ');
    for (const name of COMMANDS) {
      expect(existsSync(join(root, 'usr/local/bin', name)), name).toBe(true);
      expect(existsSync(join(root, 'usr/local/share/bash-completion/completions', name))).toBe(
        true,
      );
    }
    const tree = listing(root);
    const left = join(root, 'usr/local/lib/xcpu/of-an-earlier-version.cjs');
    writeFileSync(left, '');
    appendFileSync(
      join(root, 'usr/local/lib/xcpu/installed'),
      '/usr/local/lib/xcpu/of-an-earlier-version.cjs\n',
    );
    appendFileSync(join(root, 'etc/xcpu/xcpufs.conf'), 'port = 7000\n');
    expect(await install()).toContain('kept ');
    expect(listing(root)).toBe(tree);
    expect(readFileSync(join(root, 'etc/xcpu/xcpufs.conf'), 'utf8')).toContain('port = 7000');
    const mine = join(root, 'usr/local/bin/mine');
    writeFileSync(mine, '');
    await shellRun(shell, [
      join(root, 'usr/local/lib/xcpu/install.sh'),
      '--uninstall',
      '--destdir',
      root,
      '--prefix=/usr/local',
    ]);
    expect(listing(root).trim().split('\n')).toEqual([
      root,
      ...['etc', 'etc/xcpu', 'etc/xcpu/xcpufs.conf'].map((name) => join(root, name)),
      ...['usr', 'usr/local', 'usr/local/bin', 'usr/local/bin/mine'].map((name) =>
        join(root, name),
      ),
    ]);
  });

  it('says what is wrong', async () => {
    const script = join(unpacked, 'install.sh');
    await expect(shellRun(['sh'], [script, '--prefix', 'here'])).rejects.toThrow(/begins with \//);
    await expect(shellRun(['sh'], [script, '--prefix', '/a b'])).rejects.toThrow(/are possible/);
    await expect(shellRun(['sh'], [script, '--what'])).rejects.toThrow(
      /install\.sh: --what: no such option\nusage: install\.sh/,
    );
    await expect(shellRun(['sh'], [script, '--prefix'])).rejects.toThrow(/--prefix: a directory/);
    const nowhere = join(directory, 'nowhere');
    await expect(shellRun(['sh'], [script, '--destdir', nowhere])).rejects.toThrow(
      /no such directory/,
    );
    await expect(
      shellRun(['sh'], [script, '--uninstall', '--destdir', emptyRoot()]),
    ).rejects.toThrow(/nothing is installed/);
  });

  it('makes units that systemd understands', async ({ skip }) => {
    if (lacks('systemd-analyze', existsSync('/usr/bin/systemd-analyze'))) skip();
    const root = emptyRoot();
    const prefix = join(root, 'opt');
    await shellRun(['sh'], [join(unpacked, 'install.sh'), '--destdir', root, '--prefix', '/opt']);
    for (const name of ['xcpufs', 'statfs']) {
      const unit = join(prefix, 'lib/systemd/system', `${name}.service`);
      const text = readFileSync(unit, 'utf8');
      expect(text).toContain(`ExecStart=/opt/bin/${name}`);
      writeFileSync(unit, text.replace('ExecStart=/opt', `ExecStart=${prefix}`));
      const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
      expect(stderr.split('\n').filter((line) => line.includes(`${name}.service`))).toEqual([]);
    }
  });
});

describe.skipIf(lacksMountNamespaces())('a node with neither npm nor Node.js', () => {
  it('runs programs once the tarball is installed', async ({ skip }) => {
    if (lacks('busybox', hasBusybox)) skip();
    const roots = await NodeRoots.make();
    const prepare = `
      mkdir xcpu tools
      mount --bind "${unpacked}" xcpu
      cp ${BUSYBOX} tools/busybox
      mount --bind /dev/null usr/bin/node
      cat > install <<'EOF'
        PATH=/tools:/usr/bin
        /tools/busybox --install -s /tools
        ! command -v node npm
        /tools/sh /xcpu/install.sh --prefix /srv/xcpu >&2
        shift
        exec /srv/xcpu/bin/xcpufs "$@"
EOF`;
    const wrap = roots.wrap({ prepare, enclose: ['sh', '-e', '/install'] });
    const client = join(directory, 'client');
    mkdirSync(client);
    const cluster = await Cluster.start(1, { users: [ALICE], wrap });
    try {
      const { privateFile } = await cluster.writeUserKey(ALICE);
      await shellRun(['sh'], [join(unpacked, 'install.sh'), '--destdir', client]);
      // Where --destdir is a step on the way, programs are found only below it.
      const xrx = join(client, 'usr/local/lib/xcpu/xrx.cjs');
      const node = join(client, 'usr/local/lib/xcpu/node');
      const { stdout } = await run(
        node,
        [xrx, '--user', ALICE.name, '-k', privateFile, '-l', cluster.nodeSet, 'id', '-un'],
        { env: { PATH: '/nowhere', HOME: directory } },
      );
      expect(stdout).toBe(`${ALICE.name}\n`);
    } finally {
      await cluster.stop();
      await roots.remove();
    }
  });
});

async function make(
  args: readonly string[],
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const out = join(directory, name);
  const { stdout } = await run(process.execPath, [DIST, '--out', out, ...args], {
    env: { ...process.env, ...env },
  });
  return stdout.trim();
}

async function unpack(tarball: string): Promise<string> {
  await run('tar', ['xzf', tarball, '-C', directory]);
  return join(directory, tarball.replace(/.*\/|\.tar\.gz$/g, ''));
}

function emptyRoot(): string {
  const root = mkdtempSync(join(directory, 'root-'));
  if (isRoot) chownSync(root, 0, 0);
  return root;
}

async function shellRun(shell: readonly string[], args: readonly string[]): Promise<string> {
  const [program = 'sh', ...first] = shell;
  const { stdout } = await run(program, [...first, ...args]);
  return stdout;
}

/** Every path below. */
function listing(root: string): string {
  return execFileSync('find', [root], { encoding: 'utf8' }).trim().split('\n').sort().join('\n');
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
