import { once } from 'node:events';
import { chownSync, mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { eventually } from '../support/wait.js';
import { FileSite, lacksNodeRoots } from './support.js';

describe.skipIf(lacksNodeRoots())('what xrx shows of whose files', () => {
  let site: FileSite;

  beforeAll(async () => {
    site = await FileSite.start(1);
    await site.write('data', 'my data\n');
    await site.write('sub/inner', 'below\n');
    await site.write('.ssh/id_rsa', 'secret\n');
    await site.write('.netrc', 'secret\n');
  });
  afterAll(() => site?.stop());

  test('-l: nothing of the user', async () => {
    const { stdout } = await site.xrx(['-l', 'n1', 'sh', '-c', 'ls /; cat /proc/self/mountinfo']);
    expect(stdout).toContain('opt\nproc\n');
    expect(stdout).not.toContain('home');
    expect(stdout).not.toMatch(/ fuse\S* xcpu /);
    const { status, stderr } = await site.xrx(['-l', '--read-only', 'n1', 'true']);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining('--read-only'),
    });
  });

  test('--root: what is below a directory, and of the node what is bound', async () => {
    const args = [
      '--root',
      site.home,
      '--bind',
      '/usr',
      '--bind',
      '/usr/lib64:/lib64',
      '--bind',
      '/usr/bin:/bin',
    ];
    const told = await site.shell(
      'pwd; ls -m; cat /sub/inner; ls -d /opt 2>/dev/null || echo none',
      { args },
    );
    expect(told).toMatch(/^\/\n.*data.*\nbelow\nnone\n$/);
  });

  test('--root: homes that are elsewhere, by a link from / on', async () => {
    site.local('mkdir -p away/data/home/ann; ln -s /data/home away/home');
    const args = ['--root', join(site.home, 'away'), '-c', '/home/ann'];
    const binds = ['/usr', '/usr/lib64:/lib64', '/usr/bin:/bin'].flatMap((at) => ['--bind', at]);
    const told = await site.shell('echo hers >made; cd /; ls -m /home; readlink home', {
      args: [...args, ...binds],
    });
    expect(told).toBe('ann\n/data/home\n');
    expect(await site.read('away/data/home/ann/made')).toBe('hers\n');
  });

  test('the user and all of his groups have names, also where his tree names nobody', async () => {
    const script = 'echo $(id -un) $(id -gn) $(id -Gn)';
    const named = `alice ${ALICE.group} ${ALICE.group} crew alpha`;
    expect(await site.shell(script)).toBe(`${named}\n`);
    await site.write('bare/file', '');
    const binds = ['/usr', '/usr/lib64:/lib64', '/usr/bin:/bin'].flatMap((at) => ['--bind', at]);
    const args = ['--root', join(site.home, 'bare'), ...binds];
    const told = await site.shell(`${script}; cat /etc/passwd`, { args });
    expect(told.split('\n').slice(0, 3)).toEqual([
      named,
      expect.stringMatching(`^alice:x:${ALICE.uid}:${ALICE.gid}:`),
      'root:x:0:0::/root:/bin/sh',
    ]);
  });

  test('--read-only: nothing can be changed', async () => {
    const script = `for act in 'rm data' 'mkdir d' 'mv data x' 'chmod 777 data' 'ln data y' 'truncate -s 0 data'; do
      $act 2>&1 | grep -c 'Read-only'; done; echo x 2>/dev/null >data || echo none; cat data`;
    expect(await site.shell(`set +e; ${script}`, { args: ['--read-only'] })).toBe(
      `${'1\n'.repeat(6)}none\nmy data\n`,
    );
  });

  test('--bind: a directory of the node, where there is none at home, too', async () => {
    const args = ['--bind', '/opt/xcpu:/made/up/for/it'];
    expect(await site.shell('ls /made/up/for/it; ls -d /opt/xcpu 2>&1 | wc -l', { args })).toMatch(
      /^(?:.*\n)*xcpufs\.cjs\n(?:.*\n)*1\n$/,
    );
    await expect(stat('/made')).rejects.toThrow('ENOENT');
  });

  test("--namespace: the node's own tree, with a directory of the user in it", async () => {
    const args = ['--namespace', `/srv=${site.home}`];
    const told = await site.shell('pwd; ls /opt/xcpu/xcpufs.cjs; read x <data; echo $x >copy', {
      args,
    });
    expect(told).toBe('/srv\n/opt/xcpu/xcpufs.cjs\n');
    expect(await site.read('copy')).toBe('my data\n');
    const missing = await site.xrx(['--namespace', '/srv=/no/such', 'n1', 'true']);
    expect(missing).toMatchObject({ status: 125 });
    expect(missing.stderr).toContain('no such file or directory');
  });

  test('--ns: a program of his own; what is wrong with it is told before, or by the node', async () => {
    const run = async (program: string) => {
      await site.write('own.ns', program);
      const { status, stdout, stderr } = await site.xrx([
        '--ns',
        'own.ns',
        'n1',
        'sh',
        '-c',
        'pwd; ls',
      ]);
      return { status, said: stdout + stderr };
    };
    expect(
      await run(
        'unshare # mine\nimport $XCPUTSADDR /mnt\ntmpfs /tmp size=1m\nmkdir /tmp/a/b\ncd /tmp\n',
      ),
    ).toEqual({ status: 0, said: '/tmp\na\n' });
    for (const [program, status, said] of [
      ['unshare\nfrob /\n', 2, /^xrx: own\.ns:2: .*frob/],
      [
        'chroot /\ntmpfs /tmp uid=0\nchroot /\n',
        2,
        /own\.ns:2: tmpfs: "uid=0" is not allowed[\s\S]*own\.ns:3: /,
      ],
      [
        'unshare\n\nbind /no/such /mnt\n',
        125,
        /namespace line 3: .*\/no\/such: no such file or directory\n$/,
      ],
      ['bind /usr /etc/passwd\n', 125, /line 1: .*is a file, where a directory is needed/],
      ['bind /root /mnt\n', 125, /line 1: \/root: permission denied/],
      ['mount none /mnt tmpfs size=1m\n', 125, /line 1: .*(?:not allowed|administrator)/],
      ['umount /proc\n', 125, /line 1: .*not a mount of this program/],
      ['import 127.0.1.249!1 /mnt\n', 125, /line 1: .*127\.0\.1\.249!1.*refused/],
    ] as const) {
      expect({ program, ...(await run(program)) }).toEqual({
        program,
        status,
        said: expect.stringMatching(said),
      });
    }
    expect(await site.xrx(['--ns', 'none.ns', 'n1', 'true'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('none.ns'),
    });
  }, 40_000);

  test('a server that is imported answers, or is given up', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}).resume());
      socket.once('close', () => sockets.delete(socket));
    });
    await once(server.listen(0, '127.0.1.248'), 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await site.write('silent.ns', `unshare\nimport 127.0.1.248!${port} /mnt\n`);
      expect(await site.xrx(['--ns', 'silent.ns', 'n1', 'true'])).toMatchObject({
        status: 125,
        stderr: expect.stringMatching(
          `line 2: .*127\\.0\\.1\\.248!${port}: took the connection, and did not answer in 10 seconds\n$`,
        ),
      });
      await eventually('nobody is waited for', () => sockets.size === 0);
    } finally {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
  }, 40_000);

  test('private files are not there for nodes, unless shown; more can be hidden', async () => {
    const look = (home: string) => `cd ${home}; cat .ssh/id_rsa .netrc data 2>&1; ls -A
      mkdir .ssh 2>&1; mv ../$(pwd | sed 's:.*/::') ../x 2>/dev/null || echo stays`;
    const hidden = await site.shell(`set +e; ${look('.')}`);
    expect(hidden).not.toContain('secret');
    expect(hidden).toMatch(
      /cat: \.ssh\/id_rsa: No such file.*\ncat: \.netrc: No such file.*\nmy data\n/,
    );
    expect(hidden).not.toMatch(/^\.(ssh|netrc)$/m);
    expect(hidden).toMatch(/mkdir: .*Permission denied\nstays\n$/);
    await site.write('.ssh/config', 'Host w\n  IdentityFile ~/keys2/work\nInclude more*');
    await site.write('.ssh/more.conf', `Match all\nCertificateFile=${site.home}/certs/%h/mine`);
    await site.write('keys2/work', 'secret\n');
    await site.write('certs/w/mine', 'secret\n');
    const named = await site.shell(
      'set +e; ls -A keys2 certs/w; cat keys2/* certs/*/* 2>&1 || true',
    );
    expect(named).not.toMatch(/secret|work|mine/);
    const args = ['--show', join(site.home, '.ssh'), '--hide', 'data'];
    const shown = await site.shell('set +e; cat .ssh/id_rsa; cat .netrc data 2>&1 || true', {
      args,
    });
    expect(shown).toMatch(/^secret\n.*netrc: No such.*\n.*data: No such file.*\n$/);
  });

  test('of root, too: hashes of passwords, and his own', async () => {
    const script =
      'set +e; cat /etc/shadow .ssh/id_rsa 2>&1; ls /etc | grep -c "^g*shadow"; cat data';
    const told = await site.shell(script, { uid: 0, gid: 0 });
    expect(told).toMatch(
      /^cat: \/etc\/shadow: No such file.*\ncat: \.ssh\/id_rsa: No such.*\n0\nmy data\n$/,
    );
  });

  test('-c, exit statuses', async () => {
    const run = async (...args: string[]) => {
      const { status, stdout, stderr } = await site.xrx(args);
      return { status, said: stdout + stderr };
    };
    expect(await run('-c', 'sub', 'n1', 'cat', 'inner')).toEqual({ status: 0, said: 'below\n' });
    expect(await run('-c', '/usr', 'n1', 'pwd')).toEqual({ status: 0, said: '/usr\n' });
    expect(await run('-c', 'none', 'n1', 'pwd')).toMatchObject({
      status: 125,
      said: expect.stringContaining('none'),
    });
    expect(await run('n1', './none')).toMatchObject({
      status: 127,
      said: expect.stringContaining('not found'),
    });
    expect(await run('n1', './data')).toMatchObject({
      status: 126,
      said: expect.stringContaining('permission'),
    });
    expect(await run('n1', 'sh', '-c', 'exit 7')).toEqual({ status: 7, said: '' });
    expect(await run('n1', 'sh', '-c', 'kill -TERM $$')).toEqual({ status: 143, said: '' });
  });

  test('a working directory that is gone, or no node can be told of, is named before anything is run', async () => {
    const strange = Buffer.concat([Buffer.from(`${site.home}/caf`), Buffer.from([0xe9])]);
    mkdirSync(strange);
    chownSync(strange, ALICE.uid, ALICE.gid);
    await site.write('caf\ufffd/file', 'text\n');
    const from = (enter: string, ...args: string[]) => {
      const script = `${enter}; exec "$@"`;
      return site.xrx([...args, 'n1', 'pwd'], { wrap: ['sh', '-ec', script, 'sh'] });
    };
    const gone = 'mkdir gone; cd gone; rmdir ../gone';
    for (const args of [[], ['-c', 'sub'], ['--namespace', '/srv=/home']]) {
      expect(await from(gone, ...args)).toMatchObject({
        status: 2,
        stderr:
          'xrx: the working directory is gone: change to one that is there, or name one with -c /DIR\n',
      });
    }
    expect(await from(gone, '--hide', 'data', '-c', '/')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('is gone: change to one that is there, or name files by'),
    });
    const nameless = "cd $(printf 'caf\\351')";
    expect(await from(nameless)).toMatchObject({
      status: 2,
      stderr: `xrx: the working directory has a name that is not UTF-8: ${site.home}/caf\ufffd: rename it, or name another one with -c /DIR\n`,
    });
    for (const enter of [gone, nameless]) {
      expect(await from(enter, '-c', site.home)).toMatchObject({
        status: 0,
        stdout: `${site.home}\n`,
      });
      expect(await from(enter, '-l')).toMatchObject({ status: 0, stderr: '' });
    }
    expect(await from('cd caf\ufffd')).toMatchObject({
      status: 0,
      stdout: `${site.home}/caf\ufffd\n`,
    });
  }, 40_000);

  test('umask, locale and terminal come along, the agent does not', async () => {
    const env = {
      ...{ LANG: 'C.UTF-8', LC_TIME: 'C', TERM: 'vt220', TZ: 'Asia/Tokyo' },
      ...{ SSH_AUTH_SOCK: '/tmp/agent', SECRET_TOKEN: 'x', LD_PRELOAD: '' },
    };
    const before = process.umask(0o037);
    let told: string;
    try {
      told = await site.shell('umask; env | sort; touch masked; id -u', { env });
    } finally {
      process.umask(before);
    }
    expect(told).toMatch(/^0037\n/);
    for (const line of [
      'LANG=C.UTF-8',
      'LC_TIME=C',
      'TERM=vt220',
      'TZ=Asia/Tokyo',
      `HOME=${site.home}`,
    ]) {
      expect(told.split('\n')).toContain(line);
    }
    expect(told).not.toMatch(/SSH_AUTH_SOCK|SECRET|LD_PRELOAD|XCPU_VARIABLE/);
    expect((await stat(join(site.home, 'masked'))).mode & 0o777).toBe(0o640);
  });
});
