import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModeBit, OpenMode } from '@xcpu/9p-protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NodeLogin, TestSession } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';
import { eventually } from '../support/wait.js';

describe.skipIf(lacksRoot())('an fs/ that its user made a trap of', () => {
  let cluster: Cluster;
  let node: NodeLogin;
  let session: TestSession;
  /** fs/ on the node's own disk. */
  let disk: string;
  /** Of root's, on the same file system; everybody may look in. */
  let outside: string;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    node = await cluster.user(ALICE);
    outside = mkdtempSync(join(tmpdir(), 'xcpu-outside-'));
    chmodSync(outside, 0o755);
    writeFileSync(join(outside, 'public'), 'outside\n');
    writeFileSync(join(outside, 'secret'), 'secret\n', { mode: 0o600 });
    mkdirSync(join(outside, 'open'), { mode: 0o777 });
    chmodSync(join(outside, 'open'), 0o777);
    writeFileSync(join(outside, 'open', 'file'), 'outside\n', { mode: 0o666 });
    chmodSync(join(outside, 'open', 'file'), 0o666);
  });
  afterAll(async () => {
    await cluster?.stop();
    if (outside) rmSync(outside, { recursive: true });
  });

  beforeEach(async () => {
    session = await node.newSession();
    await (await walk('')).clunk();
    const { temporary } = cluster.node;
    disk = join(temporary, readdirSync(temporary)[0]!, 'sessions', session.sid, 'fs');
  });
  afterEach(async () => {
    await session.ctl('wipe').catch(() => {});
    await eventually('its directory is gone', () => !existsSync(disk));
    expect(readFileSync(join(outside, 'public'), 'utf8')).toBe('outside\n');
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret\n');
    expect(readFileSync(join(outside, 'open', 'file'), 'utf8')).toBe('outside\n');
    expect(statSync(join(outside, 'open', 'file')).mode & 0o777).toBe(0o666);
    expect(readdirSync(join(outside, 'open'))).toEqual(['file']);
    expect(readdirSync(outside).sort()).toEqual(['open', 'public', 'secret']);
  });

  const walk = (path: string) => node.root.walk(session.path(`fs/${path}`));

  /** Lets the session's program prepare fs/, as its user. */
  async function prepare(script: string): Promise<void> {
    const { status, stderr } = await session.run(['sh', '-ec', `cd ${disk}\n${script}`]);
    expect({ status, stderr }).toEqual({ status: { exitCode: 0 }, stderr: '' });
  }

  test('a symbolic link to a file is not followed', async () => {
    await prepare(`ln -s ${outside}/public link; ln -s ${outside}/open/file writable`);
    for (const name of ['link', 'writable']) {
      for (const mode of [OpenMode.READ, OpenMode.WRITE, OpenMode.READ | OpenMode.TRUNCATE]) {
        await expect(session.open(`fs/${name}`, mode), name).rejects.toThrow();
      }
      const fid = await walk(name);
      await expect(fid.wstat({ length: 0 }), name).rejects.toThrow();
      await expect(fid.wstat({ mode: 0o777 }), name).rejects.toThrow();
      await expect(fid.wstat({ mtime: 1 }), name).rejects.toThrow();
      await fid.clunk();
      await (await walk(name)).remove();
    }
    expect(readdirSync(disk)).toEqual([]);
  });

  test('a symbolic link to a directory is not followed, nor what lies behind it', async () => {
    await prepare(
      `ln -s ${outside}/open link; mkdir sub; ln -s ${outside}/open sub/link; ln -s ../../.. up`,
    );
    for (const path of ['link/file', 'sub/link/file', 'up/daemon.json', 'up/sessions']) {
      await expect(walk(path), path).rejects.toThrow();
    }
    for (const path of ['link', 'sub/link', 'up']) {
      const fid = await walk(path);
      await expect(fid.create('new', 0o666, OpenMode.WRITE), path).rejects.toThrow();
      await expect(fid.create('new', ModeBit.DIR | 0o777, OpenMode.READ), path).rejects.toThrow();
      await expect(fid.open(OpenMode.READ), path).rejects.toThrow();
      await fid.clunk();
    }
  });

  test('a link in place of a file that was walked to is not followed', async () => {
    await prepare(`mkdir d; echo inside >d/file; echo inside >f`);
    const other = await node.newSession();
    const fids = { file: await walk('f'), below: await walk('d/file'), directory: await walk('d') };
    const swap = `cd ${disk}; rm f; ln -s ${outside}/open/file f; mv d old; ln -s ${outside}/open d`;
    expect((await other.run(['sh', '-ec', swap])).status).toEqual({ exitCode: 0 });
    for (const fid of [fids.file, fids.below]) {
      await expect(fid.wstat({ length: 0 })).rejects.toThrow();
      await expect(fid.open(OpenMode.READ)).rejects.toThrow();
    }
    await expect(fids.directory.create('new', 0o666, OpenMode.WRITE)).rejects.toThrow();
    await expect(fids.below.remove()).rejects.toThrow();
    await other.close();
  });

  test('named pipes, sockets and devices are not opened', async () => {
    await prepare('mkfifo fifo');
    const { execFileSync } = await import('node:child_process');
    execFileSync('mknod', ['-m', '666', join(disk, 'null'), 'c', '1', '3']);
    for (const name of ['fifo', 'null']) {
      for (const mode of [OpenMode.READ, OpenMode.WRITE, OpenMode.READ_WRITE]) {
        await expect(session.open(`fs/${name}`, mode), name).rejects.toThrow();
      }
      const fid = await walk(name);
      await expect(fid.wstat({ length: 0 }), name).rejects.toThrow();
      await fid.clunk();
    }
    expect((await node.run(['echo', 'not stuck'])).stdout).toBe('not stuck\n');
  });

  test("a hard link to a file of root's opens nothing", async () => {
    linkSync(join(outside, 'secret'), join(disk, 'hard'));
    for (const mode of [OpenMode.READ, OpenMode.WRITE, OpenMode.READ | OpenMode.TRUNCATE]) {
      await expect(session.open('fs/hard', mode)).rejects.toThrow('permission denied');
    }
    const fid = await walk('hard');
    await expect(fid.wstat({ mode: 0o666 })).rejects.toThrow('permission denied');
    await expect(fid.wstat({ length: 0 })).rejects.toThrow('permission denied');
    await fid.clunk();
    expect(statSync(join(outside, 'secret'))).toMatchObject({ uid: 0, nlink: 2 });
  });

  test('while a directory and a link take turns, what is opened is never what lies outside', async () => {
    await prepare('mkdir real; echo inside >real/file; chmod 666 real/file');
    const other = await node.newSession();
    const swap = `
      cd ${disk}; ln -s ${outside}/open link; mv real d; echo ready
      while :; do mv -T d real; mv -T link d; mv -T d link; mv -T real d; done`;
    await other.start(['sh', '-c', swap]);
    const stdout = await other.open('stdout');
    expect(String(await stdout.read(0, 100))).toBe('ready\n');
    const seen = { inside: 0, refused: 0 };
    const look = async () => {
      try {
        await session.write('fs/d/file', 'INSIDE', OpenMode.WRITE);
        const text = await session.text('fs/d/file');
        expect(text).toBe('INSIDE\n');
        seen.inside++;
      } catch (error) {
        if ((error as Error).name === 'AssertionError') throw error;
        seen.refused++;
      }
    };
    const attempts = () => seen.inside + seen.refused;
    while (attempts() < 2000 || seen.inside === 0 || seen.refused === 0) {
      await Promise.all(Array.from({ length: 16 }, look));
    }
    await other.ctl('wipe');
    await stdout.clunk();
    await other.close();
  });

  test('a pushed program is not looked for behind a link', async () => {
    await prepare('true');
    const other = await node.newSession();
    const fs = await node.root.walk(other.path('fs'));
    await fs.clunk();
    const path = join(disk, '..', '..', other.sid, 'fs');
    await node.run(['sh', '-c', `ln -s /usr/bin/id ${path}/date`]);
    expect((await other.run(['date', '+x'])).stdout).toBe('x\n');
    await other.close();
  });

  test('two thousand levels of directories are removed', async () => {
    await prepare(`
      n=0
      while [ $n -lt 40 ]; do
        p=a; m=1; while [ $m -lt 50 ]; do p=$p/a; m=$((m+1)); done
        mkdir -p $p; cd -P $p; echo x >file; n=$((n+1))
      done`);
  });

  test('links to what lies outside go, what they lead to stays', async () => {
    await prepare(
      `ln -s ${outside}/open d; ln -s ${outside} e; mkdir f; ln -s ${outside}/open/file f/g; ln -s . loop`,
    );
  });

  test('directories and files without any permission are removed', async () => {
    await prepare('mkdir -p a/b/c; echo x >a/b/c/d; chmod 0 a/b/c/d a/b/c a/b a; mkdir -m 0 empty');
  });

  test('strange names are removed', async () => {
    await prepare(
      `printf x >"$(printf 'a\\nb')"; mkdir -- -rf; printf x >"$(printf '\\377\\376')"; mkdir "$(printf '\\200d')"; printf x >"$(printf '\\200d/\\201')"`,
    );
    await (await walk('')).clunk();
  });

  test('wipe takes thousands of files while others are served', async () => {
    await prepare(
      'n=0; while [ $n -lt 20 ]; do mkdir d$n; (cd d$n; seq 500 | xargs touch); n=$((n+1)); done',
    );
    const wiped = session.ctl('wipe');
    expect((await node.run(['echo', 'others go on'])).stdout).toBe('others go on\n');
    await wiped;
  });

  test('the session directory itself is not the user’s to change', async () => {
    const script = `cd ${disk}/..; mv fs gone; mkdir x; ls; touch y`;
    const { status, stdout } = await session.run(['sh', '-c', script]);
    expect(status).not.toEqual({ exitCode: 0 });
    expect(stdout).toBe('');
    expect(readdirSync(join(disk, '..'))).toEqual(['fs']);
  });
});
