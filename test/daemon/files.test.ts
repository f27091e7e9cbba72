import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ModeBit, OpenMode } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NodeLogin, TestSession } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';

describe.skipIf(lacksRoot())('the files of fs/', () => {
  let cluster: Cluster;
  let node: NodeLogin;
  let session: TestSession;
  /** fs/ on the node's own disk. */
  let disk: string;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    node = await cluster.user(ALICE);
  });
  afterAll(() => cluster?.stop());

  beforeEach(async () => {
    session = await node.newSession();
    await (await walk()).clunk();
    const { temporary } = cluster.node;
    disk = join(temporary, readdirSync(temporary)[0]!, 'sessions', session.sid, 'fs');
  });
  afterEach(() => session.close());

  const walk = (path = ''): Promise<Fid> => node.root.walk(session.path(`fs/${path}`));

  async function create(path: string, contents: string, perm = 0o644): Promise<void> {
    const at = path.lastIndexOf('/');
    const fid = await walk(path.slice(0, Math.max(at, 0)));
    await fid.create(path.slice(at + 1), perm, OpenMode.WRITE);
    await fid.writeAll(Buffer.from(contents));
    await fid.clunk();
  }

  async function makeDirectory(path: string, perm = 0o755): Promise<void> {
    const at = path.lastIndexOf('/');
    const fid = await walk(path.slice(0, Math.max(at, 0)));
    await fid.create(path.slice(at + 1), ModeBit.DIR | perm, OpenMode.READ);
    await fid.clunk();
  }

  async function names(path = ''): Promise<string[]> {
    const fid = await node.open(session.path(`fs/${path}`));
    const entries = await fid.readDirectory();
    await fid.clunk();
    return entries.map(({ name }) => name).sort();
  }

  test('are created, written, read and listed, as the user', async () => {
    await create('file', 'contents', 0o640);
    expect(await node.text(session.path('fs/file'))).toBe('contents');
    expect(await names()).toEqual(['file']);
    const { uid, gid, mode } = lstatSync(join(disk, 'file'));
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({
      uid: ALICE.uid,
      gid: ALICE.gid,
      mode: 0o640,
    });
    const fid = await walk('file');
    expect(await fid.stat()).toMatchObject({
      name: 'file',
      uid: 'alice',
      gid: 'alices',
      length: 8,
      mode: 0o640,
    });
    await fid.clunk();
  });

  test('large ones arrive whole, in parallel too', async () => {
    const contents = Buffer.from(Array.from({ length: 400_000 }, (_, n) => `${n} `).join(''));
    await Promise.all([1, 2, 3, 4].map((n) => create(`large${n}`, contents.toString())));
    for (const n of [1, 2, 3, 4]) {
      expect((await node.bytes(session.path(`fs/large${n}`))).equals(contents)).toBe(true);
    }
  });

  test('the program finds and changes them', async () => {
    await create('in', 'from the client');
    const result = await session.run([
      'sh',
      '-c',
      `cd ${disk}; cat in; echo back >out; mkdir sub; id -u`,
    ]);
    expect(result.stdout).toBe(`from the client${ALICE.uid}\n`);
    expect(await node.text(session.path('fs/out'))).toBe('back\n');
    expect(await names()).toEqual(['in', 'out', 'sub']);
  });

  test('appending, truncating and writing at an offset', async () => {
    await create('file', '0123456789');
    await session.write('fs/file', 'ab', OpenMode.WRITE | OpenMode.APPEND);
    expect(await session.text('fs/file')).toBe('0123456789ab');
    const fid = await session.open('fs/file', OpenMode.READ_WRITE);
    await fid.write(2, Buffer.from('XY'));
    expect(String(await fid.read(1, 4))).toBe('1XY4');
    await fid.clunk();
    const other = await walk('file');
    await other.wstat({ length: 3 });
    expect(await session.text('fs/file')).toBe('01X');
    await session.write('fs/file', 'new', OpenMode.WRITE | OpenMode.TRUNCATE);
    expect(await session.text('fs/file')).toBe('new');
    await other.clunk();
  });

  test('directories nest; only empty ones are removed', async () => {
    await makeDirectory('a');
    await makeDirectory('a/b');
    await create('a/b/c', 'deep');
    expect(await session.text('fs/a/b/c')).toBe('deep');
    expect(await names('a')).toEqual(['b']);
    await expect((await walk('a/b')).remove()).rejects.toThrow('not empty');
    await (await walk('a/b/c')).remove();
    await (await walk('a/b')).remove();
    expect(await names('a')).toEqual([]);
  });

  test('renaming stays in the directory and replaces nothing', async () => {
    await create('old', 'contents');
    await create('other', 'other');
    const fid = await walk('old');
    await expect(fid.wstat({ name: 'other' })).rejects.toThrow('exists');
    await fid.wstat({ name: 'new' });
    expect(await names()).toEqual(['new', 'other']);
    expect((await fid.stat()).name).toBe('new');
    for (const name of ['../up', 'a/b', '..', '.', '']) {
      if (name) await expect(fid.wstat({ name }), name).rejects.toThrow();
    }
    await fid.clunk();
  });

  test('permissions and times change; owner and group do not', async () => {
    await create('file', 'contents');
    const fid = await walk('file');
    await fid.wstat({ mode: 0o600, mtime: 1_000_000_000 });
    expect(await fid.stat()).toMatchObject({ mode: 0o600, mtime: 1_000_000_000 });
    await expect(fid.wstat({ nUid: 0 })).rejects.toThrow('permission denied');
    await expect(fid.wstat({ nGid: 0 })).rejects.toThrow('permission denied');
    await expect(fid.wstat({ uid: 'root' })).rejects.toThrow('permission denied');
    expect(lstatSync(join(disk, 'file')).uid).toBe(ALICE.uid);
    await fid.clunk();
  });

  test('set-uid and set-gid bits are never set', async () => {
    await create('file', '', 0o755 | ModeBit.SETUID | ModeBit.SETGID | 0o7000);
    await makeDirectory('directory', 0o755 | ModeBit.SETGID | 0o7000);
    for (const name of ['file', 'directory']) {
      const fid = await walk(name);
      expect(lstatSync(join(disk, name)).mode & 0o7777).toBe(0o755);
      await fid.wstat({
        mode: ((await fid.stat()).mode | ModeBit.SETUID | ModeBit.SETGID | 0o7000) >>> 0,
      });
      expect(lstatSync(join(disk, name)).mode & 0o7777).toBe(0o755);
      await fid.clunk();
    }
  });

  test.each([
    ['symbolic links', ModeBit.SYMLINK, '/etc/passwd'],
    ['devices', ModeBit.DEVICE, 'c 1 3'],
    ['named pipes', ModeBit.NAMED_PIPE, ''],
    ['sockets', ModeBit.SOCKET, ''],
    ['hard links', 0, '1'],
  ])('%s are not made', async (_, bit, extension) => {
    const fid = await walk();
    await expect(
      fid.create('special', (bit | 0o644) >>> 0, OpenMode.READ, { extension }),
    ).rejects.toThrow();
    expect(readdirSync(disk)).toEqual([]);
    await fid.clunk();
  });

  test.each(['.', '..', 'a/b', '', '/', 'nul\0'])('the name %j is refused', async (name) => {
    const fid = await walk();
    await expect(fid.create(name, 0o644, OpenMode.WRITE)).rejects.toThrow();
    await expect(fid.create(name, ModeBit.DIR | 0o755, OpenMode.READ)).rejects.toThrow();
    expect(readdirSync(disk)).toEqual([]);
    expect(readdirSync(join(disk, '..'))).toEqual(['fs']);
    await fid.clunk();
  });

  test('.. leads up to the session, and no further than the root', async () => {
    await makeDirectory('a');
    const up = await walk('a');
    const two = await up.walk(['..', '..', 'id']);
    await two.open(OpenMode.READ);
    expect(String(await two.readAll())).toBe('/0');
    const root = await up.walk(['..', '..', '..', '..', '..', '..', 'arch']);
    await root.open(OpenMode.READ);
    expect(String(await root.readAll())).toMatch(/^\/Linux\//);
    for (const fid of [up, two, root]) await fid.clunk();
  });

  test('neither fs/ nor what it stands in can be removed or renamed', async () => {
    await expect((await walk()).remove()).rejects.toThrow();
    const fid = await walk();
    await expect(fid.wstat({ name: 'other' })).rejects.toThrow();
    await fid.clunk();
    await expect((await node.root.walk(session.sid)).remove()).rejects.toThrow(
      'directory not empty',
    );
    await expect((await node.root.walk(session.path('env'))).remove()).rejects.toThrow(
      'permission denied',
    );
    expect(readdirSync(join(disk, '..'))).toEqual(['fs']);
  });

  test('what the user may not read or write on disk he may not through the daemon', async () => {
    await create('secret', 'secret', 0o000);
    for (const mode of [OpenMode.READ, OpenMode.WRITE, OpenMode.READ | OpenMode.TRUNCATE]) {
      await expect(session.open('fs/secret', mode)).rejects.toThrow('permission denied');
    }
    await makeDirectory('closed', 0o500);
    await expect(create('closed/file', 'x')).rejects.toThrow('permission denied');
    await makeDirectory('sealed');
    const sealed = await walk('sealed');
    await sealed.wstat({ mode: 0 });
    await sealed.clunk();
    await expect(names('sealed')).rejects.toThrow('permission denied');
    await expect(create('sealed/file', 'x')).rejects.toThrow();
  });

  test('files of others that lie there are out of reach', async () => {
    execFileSync('sh', [
      '-c',
      `umask 077; echo secret >"$0/of-root"; mkdir "$0/dir-of-root"; echo x >"$0/dir-of-root/f"`,
      disk,
    ]);
    await expect(session.open('fs/of-root')).rejects.toThrow('permission denied');
    await expect(session.open('fs/of-root', OpenMode.WRITE)).rejects.toThrow('permission denied');
    await expect(session.open('fs/dir-of-root/f')).rejects.toThrow();
    const fid = await walk('of-root');
    await expect(fid.wstat({ mode: 0o666 })).rejects.toThrow('permission denied');
    await expect(fid.wstat({ length: 0 })).rejects.toThrow('permission denied');
    await fid.clunk();
    expect(lstatSync(join(disk, 'of-root'))).toMatchObject({ uid: 0, size: 7 });
  });
});
