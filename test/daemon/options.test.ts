import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, login } from '../support/client.js';
import { ALICE, BOB, Cluster, Daemon, freePort, startDaemon } from '../support/cluster.js';
import { bundle, runCommand } from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';
import { canUnshare, inMountNamespace } from '../support/namespace.js';
import { isRoot, lacksMountNamespaces, lacksRoot } from '../support/needs.js';
import { eventually } from '../support/wait.js';

describe('the options of xcpufs', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-options-'));
    await chmod(directory, 0o755);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('-h tells them, with an example; -V the version', async () => {
    const help = await runCommand('xcpufs', ['-h']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const option of [
      '-p',
      '-a',
      '-t',
      '-s',
      '-u',
      '-m',
      '--allow-mount',
      '--listen',
      '-d',
      '--config',
      '--state-dir',
      '--log-json',
      '-h',
      '-V',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`(^|\\s)${option}[, ]`, 'm'));
    }
    expect(help.stdout).toContain('Example');
    const version = await runCommand('xcpufs', ['-V']);
    expect(version).toMatchObject({ status: 0, stderr: '' });
    expect(version.stdout).toMatch(/^xcpufs \d+\.\d+\.\d+\n$/);
  });

  test('without an admin key the administrator cannot log in', async () => {
    const temporary = join(directory, 'no-admin');
    await mkdir(temporary);
    const args = isRoot ? [] : ['-s'];
    const wrap =
      isRoot && canUnshare
        ? inMountNamespace('[ ! -e /etc/xcpu ] || mount -t tmpfs tmpfs /etc/xcpu')
        : [];
    const daemon = await startDaemon({ host: '127.0.1.8', temporary, args, wrap });
    const attempt = login(daemon, { uname: 'xcpu-admin', key: testKey('admin_key') });
    await expect(attempt).rejects.toThrow('authentication failed');
    await daemon.stop();
  });

  test('--config takes them from a file; the command line wins', async () => {
    const temporary = join(directory, 'configured');
    await mkdir(temporary);
    const { publicFile } = await writeKey(testKey('admin_key'), directory);
    const file = join(directory, 'xcpufs.conf');
    const port = await freePort('127.0.1.9');
    await writeFile(
      file,
      `# of the tests\nport = 1\nlisten = 127.0.1.9\nadmin-key = ${publicFile} # theirs\n` +
        `same-user = ${isRoot ? 'no' : 'yes'}\nlog-json = yes\nmsize = 65536\n`,
    );
    const daemon = await startDaemon({
      host: '127.0.1.9',
      port,
      temporary,
      args: ['--config', file],
    });
    await using admin = await login(daemon, { uname: 'xcpu-admin', key: testKey('admin_key') });
    expect(admin.client.msize).toBe(65_536);
    expect(daemon.log).toMatch(/^\{.*"listening"/m);
    await daemon.stop();
  });

  test('--log-json logs objects, one a line, whatever a peer is called', async () => {
    await using cluster = await Cluster.start(1, { args: ['--log-json'] });
    const uname = 'new\nline "quoted" {}';
    await expect(login(cluster.node, { uname, key: ALICE.key })).rejects.toThrow('unknown user');
    (await cluster.admin()).close();
    await cluster.node.stop();
    const events = cluster.node.log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['listening', 'login', 'stopping', 'stopped']),
    );
    for (const { time } of events) expect(new Date(time).toISOString()).toBe(time);
  });

  test('the log has one line per event, whatever a peer is called', async () => {
    await using cluster = await Cluster.start(1, { args: ['-d'] });
    const uname = 'eve\n2000-01-01T00:00:00.000Z listening';
    await expect(login(cluster.node, { uname, key: ALICE.key })).rejects.toThrow();
    (await cluster.admin()).close();
    await cluster.node.stop();
    for (const line of cluster.node.log.trimEnd().split('\n')) expect(line).toMatch(/^202\d-/);
  });

  test('-d logs every request with its answer', async () => {
    await using cluster = await Cluster.start(1, { args: ['-d'] });
    const admin = await cluster.admin();
    await admin.text('arch');
    await expect(admin.open('nothing')).rejects.toThrow();
    admin.close();
    const lines = () => cluster.node.log.split('\n').filter((line) => line.includes(' request '));
    await eventually('all is logged', () => lines().some((line) => /Twalk.*nothing.*/.test(line)));
    for (const kind of ['Tversion', 'Tauth', 'Tattach', 'Twalk', 'Topen', 'Tread', 'Tclunk']) {
      expect(lines().filter((line) => line.includes(kind)).length, kind).toBeGreaterThan(0);
    }
    expect(lines().find((line) => line.includes('arch'))).toContain('Rwalk');
    await using quiet = await Cluster.start(1);
    (await quiet.admin()).close();
    expect(quiet.node.log).not.toContain('Twalk');
  });

  test('-m bounds the size of messages', async () => {
    await using cluster = await Cluster.start(1, { args: ['-m', '8192'] });
    using client = await connect(cluster.node);
    expect(client.msize).toBe(8192);
    using small = await connect(cluster.node, { msize: 1000 });
    expect(small.msize).toBe(1000);
  });

  test.skipIf(lacksRoot())('-s, as an ordinary user: every program runs as that user', async () => {
    const uid = 65_534;
    const temporary = join(directory, 'same-user');
    await mkdir(temporary);
    await chown(temporary, uid, uid);
    const { publicFile } = await writeKey(testKey('admin_key'), directory);
    const port = await freePort('127.0.1.8');
    const wrap = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
    const args = ['-s', '-a', publicFile];
    const daemon = await startDaemon({ host: '127.0.1.8', port, temporary, args, wrap });
    await using admin = await login(daemon, { uname: 'xcpu-admin', key: testKey('admin_key') });
    await admin.nodeCtl('group-add alices 41100');
    await admin.nodeCtl(`user-add alice 41001 alices '${ALICE.key.line}'`);
    await using alice = await login(daemon, { uname: 'alice', key: ALICE.key });
    const session = await alice.newSession();
    const fs = await alice.root.walk(session.path('fs'));
    await fs.create('tool', 0o755, 1);
    await fs.writeAll(Buffer.from('#!/bin/sh\nid -u; id -G; cat; echo err >/dev/stderr; exit 3\n'));
    await fs.clunk();
    expect(await session.run(['tool'], { input: 'in\n' })).toEqual({
      status: { exitCode: 3 },
      stdout: `${uid}\n${uid}\nin\n`,
      stderr: 'err\n',
    });
    await session.close();
    await daemon.stop();
    expect(await daemon.ended).toEqual({ status: 0, signal: null });
  });

  test.skipIf(lacksMountNamespaces())(
    '-u takes local users who have a key, with their groups',
    async () => {
      const home = join(directory, 'homes');
      for (const user of [ALICE, BOB])
        await mkdir(join(home, user.name, '.ssh'), { recursive: true });
      await writeFile(join(home, 'alice/.ssh/id_rsa.pub'), `${ALICE.key.line}\n`);
      await writeFile(join(home, 'bob/.ssh/id_rsa.pub'), 'ssh-ed25519 AAAA bob\n');
      await mkdir(join(home, 'carol'));
      const passwd = join(directory, 'passwd');
      await writeFile(
        passwd,
        `root:x:0:0::/nonexistent:/bin/sh\nalice:x:41001:41100:Alice:${home}/alice:/bin/bash\n` +
          `bob:x:41002:41101::${home}/bob:/bin/sh\ncarol:x:41003:41100::${home}/carol:/bin/sh\n`,
      );
      const group = join(directory, 'group');
      await writeFile(group, 'root:x:0:\nalices:x:41100:\ncrew:x:41200:bob,alice\nbobs:x:41101:\n');
      const wrap = inMountNamespace(
        `mount --bind ${passwd} /etc/passwd; mount --bind ${group} /etc/group`,
      );
      await using cluster = await Cluster.start(1, { args: ['-u'], wrap });
      await using admin = await cluster.admin();
      const entries = (await admin.text('pwent'))
        .trimEnd()
        .split('\n')
        .map((line) => line.split(':')[0]);
      expect(entries.sort()).toEqual(['alice', 'nobody', 'xcpu-admin']);
      expect(cluster.node.log).toMatch(/local user left out user=bob .*id_rsa\.pub/);
      await using alice = await login(cluster.node, { uname: 'alice', key: ALICE.key });
      const { stdout } = await alice.run(['sh', '-c', 'id -G; echo $HOME $SHELL; pwd']);
      expect(stdout).toBe(`41100 41200\n${home}/alice /bin/bash\n${home}/alice\n`);
    },
  );

  test('it says on which address it listens, all without --listen', async () => {
    const temporary = join(directory, 'all');
    await mkdir(temporary);
    const port = await freePort('0.0.0.0');
    const args = ['-p', String(port), '-t', temporary, ...(isRoot ? [] : ['-s'])];
    const child = spawn(process.execPath, [bundle('xcpufs'), ...args]);
    const daemon = new Daemon('127.0.1.77', port, temporary, child);
    await daemon.listening();
    using client = await connect(daemon);
    expect(client.dialect).toBe('9P2000.u');
    await daemon.stop();
  });
});
