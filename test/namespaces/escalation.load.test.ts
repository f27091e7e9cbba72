import { execFileSync } from 'node:child_process';
import { chmod, chown, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/cluster.js';
import { FileSite, lacksNodeRoots, sourceOf, type XrxOptions } from './support.js';

/** What a program that tried everything has to tell. */
const POWERLESS = `user ${Array(3).fill(ALICE.uid).join(' ')} group ${ALICE.gid} ${ALICE.gid}
NoNewPrivs 1
the secret: no
inherited descriptors: no
others' processes: no
mount: no
a device: no
chroot: no
setuid: no
`;

describe.skipIf(lacksNodeRoots('gcc'))('nothing that a user brings along makes him another', () => {
  let site: FileSite;
  /** Programs that run wherever they are seen. */
  let own: string;

  beforeAll(async () => {
    site = await FileSite.start(1, { root: { prepare: PREPARE } });
    own = site.home;
    site.compile('rights', '-static');
    site.compile('hunt', '-static');
    site.compile('su', '-static');
    site.local(`gcc -shared -fPIC -o evil.so ${sourceOf('evil')}`);
    // What only root can have made at home.
    for (const [from, to] of [
      ['rights', 'set-uid'],
      ['rights', 'set-gid'],
      ['su', 'set-uid-su'],
    ] as const) {
      await writeFile(join(own, to), await readFile(join(own, from)));
      await chown(join(own, to), 0, 0);
      await chmod(join(own, to), to === 'set-gid' ? 0o2755 : 0o4755);
    }
    execFileSync('sh', ['-ec', 'mknod -m 666 null c 1 3; mknod -m 666 memory c 1 1'], { cwd: own });
  });
  afterAll(() => site?.stop());

  const evil = () => `/proc/${site.cluster.node.pid}/root/dev/shm/evil`;

  /** Who ran with the user's library since this was last asked. */
  async function victims(): Promise<string[]> {
    const text = await readFile(evil(), 'utf8');
    await writeFile(evil(), '');
    return [...new Set(text.trimEnd().split('\n'))];
  }

  /** Runs a program in a namespace of the user's own making. */
  async function runIn(program: string, argv: readonly string[], options?: XrxOptions) {
    await site.write('own.ns', `unshare\nimport $XCPUTSADDR /mnt/term\n${program}`);
    return site.xrx(['--ns', 'own.ns', 'n1', ...argv], options);
  }

  test('a set-id program of the node has rights with -l: so it can be told here', async () => {
    const { stdout } = await site.xrx(['-l', 'n1', '/opt/rights']);
    expect(stdout).toMatch(new RegExp(`^user ${ALICE.uid} 0 0 `));
    expect(stdout).toContain('the secret: yes\n');
    const su = await site.xrx(['-l', 'n1', '/opt/su', 'open']);
    expect(su).toMatchObject({ stdout: 'open: 0\n', stderr: '' });
  });

  test('programs start without any, and set-id ones of root at home give none', async () => {
    for (const program of ['./rights', './set-uid', './set-gid']) {
      expect(await site.xrx(['n1', program])).toMatchObject({ stdout: POWERLESS, stderr: '' });
    }
  });

  test('nor those of the node, nor on a tmpfs, nor through a bind', async () => {
    expect((await runIn('', ['/opt/rights'])).stdout).toBe(POWERLESS);
    const program = `tmpfs /tmp mode=777\nmkdir /tmp/opt\nbind /opt /tmp/opt\nbind /mnt/term${own} /srv\ncd /tmp\n`;
    const script = `cat /srv/rights >copy; /opt/chmod 6755 copy; ./copy; /tmp/opt/rights; /srv/set-uid
      cat /proc/self/mountinfo`;
    const { stdout } = await runIn(program, ['sh', '-c', script]);
    expect(stdout.startsWith(POWERLESS.repeat(3))).toBe(true);
    for (const line of stdout.split('\n').filter((each) => / - (fuse|tmpfs xcpufs)/.test(each))) {
      expect(line).toMatch(/ rw,nosuid,nodev/);
    }
  });

  test('devices of the export cannot be opened, nor made', async () => {
    const script = 'cat memory; echo x >null; mknod made c 1 3; ls made';
    const { status, stdout, stderr } = await site.xrx(['n1', 'sh', '-c', script]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^cat: memory: .*\n.*null: .*\nmknod: made: .*\nls: .*made.*No such/);
  });

  test("a passwd of the user's, over the node's or his own: su refuses", async () => {
    await site.write('passwd', `root::0:0::/:/bin/sh\nalice::0:0::/:/bin/sh\n`);
    const script = `id -u alice
      for user in root alice; do echo | su $user -c 'id -u'; $2 $user; done; $1`;
    const sandbox = [
      'bind /mnt/term /mnt/sandbox',
      'bind -r /dev /mnt/sandbox/dev',
      'bind -r /proc /mnt/sandbox/proc',
    ];
    const his = [
      ...sandbox,
      `bind /mnt/term${own}/passwd /mnt/sandbox/etc/passwd`,
      'chroot /mnt/sandbox',
      `cd ${own}`,
    ];
    // There is a su(1) only at home, and on the node one of these tests' that works with -l.
    for (const [program, ...tools] of [
      [his, './rights', './set-uid-su'],
      [[`bind /mnt/term${own}/passwd /etc/passwd`], '/opt/rights', '/opt/su'],
    ] as const) {
      const argv = ['sh', '-c', script, 'sh', ...tools];
      const { stdout } = await runIn(`${program.join('\n')}\n`, argv);
      expect(stdout).toBe(`0\nroot: refused\nalice: refused\n${POWERLESS}`);
    }
  });

  test('hostile name services, libraries and tools, put in place before later steps: root uses none', async () => {
    site.local(`mkdir -p etc tools lib; cp evil.so lib/libnss_evil.so.2; echo /srv/evil.so >etc/ld.so.preload
      printf 'passwd: evil\\ngroup: evil\\n' >etc/nsswitch.conf; touch etc/passwd; cp rights tools/mount
      for tool in sh umount mkdir chroot setpriv unshare id; do cp rights tools/$tool; done`);
    const over = [
      `bind /mnt/term${own}/etc /etc`,
      `bind /mnt/term${own}/evil.so /opt/evil.so`,
      `bind /mnt/term${own} /srv`,
      'tmpfs /tmp mode=777',
      'mkdir /tmp/a',
      `bind /mnt/term${own}/tools /tmp/a`,
      'bind -r -o ro /proc /tmp/a',
      'umount /tmp/a',
      'tmpfs /mnt/sandbox size=1m',
      'chroot /',
    ];
    const env = { LD_LIBRARY_PATH: '/srv/lib' };
    const fooled = await runIn(`${over.join('\n')}\n`, ['sh', '-c', 'id -u alice'], { env });
    expect(fooled).toMatchObject({ status: 0, stdout: '0\n', stderr: '' });
    expect(await victims()).toEqual([`${ALICE.uid} ${ALICE.uid}`]);
    // Over all that root would need if it looked in there: his own shell is what he gets.
    const all = ['/usr/lib', '/etc', '/dev', '/proc', '/opt'].map(
      (directory) => `tmpfs ${directory}`,
    );
    const tools = [`bind /mnt/term${own}/tools /usr/bin`, ...all, 'bind /srv /opt', 'chroot /'];
    expect(await runIn(`${tools.join('\n')}\n`, ['true'])).toMatchObject({
      status: 0,
      stdout: POWERLESS,
    });
  });

  test("variables of the session's are nobody's but the program's", async () => {
    await using node = await site.cluster.user(ALICE);
    const env = [
      ...['LD_PRELOAD', 'LD_AUDIT'].map((name) => [name, '/opt/evil.so'] as const),
      ...['PATH', 'LD_LIBRARY_PATH', 'GCONV_PATH'].map((name) => [name, '/opt:/usr/bin'] as const),
      ...['ENV', 'BASH_ENV'].map((name) => [name, '/opt/evil.sh'] as const),
      ...([
        ['IFS', '/'],
        ['PS4', '$(id)'],
        ['LIBMOUNT_FSTAB', '/opt/x'],
        ['NODE_OPTIONS', '-r /opt/evil.so'],
      ] as const),
    ];
    const ns = 'unshare\ntmpfs /mnt\nmkdir /mnt/a\nbind -o ro /usr /mnt/a\nchroot /\n';
    const { stdout } = await node.run(['/opt/plain'], { env, ns });
    expect(stdout).toBe(POWERLESS);
    await node.run(['/usr/bin/true'], { env, ns });
    expect(await victims()).toEqual([`${ALICE.uid} ${ALICE.uid}`]);
  });

  test('names that change under the builder lead nowhere that the user may not go', async () => {
    site.local(
      'mkdir -p race/dir; echo mine >race/dir/secret; ln -s dir race/link; ln -s /root race/bad',
    );
    const binds = Array(12).fill(`bind /mnt/term${own}/race/link /tmp/to\n`).join('');
    const program = `tmpfs /tmp\nmkdir /tmp/to\n${binds}bind /tmp/to /mnt/term${own}/race/link\n`;
    let racing = true;
    const race = (async () => {
      for (let n = 0; racing; n++) {
        await symlink(n % 2 ? 'dir' : '/root', join(own, 'race/next'));
        await rename(join(own, 'race/next'), join(own, 'race/link'));
      }
    })();
    const results = await Promise.all(
      Array.from({ length: 5 }, () =>
        runIn(program, ['sh', '-c', 'cat /tmp/to/secret; cat /root/secret']),
      ),
    );
    racing = false;
    await race;
    for (const { status, stdout, stderr } of results) {
      expect(stdout === '' || stdout === 'mine\n').toBe(true);
      // What was looked at may be another file by the time that it is mounted.
      const refusal = /permission denied|no such file|is a directory, where a file is needed/;
      if (status === 125) expect(stderr).toMatch(refusal);
      else expect(stderr).toMatch(/\/root\/secret: Permission denied/);
    }
    const fixed = await runIn(`bind /mnt/term${own}/race/bad /tmp\n`, ['true']);
    expect(fixed).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('permission denied'),
    });
  });

  test.each(['kill', 'trace'])('who would %s the agent gets at nothing', async (attack) => {
    const hunter = site.start(['n1', './hunt', '3', attack]);
    await hunter.printed('hunting');
    const steps = Array(50).fill('bind /opt /srv\n').join('');
    const results = await Promise.all(
      Array.from({ length: 4 }, () => runIn(steps, ['/opt/plain'])),
    );
    for (const { stdout } of results) expect(stdout === '' || stdout === POWERLESS).toBe(true);
    expect(await hunter.result).toMatchObject({ status: 0, stdout: 'hunting\nmet some, saw 0\n' });
  });

  test("two users' jobs are closed to each other", async () => {
    await site.write('own', 'a\n');
    await site.write('own', 'b\n', BOB);
    const jobs = [ALICE, BOB].map((user) => {
      const script = 'echo $$; exec 3<own; read line; eval "$line"';
      return { user, command: site.start(['n1', 'sh', '-c', script], { user }) };
    });
    const [alice, bob] = jobs;
    for (const { command } of jobs) await command.printed('\n');
    const pid = parseInt(alice!.command.output.stdout, 10);
    const tries = [
      `cd /proc/${pid}; cat root/etc/passwd cwd/own fd/3 environ maps mem 2>/dev/null`,
      'ls root/ cwd/ fd map_files 2>/dev/null; readlink root cwd exe fd/3',
      `nsenter -t ${pid} -m true 2>/dev/null || kill ${pid} 2>/dev/null || echo denied`,
      `cat ${site.home}/own`,
    ];
    bob!.command.child.stdin.end(`${tries.join('; ')}\n`);
    const { stdout, stderr } = await bob!.command.result;
    expect(stdout.replace(/^\d+\n/, '')).toBe('denied\n');
    expect(stderr).toMatch(/own: (Permission denied|No such file)/);
    alice!.command.child.stdin.end('cat own\n');
    expect(await alice!.command.result).toMatchObject({ status: 0, stdout: `${pid}\na\n` });
  });
});

/** On the node: what only root may read, a set-id program of root's that works, and the user's library. */
const PREPARE = `
echo secret >root/secret
chmod 600 root/secret
gcc -O1 -static -o opt/plain ${sourceOf('rights')}
gcc -shared -fPIC -o opt/evil.so ${sourceOf('evil')}
cp opt/plain opt/rights
gcc -O1 -static -o opt/su ${sourceOf('su')}
chmod 4755 opt/rights opt/su
echo 'open::0:0:no password:/:/bin/sh' >>etc/passwd
cp /bin/chmod opt
echo 'echo evil >>/dev/shm/evil' >opt/evil.sh
: >dev/shm/evil
chmod 666 dev/shm/evil`;
