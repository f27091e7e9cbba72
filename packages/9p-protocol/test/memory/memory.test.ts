import { describe, expect, it } from 'vitest';
import { attach, Client, type Fid } from '../../src/client/index.js';
import { type Dialect, Errno, ModeBit, OpenMode, transportPair } from '../../src/index.js';
import { type MemoryOptions, memoryServer } from '../../src/memory/index.js';
import { Server } from '../../src/server/index.js';

const { READ, WRITE, READ_WRITE } = OpenMode;

/** A server in memory, and how to enter it. */
function volume(options?: MemoryOptions) {
  const server = new Server(memoryServer(options));
  return async (uname: string, version: Dialect = '9P2000.u', nUname?: number): Promise<Fid> => {
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    const client = await Client.connect(ours, { version });
    return attach(client, { uname, ...(nUname !== undefined && { nUname }) });
  };
}

/** A new file with something in it, closed. */
async function put(directory: Fid, name: string, contents: string | Buffer): Promise<void> {
  const fid = await (await directory.walk('')).create(name, 0o644, WRITE);
  await fid.writeAll(Buffer.from(contents as string));
  await fid.clunk();
}

describe('space', () => {
  it('is limited for all files together', async () => {
    const root = await volume({ limit: 300_000 })('me');
    await put(root, 'a', Buffer.alloc(200_000));
    await expect(put(root, 'b', Buffer.alloc(200_000))).rejects.toMatchObject({
      errno: Errno.ENOSPC,
    });
  });

  it('comes back when files are removed, once nobody has them open', async () => {
    const root = await volume({ limit: 300_000 })('me');
    await put(root, 'a', Buffer.alloc(200_000));
    const open = await (await root.walk('a')).open(READ);
    await (await root.walk('a')).remove();
    await expect(put(root, 'b', Buffer.alloc(200_000))).rejects.toThrow();
    await (await root.walk('b')).remove();
    await open.clunk();
    await put(root, 'c', Buffer.alloc(200_000));
  });

  it('is taken by names as well', async () => {
    const root = await volume({ limit: 20_000 })('me');
    const makeMany = async () => {
      for (let index = 0; index < 20; index++) await put(root, `f${index}`, '');
    };
    await expect(makeMany()).rejects.toMatchObject({ errno: Errno.ENOSPC });
    await (await root.walk('f0')).remove();
    await put(root, 'again', '');
  });

  it('is not taken by a symbolic link that there is no space for', async () => {
    const root = await volume({ limit: 5120 })('me');
    const perm = (ModeBit.SYMLINK | 0o777) >>> 0;
    const extension = 'x'.repeat(4000);
    for (let index = 0; index < 5; index++) {
      const fid = await root.walk('');
      await expect(fid.create('link', perm, READ, { extension })).rejects.toMatchObject({
        errno: Errno.ENOSPC,
      });
    }
    await put(root, 'f', '');
  });

  it('is not taken by holes', async () => {
    const root = await volume({ limit: 200_000 })('me');
    const fid = await (await root.walk('')).create('sparse', 0o644, READ_WRITE);
    await fid.write(2 ** 45, Buffer.from('far'));
    expect((await fid.stat()).length).toBe(2 ** 45 + 3);
    await expect(fid.write(Number.MAX_SAFE_INTEGER, Buffer.from('x'))).rejects.toMatchObject({
      errno: Errno.EFBIG,
    });
  });
});

describe('users', () => {
  it('are told apart by name where they give no number', async () => {
    const enter = volume();
    await put(await enter('ken', '9P2000'), 'f', 'text');
    const root = await enter('rob', '9P2000');
    expect((await (await root.walk('f')).stat()).uid).toBe('ken');
    await expect((await root.walk('f')).open(WRITE)).rejects.toThrow('permission denied');
    await (await (await enter('ken')).walk('f')).open(WRITE);
  });

  it('have the groups that the server knows of', async () => {
    const users = [
      { name: 'ken', uid: 1, gid: 100 },
      { name: 'rob', uid: 2, groups: [100] },
      { name: 'stranger', uid: 3 },
    ];
    const enter = volume({ users });
    await (await (await enter('ken')).walk('')).create('f', 0o640, WRITE);
    await (await (await enter('rob')).walk('f')).open(READ);
    await expect((await (await enter('rob')).walk('f')).open(WRITE)).rejects.toThrow();
    await expect((await (await enter('stranger')).walk('f')).open(READ)).rejects.toThrow();
    await (await (await enter('root')).walk('f')).open(WRITE);
  });

  it('never get the number of one that the server knows', async () => {
    // root, nobody and bob: the next stranger would be the third.
    const enter = volume({ users: [{ name: 'bob', uid: 100_003 }] });
    await (await (await enter('bob')).walk('')).create('f', 0o600, WRITE);
    const root = await enter('stranger');
    expect((await (await root.walk('f')).stat()).uid).toBe('bob');
    await expect((await root.walk('f')).open(READ)).rejects.toThrow('permission denied');
    await put(root, 'g', '');
    expect((await (await root.walk('g')).stat()).uid).toBe('stranger');
  });

  it('are not kept apart where permissions are not checked', async () => {
    const enter = volume({ checkPermissions: false });
    await (await (await enter('ken')).walk('')).create('f', 0o000, WRITE);
    const fid = await (await enter('rob')).walk('f');
    await fid.open(READ_WRITE);
    await fid.wstat({ mode: 0o600 });
    expect((await fid.stat()).uid).toBe('ken');
  });

  it('remove what is theirs alone from a sticky directory', async () => {
    const enter = volume({ root: { mode: 0o1777 } });
    await put(await enter('ken'), 'f', '');
    await expect((await (await enter('rob')).walk('f')).remove()).rejects.toMatchObject({
      errno: Errno.EPERM,
    });
    await (await (await enter('ken')).walk('f')).remove();
  });

  it('pass the group of a set-gid directory on', async () => {
    const enter = volume({ root: { mode: 0o2777, gid: 100 } });
    const root = await enter('ken');
    await (await root.walk('')).create('d', (ModeBit.DIR | 0o755) >>> 0, READ);
    const { mode, nGid } = await (await root.walk('d')).stat();
    expect(nGid).toBe(100);
    expect(mode & ModeBit.SETGID).toBe(ModeBit.SETGID);
  });
});

describe('files', () => {
  it('are numbered from where the options say, beyond 2^53 too', async () => {
    const root = await volume({ firstPath: Number.MAX_SAFE_INTEGER })('me');
    await put(root, 'f', '');
    expect(root.qid.path).toBe(Number.MAX_SAFE_INTEGER);
    expect((await root.walk('f')).qid.path).toBe(2n ** 53n);
  });

  it('keep what was read as it was, whatever is written next', async () => {
    const root = await volume()('me');
    await put(root, 'f', 'before');
    const fid = await (await root.walk('f')).open(READ_WRITE);
    const [first] = await Promise.all([
      fid.read(0, 6),
      fid.write(0, Buffer.from('behind')),
      fid.wstat({ length: 3 }),
    ]);
    expect(Buffer.from(first).toString()).toBe('before');
    expect(Buffer.from(await fid.read(0, 6)).toString()).toBe('beh');
  });

  it('hold many pieces, read across their borders', async () => {
    const root = await volume()('me');
    const contents = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    await put(root, 'f', contents);
    const fid = await (await root.walk('f')).open(READ);
    expect((await fid.readAll()).equals(contents)).toBe(true);
    expect(Buffer.from(await fid.read(65_530, 20))).toEqual(contents.subarray(65_530, 65_550));
  });

  it('are in one tree', async () => {
    const server = new Server(memoryServer());
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    const client = await Client.connect(ours);
    await expect(attach(client, { uname: 'me', aname: '/srv' })).rejects.toMatchObject({
      errno: Errno.ENOENT,
    });
    await attach(client, { uname: 'me', aname: '/' });
  });
});
