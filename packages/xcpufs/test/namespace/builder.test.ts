import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseNamespace, type WaitStatus } from '@xcpu/xcpu-protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import type { Mounter } from '../../src/mounts/mounter.js';
import { Namespaces } from '../../src/namespace/namespaces.js';
import { surroundings } from '../../src/namespace/plan.js';
import { Stage } from '../../src/namespace/stage.js';
import { PipeMaker, streamOf } from '../../src/program/pipes.js';
import { Spawner } from '../../src/program/program.js';
import { findNamespaceTools, findTools } from '../../src/program/tools.js';
import type { User } from '../../src/users/users.js';
import { addUser, makeTable, temporaryDirectory } from '../support.js';

interface Outcome {
  readonly status: WaitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory that everybody may enter. */
let place: string;
let stages: string;
let ann: User;

beforeEach(() => {
  place = temporaryDirectory();
  chmodSync(place, 0o755);
  stages = temporaryDirectory();
  const table = makeTable();
  ann = addUser(table, 'ann', 41_001);
  table.addGroup('crew', 41_200);
  table.addToGroup('ann', 'crew');
});

describe.skipIf(lacksRoot())('a namespace', () => {
  it('is its user’s: numbers, groups, no privileges, and none to be had', async () => {
    const { stdout } = await run(
      'unshare\n',
      'id -u; id -g; id -G; grep -E "NoNewPrivs|CapEff|CapBnd" /proc/self/status',
    );
    expect(stdout).toMatch(
      /^41001\n41001\n41001 41200\nCapEff:\t0{16}\nCapBnd:.*\nNoNewPrivs:\t1\n$/,
    );
  });

  it('is private, and leaves nothing', async () => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8');
    const { stdout, stderr } = await run(`tmpfs ${place}\n`, `echo x >${place}/y; ls ${place}`);
    expect([stdout, stderr]).toEqual(['y\n', '']);
    expect(readdirSync(place)).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before);
    expect(readdirSync(stages)).toEqual([]);
  });

  it('does not show where it took shape, nor descriptors of its making', async () => {
    const { stdout } = await run(`tmpfs ${place}\n`, `ls ${stages}; ls /proc/self/fd; env`);
    // The fourth is the directory that ls reads; those from 10 on are what runs the tests'.
    expect(stdout.replace(/^\d\d+\n/gm, '')).toMatch(
      /^0\n1\n2\n3\nXCPU_INSTANCE=a+\n(SHLVL=0\n)?PWD=\/\n(_=.*\n)?$/,
    );
  });

  it('binds files and directories, all below, or so that they cannot be written', async () => {
    for (const name of ['a', 'b', 'c', 'd']) mkdirSync(join(place, name));
    for (const name of ['a/file', 'other']) writeFileSync(join(place, name), `${name}\n`);
    chmodSync(join(place, 'a'), 0o777);
    const program = [
      ...[`cd ${place}`, 'bind a b', 'bind -o ro a c', 'tmpfs a', 'mkdir a/e', 'bind -r . /mnt'],
      ...['bind other b/file', 'bind -o ro other c/file'],
    ];
    const { stdout, stderr } = await run(
      `${program.join('\n')}\n`,
      `cd ${place}; cat b/file c/file; ls a; ls /mnt/a; echo >b/new; touch c/new`,
    );
    expect(stdout).toBe('other\nother\ne\ne\n');
    expect(stderr).toMatch(/^touch: .*Read-only file system\n$/);
    expect(readdirSync(join(place, 'a')).sort()).toEqual(['file', 'new']);
  });

  it('binds all below so that it cannot be written, whatever its name is', async () => {
    for (const name of ['a', 'c', 'a/5% %s of\\all', 'a/more', 'a/more/m'])
      mkdirSync(join(place, name));
    for (const name of ['other', 'a/file'])
      writeFileSync(join(place, name), `${name}\n`, { mode: 0o666 });
    chmodSync(join(place, 'other'), 0o666);
    chmodSync(join(place, 'a'), 0o777);
    const program = [
      ...[`cd ${place}/a`, "tmpfs '5% %s of\\all'", "mkdir '5% %s of\\all/b'", 'tmpfs more/m'],
      ...["tmpfs '5% %s of\\all/b' mode=1777", 'bind ../other file', 'cd ..', 'bind -r -o ro a c'],
    ];
    const { stdout, stderr } = await run(
      `${program.join('\n')}\n`,
      `cd ${place}; cat c/file; cd c; for f in x '5% %s of\\all/x' '5% %s of\\all/b/x' more/m/x file; do
        touch "$f" 2>&1; done; cd ../a; touch '5% %s of\\all/b/x'; ls 5*/b`,
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^other\n(touch: .*Read-only file system\n){5}x\n$/);
  });

  it('does not give away what is mounted below what cannot be written', async () => {
    for (const name of ['a', 'a/m', 'c']) mkdirSync(join(place, name));
    const program = `cd ${place}\ntmpfs a/m\nbind -r -o ro a c\numount c/m\n`;
    expect(await run(program, 'echo ran')).toMatchObject({
      stdout: '',
      stderr: 'xcpufs: namespace line 4: umount c/m: not a mount of this program\n',
    });
    const taken = await run(
      program.replace('umount c/m', 'umount c'),
      `ls /proc/self/fd; ls ${place}/c`,
    );
    expect({ ...taken, stdout: taken.stdout.replace(/^\d\d+\n/gm, '') }).toMatchObject({
      stdout: '0\n1\n2\n3\n',
      stderr: '',
    });
  });

  it('has a root of the user’s making, with the node’s own programs at work outside', async () => {
    const program = [
      ...['unshare', 'tmpfs /mnt/sandbox mode=700'],
      ...['bin', 'lib', 'lib64', 'usr'].flatMap((name) => [
        `mkdir /mnt/sandbox/${name}`,
        `bind -r /${name} /mnt/sandbox/${name}`,
      ]),
      ...['chroot /mnt/sandbox', 'cd /usr/bin/..'],
    ];
    const { status, stdout, stderr } = await run(
      `${program.join('\n')}\n`,
      'pwd; ls /; ls -ld / | cut -c 1-10',
    );
    expect([stdout, stderr, status]).toEqual([
      '/usr\nbin\nlib\nlib64\nusr\ndrwx------\n',
      '',
      { exitCode: 0 },
    ]);
  });

  it('runs none of the user’s programs as root, whatever he mounts where', async () => {
    const trap = join(place, 'trap');
    mkdirSync(trap);
    const programs = ['mount', 'chroot', 'setpriv', 'umount', 'mkdir', 'sh'];
    for (const name of programs) {
      writeFileSync(join(trap, name), `#!/bin/bash\nid -u >>${place}/caught\n`, { mode: 0o755 });
    }
    chmodSync(place, 0o777);
    const over = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].map((name) => `bind ${trap} ${name}`);
    const { status } = await run(`${over.join('\n')}\ntmpfs /etc\nbind ${trap} /mnt\n`, 'true');
    expect(status).not.toEqual({ exitCode: 125 });
    expect(existsSync(join(place, 'caught'))).toBe(false);
  });

  it('follows links within itself only', async () => {
    const { stdout, stderr } = await run(
      [
        'tmpfs /mnt',
        'mkdir /mnt/root/etc',
        'bind /proc/self/root/etc /mnt/root/etc',
        'chroot /mnt/root',
      ]
        .join('\n')
        .concat('\n'),
      'true',
    );
    expect([stdout, stderr]).toEqual(['', expect.stringContaining('/bin/sh')]);
  });

  it('takes away what it mounted, and nothing of the node’s', async () => {
    const { stdout } = await run(
      `tmpfs ${place}\nmkdir ${place}/x\numount ${place}\n`,
      `ls ${place}`,
    );
    expect(stdout).toBe('');
    const { status, stderr } = await run('umount /proc\n', 'true');
    expect(stderr).toBe('xcpufs: namespace line 1: umount /proc: not a mount of this program\n');
    expect(status).toEqual({ exitCode: 125 });
  });

  it.each([
    ['bind /nowhere /mnt', '/nowhere: no such file or directory'],
    ['bind /etc /nowhere', '/nowhere: no such file or directory'],
    ['bind /etc/passwd /mnt', '/mnt: is a directory, where a file is needed'],
    ['tmpfs /etc/passwd', '/etc/passwd: is a file, where a directory is needed'],
    ['mkdir /sys/kernel/x', '/sys/kernel/x: Permission denied'],
    ['chroot /etc/passwd', '/etc/passwd: is a file, where a directory is needed'],
    ['cd /nowhere\ntmpfs /mnt', '/nowhere: no such file or directory'],
    ['bind /etc/shadow /etc/passwd', '/etc/shadow: permission denied'],
    [
      'mount none /mnt tmpfs size=much',
      'mount /mnt: the kernel refuses it: the type does not take this device, or these options',
    ],
    ['tmpfs /mnt size=much', 'tmpfs /mnt: the kernel refuses these options'],
  ])('says by line what it cannot do: %s', async (step, reason) => {
    const { status, stdout, stderr } = await run(`unshare\n\n${step}\n`, 'echo ran');
    expect([stderr, stdout, status]).toEqual([
      `xcpufs: namespace line 3: ${reason}\n`,
      '',
      { exitCode: 125 },
    ]);
  });

  it('is not left by a set-uid program, even with a passwd of the user’s own', async () => {
    const passwd = join(place, 'passwd');
    writeFileSync(passwd, 'root::0:0::/:/bin/sh\nann::0:0::/:/bin/sh\n', { mode: 0o644 });
    const { stdout } = await run(
      `bind ${passwd} /etc/passwd\n`,
      'su -c "id -u" root </dev/null; id -u',
    );
    expect(stdout).toBe('41001\n');
  });

  it('gives no rights to what runs in place of the node’s programs while it is built', async () => {
    const told = join(place, 'told');
    writeFileSync(join(place, 'mkdir'), `#!/bin/sh\ngrep NoNewPrivs /proc/self/status >${told}\n`, {
      mode: 0o755,
    });
    chmodSync(place, 0o777);
    await run(`bind ${place}/mkdir /usr/bin/mkdir\nmkdir /mnt/x\n`, 'true');
    expect(readFileSync(told, 'utf8')).toBe('NoNewPrivs:\t1\n');
  });

  it('goes on behind a new root', async () => {
    const steps = Array(6).fill('chroot /\nbind /tmp /mnt\n').join('');
    expect(await run(steps, 'echo ran')).toEqual({
      status: { exitCode: 0 },
      stdout: 'ran\n',
      stderr: '',
    });
  });

  it.each([0, 1, 2, 10, 11])('covers nothing of the builder’s by descriptor %i', async (fd) => {
    const victim = join(place, 'victim');
    writeFileSync(victim, 'precious', { mode: 0o644 });
    await run(`bind ${victim} /proc/self/fd/${fd}\nchroot /\nbind /tmp /mnt\n`, 'true');
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  it('has nothing around its root that another step needs', () => {
    const stage = new Stage(join(stages, 'one'), 1);
    const around = join(stage.directory, 'tree');
    expect(readdirSync(around)).toEqual(['root']);
    expect(statSync(around).mode & 0o777).toBe(0o700);
    stage.remove();
    expect(readdirSync(stages)).toEqual([]);
  });

  it('ends when its agent is killed, and its program is not begun', async () => {
    const killed = join(place, 'killed');
    // The agent runs it: as a child, or below a shell of its own. What is above the agent is root's.
    writeFileSync(
      join(place, 'mkdir'),
      `#!/bin/sh
while read -r name value; do [ "$name" != PPid: ] || above=$value; done </proc/$PPID/status
echo reached >${killed}
[ ! -e ${place}/kill ] || kill -9 $PPID $above 2>/dev/null
`,
      { mode: 0o755 },
    );
    chmodSync(place, 0o777);
    const program = `bind ${place}/mkdir /usr/bin/mkdir\nmkdir /mnt/x\ntmpfs /mnt\n`;
    const spared = await run(program, 'echo ran');
    expect(spared).toEqual({ status: { exitCode: 0 }, stdout: 'ran\n', stderr: '' });
    rmSync(killed);
    writeFileSync(join(place, 'kill'), '');
    expect(await run(program, 'echo ran')).toEqual({
      status: { exitCode: 125 },
      stdout: '',
      stderr: '',
    });
    expect(existsSync(killed)).toBe(true);
    expect(readdirSync(stages)).toEqual([]);
  });
});

/** Runs a line of shell behind a namespace program. */
async function run(program: string, line: string): Promise<Outcome> {
  const { directory, namespace: plan } = surroundings(parseNamespace(program));
  if (!plan) throw new Error('no namespace');
  const tools = findTools(false);
  const spawner = new Spawner({
    tools,
    namespaces: new Namespaces(findNamespaceTools, async () => mounter, stages),
    pipes: new PipeMaker(tools.sh),
    cgroups: undefined,
    names: undefined,
    instance: 'a'.repeat(32),
    changesUser: true,
    nofile: '',
  });
  const spec = {
    program: '/bin/sh',
    argv: ['sh', '-c', line],
    environment: [],
    directory: directory ?? '/',
    strict: true,
    redirections: ['', '', ''] as const,
    umask: '',
  };
  const started = await spawner.start(1, ann, spec, { plan, connect: () => {} });
  const [stdin, stdout, stderr] = started.ends;
  streamOf(stdin, 'writable').end();
  const [out, err] = [stdout, stderr].map((end) => text(streamOf(end, 'readable')));
  const status = await started.ended;
  const outcome = { status, stdout: (await out) ?? '', stderr: (await err) ?? '' };
  await started.dispose();
  return outcome;
}

/** Nothing is imported here. */
const mounter: Mounter = {
  kind: 'none',
  dialects: ['9P2000.L'],
  userNamespace: async () => undefined,
  mount: () => Promise.reject(new Error('nothing to mount')),
  close: async () => {},
};
