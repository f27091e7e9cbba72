import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { login, type NodeLogin } from '../support/client.js';
import { ALICE, BOB, type Daemon, startDaemon } from '../support/cluster.js';
import { runCommand } from '../support/command.js';
import { type KeyFiles, testKey, writeKey } from '../support/keys.js';
import { inMountNamespace } from '../support/namespace.js';
import { isRoot, lacksMountNamespaces, lacksRoot } from '../support/needs.js';

const HOST = '127.0.1.66';
const TRUNCATE = OpenMode.WRITE | OpenMode.TRUNCATE;

describe('xcpufs --state-dir', () => {
  let directory: string;
  let keys: KeyFiles;
  /** Where the present test's daemons keep their state. */
  let stateDir: string;
  const running = new Set<Daemon>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-state-'));
    await chmod(directory, 0o755);
    keys = await writeKey(testKey('admin_key'), directory);
  });
  beforeEach(async () => {
    await Promise.all([...running].map((daemon) => daemon.stop()));
    running.clear();
    stateDir = join(await mkdtemp(join(directory, 'test-')), 'state');
  });
  afterAll(async () => {
    await Promise.all([...running].map((daemon) => daemon.stop()));
    await rm(directory, { recursive: true, force: true });
  });

  const start = async (args: readonly string[] = [], wrap: readonly string[] = []) => {
    const temporary = await mkdtemp(join(directory, 'tmp-'));
    const all = ['-a', keys.publicFile, '--state-dir', stateDir, ...(isRoot ? [] : ['-s'])];
    const daemon = await startDaemon({ host: HOST, temporary, args: [...all, ...args], wrap });
    running.add(daemon);
    return daemon;
  };
  const asAdmin = (daemon: Daemon) =>
    login(daemon, { uname: 'xcpu-admin', key: testKey('admin_key') });
  /** Starts a daemon, has the administrator do something there, and stops it in order. */
  const session = async <T>(work: (admin: NodeLogin, daemon: Daemon) => Promise<T>): Promise<T> => {
    const daemon = await start();
    try {
      await using admin = await asAdmin(daemon);
      return await work(admin, daemon);
    } finally {
      await daemon.stop();
    }
  };
  const tables = async (admin: NodeLogin) => ({
    users: (await admin.text('pwent')).trimEnd().split('\n').sort(),
    groups: (await admin.text('grent')).trimEnd().split('\n').sort(),
  });
  const addAlice = async (admin: NodeLogin) => {
    await admin.nodeCtl(`group-add alices ${ALICE.gid}\ngroup-add crew 41200`);
    await admin.nodeCtl(`user-add alice ${ALICE.uid} alices '${ALICE.key.line}'`);
    await admin.nodeCtl('user-add-group alice crew');
  };
  const give = async (admin: NodeLogin, file: string, changes: object) => {
    const fid = await admin.root.walk(file);
    await fid.wstat(changes);
    await fid.clunk();
  };
  const owner = async (admin: NodeLogin, file: string) => {
    const fid = await admin.root.walk(file);
    const { uid, gid, mode } = await fid.stat();
    await fid.clunk();
    return { uid, gid, mode: mode & 0o777 };
  };

  test('users, groups and all that the administrator set are there after a restart', async () => {
    const before = await session(async (admin) => {
      await addAlice(admin);
      await admin.nodeCtl(`user-add bob ${BOB.uid} crew '${BOB.key.line}'\nuser-del bob`);
      await admin.write('env', "'SITE=two\nlines'\n", TRUNCATE);
      await admin.write('ns', '# none\n', TRUNCATE);
      await admin.write('state', 'draining');
      await give(admin, 'clone', { gid: 'crew', mode: 0o440 });
      await give(admin, 'state', { uid: 'alice' });
      return tables(admin);
    });
    expect(before.users).toContain(`alice:${ALICE.uid}:${ALICE.gid}:alices,crew`);
    await session(async (admin, daemon) => {
      expect(daemon.log).toMatch(/ state restored file=\S+ users=1\n/);
      expect(await tables(admin)).toEqual(before);
      expect(await admin.text('env')).toBe("'SITE=two\nlines'\n");
      expect(await admin.text('ns')).toBe('# none\n');
      expect(await admin.text('state')).toBe('draining');
      expect(await owner(admin, 'clone')).toEqual({ uid: 'xcpu-admin', gid: 'crew', mode: 0o440 });
      expect(await owner(admin, 'state')).toEqual({ uid: 'alice', gid: 'xcpu-admin', mode: 0o664 });
      await using alice = await login(daemon, { uname: 'alice', key: ALICE.key });
      expect((await alice.run(['sh', '-c', 'echo "$SITE"'])).stdout).toBe('two\nlines\n');
      await alice.write('state', 'up', TRUNCATE);
      await admin.nodeCtl('user-flush');
    });
    await session(async (admin) => {
      expect(await admin.text('pwent')).not.toContain('alice');
      expect(await admin.text('state')).toBe('up');
    });
  });

  test('the files are for their owner alone, and there is nothing but what was saved', async () => {
    await session(async (admin) => {
      await addAlice(admin);
      expect(await readdir(stateDir)).toEqual(['lock', 'state']);
    });
    expect(await readdir(stateDir)).toEqual(['state']);
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
    const file = await stat(join(stateDir, 'state'));
    expect(file).toMatchObject({ uid: process.getuid?.() });
    expect(file.mode & 0o777).toBe(0o600);
  });

  test('without it a node starts empty', async () => {
    const temporary = await mkdtemp(join(directory, 'tmp-'));
    const args = ['-a', keys.publicFile, ...(isRoot ? [] : ['-s'])];
    for (let times = 0; times < 2; times++) {
      const daemon = await startDaemon({ host: HOST, temporary, args });
      running.add(daemon);
      await using admin = await asAdmin(daemon);
      expect((await tables(admin)).groups).toEqual([expect.stringMatching(/^xcpu-admin:/)]);
      await addAlice(admin);
      await daemon.stop();
    }
  });

  test('what was answered before a crash is there after it, however many were on their way', async () => {
    const answered = new Set<string>();
    let next = 0;
    for (let round = 0; round < 4; round++) {
      const daemon = await start();
      expect(daemon.log).not.toContain('state damaged');
      const admin = await asAdmin(daemon);
      if (round === 0) await admin.nodeCtl('group-add staff 5000');
      const there = new Set(
        (await admin.text('pwent')).split('\n').map((line) => line.split(':')[0]),
      );
      for (const name of answered) expect(there.has(name), name).toBe(true);
      const enough = answered.size + 400 + 97 * round;
      const push = async () => {
        const ctl = await admin.open('ctl', OpenMode.WRITE);
        for (;;) {
          const name = `u${++next}`;
          const line = `user-add ${name} ${50_000 + next} staff '${ALICE.key.line}'\n`;
          await ctl.write(0, Buffer.from(line));
          answered.add(name);
          if (answered.size >= enough) void daemon.crash();
        }
      };
      const pushing = Array.from({ length: 32 }, push);
      for (const { status } of await Promise.allSettled(pushing)) expect(status).toBe('rejected');
      await daemon.ended;
    }
    expect(answered.size).toBeGreaterThan(1600);
    await session(async (admin, daemon) => {
      expect(daemon.log).toMatch(/ state restored .*users=\d{4}\n/);
      const text = await admin.text('pwent');
      for (const name of answered) expect(text).toContain(`${name}:`);
    });
  });

  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['empty', () => Buffer.alloc(0), /reason=empty/],
    ['cut in half', (bytes) => bytes.subarray(0, bytes.length / 2), /reason="cut short/],
    ['cut by a byte', (bytes) => bytes.subarray(0, -1), /reason="cut short/],
    ['of which a bit flipped', flipped, /reason="checksum does not match/],
    ['full of zeros', (bytes) => Buffer.alloc(bytes.length), /reason="cut short/],
    ['no state at all', () => Buffer.from('hello\n'), /reason="cut short/],
  ])('a file that is %s is set aside, and nothing of it is taken', async (_, damage, reason) => {
    await session(addAlice);
    const file = join(stateDir, 'state');
    const damaged = damage(await readFile(file));
    await writeFile(file, damaged);
    await session(async (admin, daemon) => {
      expect(daemon.log).toMatch(/ state damaged file=\S+state reason=.* kept=\S+/);
      expect(daemon.log).toMatch(reason);
      expect((await tables(admin)).groups).toEqual([expect.stringMatching(/^xcpu-admin:/)]);
      await addAlice(admin);
    });
    const names = (await readdir(stateDir)).sort();
    expect(names).toEqual(['state', expect.stringMatching(/^state\.damaged-\d{4}-\d\d-\d\dT/)]);
    expect(await readFile(join(stateDir, names[1]!))).toEqual(damaged);
    await session(async (admin) => expect((await tables(admin)).users.join()).toContain('alice'));
  });

  test.skipIf(lacksMountNamespaces())(
    'a full disk is told to who commands and to the log; nothing is lost, and room makes it good',
    async () => {
      await mkdir(stateDir);
      const disk = inMountNamespace(`mount -t tmpfs -o size=64k,mode=700 tmpfs ${stateDir}`);
      const daemon = await start([], disk);
      await using admin = await asAdmin(daemon);
      await addAlice(admin);
      // What the daemon sees: the disk goes with it.
      const inside = `/proc/${daemon.pid}/root${stateDir}`;
      const saved = await readFile(`${inside}/state`, 'utf8');
      await writeFile(`${inside}/filler`, Buffer.alloc(64 * 1024)).catch(() => {});
      const add = `user-add bob ${BOB.uid} crew '${BOB.key.line}'`;
      const full = `done, but not saved: ${stateDir}/state: no space left on device`;
      await expect(admin.nodeCtl(add)).rejects.toThrow(full);
      await expect(admin.nodeCtl(add)).rejects.toThrow(full);
      await expect(admin.write('state', 'down')).rejects.toThrow(full);
      await expect(give(admin, 'clone', { mode: 0o400 })).rejects.toThrow(full);
      expect(daemon.log).toMatch(
        / state not saved file=\S+state reason="no space left on device"\n/,
      );
      expect(await readFile(`${inside}/state`, 'utf8')).toBe(saved);
      expect(await readdir(inside)).toEqual(expect.not.arrayContaining(['state.new']));
      expect(await admin.text('pwent')).toContain('bob:');
      expect(await admin.text('state')).toBe('down');
      await using bob = await login(daemon, { uname: 'bob', key: BOB.key });
      expect(await bob.text('arch')).toMatch(/^\/Linux\//);
      await rm(`${inside}/filler`);
      await expect(admin.nodeCtl(add)).rejects.toThrow('bob:user exists');
      expect(daemon.log).toMatch(/ state saved again file=\S+state\n/);
      const now = await readFile(`${inside}/state`, 'utf8');
      expect(now).toContain('user-add bob');
      expect(now).toContain('text state 4\ndown\n');
      expect(now).toContain('file clone 0400');
    },
  );

  test.skipIf(lacksMountNamespaces())(
    'users of the host, taken with -u, are not saved; one who was pushed goes before them',
    async () => {
      const home = join(directory, 'homes');
      for (const user of [ALICE, BOB]) {
        await mkdir(join(home, user.name, '.ssh'), { recursive: true });
        await writeFile(join(home, user.name, '.ssh/id_rsa.pub'), `${user.key.line}\n`);
      }
      const passwd = join(directory, 'passwd');
      const group = join(directory, 'group');
      const line = (user: typeof ALICE) =>
        `${user.name}:x:${user.uid}:${user.gid}::${home}/${user.name}:/bin/sh\n`;
      await writeFile(group, `alices:x:${ALICE.gid}:\nbobs:x:${BOB.gid}:\n`);
      const wrap = inMountNamespace(
        `mount --bind ${passwd} /etc/passwd; mount --bind ${group} /etc/group`,
      );
      await writeFile(passwd, line(ALICE) + line(BOB));
      const first = await start(['-u'], wrap);
      await using admin = await asAdmin(first);
      expect(await admin.text('pwent')).toContain('bob:');
      await admin.nodeCtl('user-del alice');
      await admin.nodeCtl(`user-add alice 7 bobs '${ALICE.key.line}'`);
      await first.stop();
      await writeFile(passwd, line(ALICE));
      const second = await start(['-u'], wrap);
      await using again = await asAdmin(second);
      const text = await again.text('pwent');
      expect(text).toContain(`alice:7:${BOB.gid}:bobs\n`);
      expect(text).not.toContain('bob:');
    },
  );

  describe('refuses', () => {
    const refusal = (args: readonly string[] = []) =>
      runCommand('xcpufs', [
        ...['-p', '0', '--listen', HOST, '-t', directory, '-a', keys.publicFile],
        ...['--state-dir', stateDir, ...(isRoot ? [] : ['-s']), ...args],
      ]);

    test('a directory in which others may write', async () => {
      await mkdir(stateDir);
      await chmod(stateDir, 0o777);
      expect(await refusal()).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(
          `xcpufs: ${stateDir}: others may write there, and so change what is saved: chmod go-w ${stateDir}\n`,
        ),
      });
    });

    test.skipIf(lacksRoot())('a directory of somebody else', async () => {
      await mkdir(stateDir);
      await chown(stateDir, ALICE.uid, ALICE.gid);
      const { status, stderr } = await refusal();
      expect(status).toBe(1);
      expect(stderr).toContain(`xcpufs: ${stateDir}: belongs to user ${ALICE.uid}`);
    });

    test('a directory whose parent is not there, a file, and one that it may not write', async () => {
      const parent = stateDir;
      stateDir = join(parent, 'deep/state');
      expect(await refusal()).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`xcpufs: ${stateDir}: cannot be made: no such file`),
      });
      stateDir = keys.publicFile;
      expect((await refusal()).stderr).toContain(`xcpufs: ${stateDir}: not a directory\n`);
      stateDir = isRoot ? '/proc/self/fd' : parent;
      if (!isRoot) await mkdir(parent, { mode: 0o500 });
      expect((await refusal()).stderr).toMatch(/^xcpufs: \S+: (cannot be written to|belongs to)/m);
    });

    test('a directory that another daemon has', async () => {
      const daemon = await start();
      const { status, stderr } = await refusal();
      expect(status).toBe(1);
      expect(stderr).toContain(`in use by another xcpufs (process ${daemon.pid})`);
    });

    test('what a later version saved, and leaves it alone', async () => {
      await session(addAlice);
      const file = join(stateDir, 'state');
      const { createHash } = await import('node:crypto');
      const body = 'xcpufs state 2\nsomething new\n';
      const digest = createHash('sha256').update(body).digest('hex');
      await writeFile(file, `${body}sha256 ${digest}\n`);
      const { status, stderr } = await refusal();
      expect(status).toBe(1);
      expect(stderr).toContain(
        `xcpufs: ${file}: saved by a later xcpufs: format 2, where this xcpufs knows 1\n`,
      );
      expect(await readdir(stateDir)).toEqual(['state']);
    });

    test('to start leaves the directory for the next', async () => {
      const { status } = await refusal(['-p', '1', '--listen', '192.0.2.1']);
      expect(status).toBe(1);
      expect(await readdir(stateDir)).toEqual([]);
    });
  });
});

function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[Math.floor(bytes.length / 3)]! ^= 4;
  return changed;
}
