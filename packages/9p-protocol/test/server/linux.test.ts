import { describe, expect, it } from 'vitest';
import {
  AT_REMOVEDIR,
  type Attributes,
  type DirectoryEntry,
  decodeDirents,
  FileMode,
  GetattrMask,
  LinuxOpen,
  LockStatus,
  LockType,
  MessageType,
  ModeBit,
  NinePError,
  NONUNAME,
  OpenMode,
  type Rgetattr,
  type Rreaddir,
  SetattrMask,
  type Tsetattr,
} from '../../src/index.js';
import type { AttributeChanges, FileLock, NewFile, StatChanges } from '../../src/server/index.js';
import { deferred, settled } from '../support/ledger.js';
import { directory, opens, regular, served, symlink, TestFile } from '../support/linux-files.js';
import { clunk, flush, open, read, stat, walk, write } from '../support/raw-peer.js';

const T = MessageType;
const [EPERM, ENOENT, EBADF, EBUSY, EEXIST, EXDEV, ENOTDIR, EISDIR, EINVAL] = [
  1, 2, 9, 16, 17, 18, 20, 21, 22,
];

describe('errors', () => {
  it('are numbers, those that are none EIO', async () => {
    const errors = [0, 4095, 4096, 0xffffffff, 39];
    const root = directory();
    for (const [index, errno] of errors.entries()) {
      const refuse = () => {
        throw new NinePError('text', errno);
      };
      root.add(regular(String(index), { getattr: refuse }));
    }
    const { call } = await served(root);
    for (const [index, ecode] of [5, 4095, 5, 5, 39].entries()) {
      await call(walk(0, index + 1, [String(index)]));
      const answer = await call({ type: T.Tgetattr, fid: index + 1, requestMask: 1 });
      expect(answer).toEqual({ type: T.Rlerror, tag: 1, ecode });
    }
    expect(await call(walk(0, 9, ['none']))).toEqual({ type: T.Rlerror, tag: 1, ecode: ENOENT });
  });
});

describe('getattr', () => {
  it('is what the file tells, as far as it was asked for', async () => {
    const told: Attributes = {
      ...plain,
      mode: FileMode.REGULAR | 0o600,
      btimeSec: 9,
      size: 2 ** 40,
    };
    const root = directory();
    root.add(regular('f', { getattr: () => told }));
    root.add(regular('later', { getattr: async () => plain }));
    const { call } = await served(root);
    await call(walk(0, 1, ['f']));
    await call(walk(0, 2, ['later']));
    const all = await call<Rgetattr>({ type: T.Tgetattr, fid: 1, requestMask: 2n ** 64n - 1n });
    expect(all).toMatchObject({ attributes: told, valid: GetattrMask.BASIC | GetattrMask.BTIME });
    expect(await call({ type: T.Tgetattr, fid: 1, requestMask: 3 })).toMatchObject({ valid: 3 });
    const basic = { type: T.Tgetattr, fid: 2, requestMask: GetattrMask.ALL };
    expect(await call(basic)).toMatchObject({ valid: GetattrMask.BASIC });
  });

  it.each([
    [(ModeBit.DIR | ModeBit.STICKY | 0o777) >>> 0, '', FileMode.DIRECTORY | 0o1777, 0],
    [ModeBit.SETUID | ModeBit.SETGID | 0o755, '', FileMode.REGULAR | 0o6755, 0],
    [ModeBit.SYMLINK | 0o777, 'x', FileMode.SYMLINK | 0o777, 0],
    [ModeBit.DEVICE | 0o600, 'c 1 3', FileMode.CHARACTER_DEVICE | 0o600, 0x103],
    [ModeBit.DEVICE | 0o600, 'b 8 1048575', FileMode.BLOCK_DEVICE | 0o600, 0xfff008ff],
    [ModeBit.NAMED_PIPE | 0o600, '', FileMode.FIFO | 0o600, 0],
    [ModeBit.SOCKET | 0o600, '', FileMode.SOCKET | 0o600, 0],
  ])('is made of stat: mode %o %s', async (mode, extension, linux, rdev) => {
    const root = directory();
    const file = root.add(new TestFile('f', mode));
    file.extension = extension;
    const { call } = await served(root);
    await call(walk(0, 1, ['f']));
    const { attributes, qid } = await call<Rgetattr>({ type: T.Tgetattr, fid: 1, requestMask: 1 });
    expect(attributes).toMatchObject({ mode: linux, rdev, uid: 7, gid: 65_534, nlink: 1 });
    expect(attributes).toMatchObject({ size: 1000, blocks: 2, atimeSec: 5, mtimeSec: 6 });
    expect(qid).toEqual(file.qid);
  });
});

describe('setattr', () => {
  it('hands on what is to change', async () => {
    const seen: AttributeChanges[] = [];
    const { call, errno } = await served(
      directory('/', { setattr: (changes) => void seen.push(changes) }),
    );
    const { MODE, UID, GID, SIZE, ATIME, MTIME, CTIME, ATIME_SET, MTIME_SET } = SetattrMask;
    await call(setattr(MODE | UID | GID, { mode: FileMode.DIRECTORY | 0o2750, uid: 1, gid: 2 }));
    await call(setattr(ATIME | MTIME | MTIME_SET | CTIME, { mtimeSec: 3, mtimeNsec: 4 }));
    await call(setattr(ATIME | ATIME_SET, { atimeSec: 2n ** 64n - 2n, atimeNsec: 999_999_999 }));
    expect(seen).toEqual([
      { mode: 0o2750, uid: 1, gid: 2 },
      { atime: 'now', mtime: { sec: 3, nsec: 4 } },
      { atime: { sec: -2, nsec: 999_999_999 } },
    ]);
    expect(await errno(setattr(CTIME, {}))).toBe(0);
    expect(await errno(setattr(0, {}))).toBe(0);
    expect(seen).toHaveLength(3);
    expect(await errno(setattr(0x200, {}))).toBe(EINVAL);
    expect(await errno(setattr(SIZE, { size: 0 }))).toBe(EISDIR);
    expect(await errno(setattr(ATIME | ATIME_SET, { atimeNsec: 1e9 }))).toBe(EINVAL);
    expect(await errno(setattr(ATIME | ATIME_SET, { atimeSec: 2n ** 62n }))).toBe(EINVAL);
    expect(seen).toHaveLength(3);
  });

  it('asks wstat where there is no setattr, and is refused where that is not either', async () => {
    const seen: StatChanges[] = [];
    const root = directory('/', { wstat: (changes) => void seen.push(changes) });
    root.add(regular('f', { wstat: (changes) => void seen.push(changes) }));
    root.add(regular('fixed'));
    const { call, errno } = await served(root);
    const { MODE, UID, GID, SIZE, ATIME, ATIME_SET, MTIME } = SetattrMask;
    await call(setattr(MODE, { mode: 0o1700 }));
    await call(walk(0, 1, ['f']));
    await call({
      ...setattr(UID | GID | SIZE | ATIME | ATIME_SET, { uid: 3, gid: 4, size: 5, atimeSec: 6 }),
      fid: 1,
    });
    expect(seen).toEqual([
      { mode: (ModeBit.DIR | ModeBit.STICKY | 0o700) >>> 0 },
      { nUid: 3, nGid: 4, length: 5, atime: 6 },
    ]);
    expect(await errno({ ...setattr(SIZE, { size: 2n ** 60n }), fid: 1 })).toBe(EINVAL);
    expect(
      await errno({ ...setattr(ATIME | ATIME_SET, { atimeSec: 2n ** 64n - 1n }), fid: 1 }),
    ).toBe(EINVAL);
    expect(await errno({ ...setattr(MTIME, {}), fid: 1 })).toBe(0);
    expect(seen[2]?.mtime).toBeGreaterThan(1e9);
    await call(walk(0, 2, ['fixed']));
    expect(await errno({ ...setattr(MODE, { mode: 0 }), fid: 2 })).toBe(EPERM);
  });
});

describe('wstat without wstat', () => {
  const untouched = {
    type: 0xffff,
    dev: 0xffffffff,
    qid: { type: 0xff, version: 0xffffffff, path: 2n ** 64n - 1n },
    mode: 0xffffffff,
    atime: 0xffffffff,
    mtime: 0xffffffff,
    length: 2n ** 64n - 1n,
    name: '',
    uid: '',
    gid: '',
    muid: '',
    extension: '',
    nUid: NONUNAME,
    nGid: NONUNAME,
    nMuid: NONUNAME,
  };
  const twstat = (fid: number, changes: object) =>
    ({ type: T.Twstat, fid, stat: { ...untouched, ...changes } }) as const;

  async function changeable(dialect: '9P2000' | '9P2000.u', fails = false) {
    const log: unknown[] = [];
    const root = directory();
    const f = root.add(
      regular('f', {
        setattr: (changes) => {
          log.push(changes);
          if (fails) throw new NinePError('no', 30);
        },
        rename: (to, name) => void log.push([(to as TestFile).name, name]),
      }),
    );
    root.add(regular('there'));
    const connected = await served(root, { dialect });
    await connected.call(walk(0, 1, ['f']));
    return { ...connected, log, f };
  }

  it('is setattr and rename', async () => {
    const { errno, log } = await changeable('9P2000.u');
    expect(
      await errno(twstat(1, { mode: ModeBit.SETUID | 0o700, nGid: 5, length: 3, mtime: 4 })),
    ).toBe(0);
    expect(await errno(twstat(1, { name: 'g', muid: 'whoever', uid: 'owner' }))).toBe(0);
    expect(await errno(twstat(1, { name: 'f' }))).toBe(0);
    expect(log).toEqual([
      { mode: 0o4700, gid: 5, size: 3, mtime: { sec: 4, nsec: 0 } },
      ['/', 'g'],
    ]);
  });

  it('is all or nothing', async () => {
    const { errno, log } = await changeable('9P2000.u', true);
    expect(await errno(twstat(1, { name: 'g', mode: 0o600 }))).toBe(30);
    expect(log).toEqual([['/', 'g'], { mode: 0o600 }, ['/', 'f']]);
    log.length = 0;
    expect(await errno(twstat(1, { name: 'there', mode: 0o600 }))).toBe(EEXIST);
    expect(await errno(twstat(1, { mode: (ModeBit.DIR | 0o600) >>> 0 }))).toBe(EPERM);
    expect(await errno(twstat(1, { name: 'g', uid: 'somebody else' }))).toBe(EPERM);
    expect(await errno(twstat(1, { name: 'g', gid: 'others' }))).toBe(EPERM);
    expect(log).toEqual([]);
    expect(await errno(twstat(1, { name: 'there' }))).toBe(0);
    expect(log).toEqual([['/', 'there']]);
  });

  it('does not replace a file in 9P2000', async () => {
    const { peer, log } = await changeable('9P2000');
    const reply = await peer.call({ ...twstat(1, { name: 'there' }), tag: 1 });
    expect(reply).toMatchObject({ ename: 'file exists' });
    expect(log).toEqual([]);
  });
});

describe('statfs', () => {
  it('is what the file tells, or says that it is 9P', async () => {
    const statistics = {
      type: 1,
      bsize: 2,
      blocks: 3,
      bfree: 4,
      bavail: 5,
      files: 6,
      ffree: 7,
      fsid: 8,
      namelen: 9,
    };
    const root = directory();
    root.add(regular('f', { statfs: () => statistics }));
    const { call } = await served(root);
    await call(walk(0, 1, ['f']));
    expect(await call({ type: T.Tstatfs, fid: 1 })).toMatchObject({ statistics });
    expect(await call({ type: T.Tstatfs, fid: 0 })).toMatchObject({
      statistics: { type: 0x01021997, bsize: 4096, blocks: 0, namelen: 255 },
    });
  });
});

describe('lopen', () => {
  it('says flags in the bits of Topen, and checks what kind of file it is', async () => {
    const modes: number[] = [];
    const how = (mode: number) => {
      modes.push(mode);
      return { iounit: 99 };
    };
    const root = directory('/', { open: how });
    root.add(regular('f', { open: how }));
    root.add(symlink('l', { open: how }));
    root.add(regular('shut'));
    const { call, errno } = await served(root);
    let fid = 0;
    const lopen = async (name: string, flags: number) => {
      await call(walk(0, ++fid, name ? [name] : []));
      return errno({ type: T.Tlopen, fid, flags });
    };
    const { WRONLY, RDWR, TRUNC, APPEND, DIRECTORY, NOFOLLOW, EXCL, CREATE } = LinuxOpen;
    expect(await lopen('f', RDWR | TRUNC | APPEND | EXCL | CREATE | NOFOLLOW)).toBe(0);
    expect(modes).toEqual([OpenMode.READ_WRITE | OpenMode.TRUNCATE | OpenMode.APPEND]);
    expect(await lopen('', DIRECTORY)).toBe(0);
    expect(await lopen('f', DIRECTORY)).toBe(ENOTDIR);
    expect(await lopen('f', 3)).toBe(EINVAL);
    expect(await lopen('', WRONLY)).toBe(EISDIR);
    expect(await lopen('', TRUNC)).toBe(EISDIR);
    expect(await lopen('l', 0)).toBe(40);
    expect(await lopen('l', NOFOLLOW)).toBe(40);
    expect(await lopen('shut', 0)).toBe(EPERM);
    expect(modes).toHaveLength(2);
    expect(await errno({ type: T.Tlopen, fid: 1, flags: 0 })).toBe(EBUSY);
    await call(walk(0, ++fid, ['f']));
    expect(await call({ type: T.Tlopen, fid, flags: 0 })).toMatchObject({
      type: T.Rlopen,
      iounit: 99,
    });
  });
});

describe('making files', () => {
  async function creating(dialect: '9P2000.L' | '9P2000.u' = '9P2000.L') {
    const made: NewFile[] = [];
    const closed: string[] = [];
    const root: TestFile = directory('/', {
      create: (asked) => {
        made.push(asked);
        const file = root.add(new TestFile(asked.name, asked.perm));
        const close = () => void closed.push(asked.name);
        return { file, open: { close, write: (_: number, data: Uint8Array) => data.length } };
      },
    });
    root.add(regular('f'));
    return { root, made, closed, ...(await served(root, { dialect })) };
  }

  it('Tlcreate opens the new file on the fid', async () => {
    const { call, errno, made, root } = await creating();
    await call(walk(0, 1, []));
    const flags = LinuxOpen.WRONLY | LinuxOpen.EXCL | LinuxOpen.CREATE;
    const lcreate = {
      type: T.Tlcreate,
      fid: 1,
      name: 'new',
      flags,
      mode: FileMode.REGULAR | 0o2640,
      gid: 5,
    };
    expect(await call(lcreate)).toMatchObject({ type: T.Rlcreate, qid: { type: 0 }, iounit: 0 });
    expect(made).toEqual([
      {
        name: 'new',
        perm: ModeBit.SETGID | 0o640,
        mode: 1,
        extension: '',
        exclusive: true,
        gid: 5,
      },
    ]);
    expect(await call(write(1, 0, 'x'))).toMatchObject({ count: 1 });
    expect(root.children.get('new')?.held).toBe(1);
    expect(await errno(lcreate)).toBe(EBUSY);
    await call(walk(0, 2, []));
    await call({ ...lcreate, fid: 2, name: 'b', flags: 2, gid: NONUNAME });
    expect(made[1]).toMatchObject({ exclusive: false, gid: undefined, mode: 2 });
    expect(await errno({ ...lcreate, fid: 0, name: 'a/b' })).toBe(EINVAL);
    expect(await errno({ ...lcreate, fid: 0, mode: FileMode.DIRECTORY })).toBe(EINVAL);
    expect(await errno({ ...lcreate, fid: 0, flags: 3 })).toBe(EINVAL);
    await call(walk(0, 3, ['f']));
    expect(await errno({ ...lcreate, fid: 3 })).toBe(ENOTDIR);
  });

  it('Tmkdir, Tsymlink and Tmknod close it at once', async () => {
    const { call, errno, made, closed, root } = await creating();
    const rest = { fid: 0, gid: 9 };
    const kinds = { exclusive: true, gid: 9, mode: 0 };
    const mkdir = { type: T.Tmkdir, name: 'd', mode: FileMode.DIRECTORY | 0o1750, ...rest };
    expect(await call(mkdir)).toMatchObject({ type: T.Rmkdir, qid: { type: 0x80 } });
    const symlink = { type: T.Tsymlink, name: 'l', target: '../x', ...rest };
    expect(await call(symlink)).toMatchObject({ type: T.Rsymlink, qid: { type: 2 } });
    const mknod = (name: string, mode: number) =>
      ({ type: T.Tmknod, name, mode, major: 8, minor: 300, ...rest }) as const;
    expect(await call(mknod('b', FileMode.BLOCK_DEVICE | 0o600))).toMatchObject({ type: T.Rmknod });
    await call(mknod('c', FileMode.CHARACTER_DEVICE | 0o4600));
    await call(mknod('p', FileMode.FIFO | 0o600));
    await call(mknod('s', FileMode.SOCKET | 0o600));
    await call(mknod('r', FileMode.REGULAR | 0o600));
    await call(mknod('r2', 0o600));
    await settled();
    expect(made).toEqual([
      { name: 'd', perm: (ModeBit.DIR | ModeBit.STICKY | 0o750) >>> 0, extension: '', ...kinds },
      { name: 'l', perm: ModeBit.SYMLINK | 0o777, extension: '../x', ...kinds },
      { name: 'b', perm: ModeBit.DEVICE | 0o600, extension: 'b 8 300', ...kinds },
      { name: 'c', perm: ModeBit.DEVICE | ModeBit.SETUID | 0o600, extension: 'c 8 300', ...kinds },
      { name: 'p', perm: ModeBit.NAMED_PIPE | 0o600, extension: '', ...kinds },
      { name: 's', perm: ModeBit.SOCKET | 0o600, extension: '', ...kinds },
      { name: 'r', perm: 0o600, extension: '', ...kinds },
      { name: 'r2', perm: 0o600, extension: '', ...kinds },
    ]);
    expect(closed).toEqual(['d', 'l', 'b', 'c', 'p', 's', 'r', 'r2']);
    expect([...root.children.values()].every(({ held }) => held === 0)).toBe(true);
    expect(await errno(mknod('x', FileMode.DIRECTORY))).toBe(EINVAL);
    expect(await errno(mknod('x', FileMode.SYMLINK))).toBe(EINVAL);
    expect(await errno({ ...symlink, name: '..' })).toBe(EINVAL);
    expect(await errno({ ...symlink, target: '' })).toBe(ENOENT);
    expect(await errno({ ...mkdir, mode: FileMode.REGULAR })).toBe(EINVAL);
    await call(walk(0, 1, ['d']));
    expect(await errno({ ...mkdir, fid: 1 })).toBe(EPERM);
  });

  it('Tcreate in 9P2000.u makes a hard link to a fid, and names it', async () => {
    const { call, errno, root, made } = await creating('9P2000.u');
    const f = root.children.get('f')!;
    const links: unknown[] = [];
    Object.assign(root, {
      link: (file: TestFile, name: string) => {
        links.push([file.name, name]);
        root.children.set(name, file);
      },
    });
    await call(walk(0, 1, ['f']));
    await call(walk(0, 2, []));
    const create = {
      type: T.Tcreate,
      fid: 2,
      name: 'hard',
      perm: ModeBit.LINK,
      mode: 0,
      extension: '1\n',
    };
    expect(await call(create)).toMatchObject({ type: T.Rcreate, qid: f.qid });
    expect(links).toEqual([['f', 'hard']]);
    expect(await call(stat(2))).toMatchObject({ stat: { name: 'f' } });
    expect(await errno(read(2, 0, 1))).toBe(EBADF);
    expect(f.held).toBe(2);
    expect(await errno({ ...create, fid: 0, extension: 'x' })).toBe(EINVAL);
    expect(await errno({ ...create, fid: 0, extension: '77' })).toBe(5);
    expect(await errno({ ...create, fid: 0, extension: '0' })).toBe(EPERM);
    expect(await errno({ ...create, fid: 1, extension: '1' })).toBe(ENOTDIR);
    expect(made).toEqual([]);
  });
});

describe('names', () => {
  async function named() {
    const log: unknown[] = [];
    const root = directory('/', {
      link: (file, name) => void log.push(['link', (file as TestFile).name, name]),
    });
    const rename = (to: unknown, name: string) =>
      void log.push(['rename', (to as TestFile).name, name]);
    const remove = () => void log.push(['remove']);
    root.add(regular('f', { rename, remove }));
    root.add(regular('w', { wstat: (changes) => void log.push(changes) }));
    root.add(regular('fixed'));
    root.add(directory('d', { remove }));
    const connected = await served(root);
    for (const [index, name] of ['f', 'w', 'fixed', 'd'].entries()) {
      await connected.call(walk(0, index + 1, [name]));
    }
    return { ...connected, log, root };
  }

  it('are changed by Trename and Trenameat', async () => {
    const { errno, log } = await named();
    const rename = (fid: number, dfid: number, name = 'n') =>
      ({ type: T.Trename, fid, dfid, name }) as const;
    expect(await errno(rename(1, 4))).toBe(0);
    expect(await errno(rename(2, 0))).toBe(0);
    expect(log).toEqual([['rename', 'd', 'n'], { name: 'n' }]);
    expect(await errno(rename(2, 4))).toBe(EXDEV);
    expect(await errno(rename(3, 0))).toBe(EPERM);
    expect(await errno(rename(0, 4))).toBe(EBUSY);
    expect(await errno(rename(1, 2))).toBe(ENOTDIR);
    expect(await errno(rename(1, 4, 'a/b'))).toBe(EINVAL);
    expect(await errno(rename(1, 99))).toBe(5);
    log.length = 0;
    const at = (olddirfid: number, oldname: string, newdirfid: number, newname: string) =>
      ({ type: T.Trenameat, olddirfid, oldname, newdirfid, newname }) as const;
    expect(await errno(at(0, 'f', 4, 'm'))).toBe(0);
    expect(await errno(at(0, 'w', 0, 'm'))).toBe(0);
    expect(log).toEqual([['rename', 'd', 'm'], { name: 'm' }]);
    expect(await errno(at(0, 'none', 4, 'm'))).toBe(ENOENT);
    expect(await errno(at(0, '..', 4, 'm'))).toBe(EINVAL);
    expect(await errno(at(0, 'f', 4, '.'))).toBe(EINVAL);
    expect(await errno(at(1, 'f', 4, 'm'))).toBe(ENOTDIR);
    expect(await errno(at(0, 'f', 1, 'm'))).toBe(ENOTDIR);
    expect(log).toHaveLength(2);
  });

  it('are added by Tlink', async () => {
    const { errno, log } = await named();
    const link = (dfid: number, fid: number, name = 'n') =>
      ({ type: T.Tlink, dfid, fid, name }) as const;
    expect(await errno(link(0, 1))).toBe(0);
    expect(log).toEqual([['link', 'f', 'n']]);
    expect(await errno(link(0, 4))).toBe(EPERM);
    expect(await errno(link(4, 1))).toBe(EPERM);
    expect(await errno(link(1, 1))).toBe(ENOTDIR);
    expect(await errno(link(0, 1, '..'))).toBe(EINVAL);
  });

  it('are removed by Tunlinkat', async () => {
    const { errno, log } = await named();
    const unlink = (name: string, flags = 0, dirfid = 0) =>
      ({ type: T.Tunlinkat, dirfid, name, flags }) as const;
    expect(await errno(unlink('f'))).toBe(0);
    expect(await errno(unlink('d', AT_REMOVEDIR))).toBe(0);
    expect(log).toEqual([['remove'], ['remove']]);
    expect(await errno(unlink('d'))).toBe(EISDIR);
    expect(await errno(unlink('f', AT_REMOVEDIR))).toBe(ENOTDIR);
    expect(await errno(unlink('f', 1))).toBe(EINVAL);
    expect(await errno(unlink('fixed'))).toBe(EPERM);
    expect(await errno(unlink('none'))).toBe(ENOENT);
    expect(await errno(unlink('.', AT_REMOVEDIR))).toBe(EINVAL);
    expect(await errno(unlink('f', 0, 1))).toBe(ENOTDIR);
    expect(log).toHaveLength(2);
  });

  it('wait for both fids, whose files stay held while one clunks them', async () => {
    const walking = deferred();
    const renaming = deferred();
    const root = directory();
    const d = root.add(directory('d'));
    const f = root.add(regular('f', { rename: () => renaming.promise }));
    const find = root.walk!;
    Object.assign(root, {
      walk: (name: string, request: never) =>
        name === 'd' ? walking.promise.then(() => d) : find(name, request),
    });
    const { peer } = await served(root);
    peer.send(walk(0, 1, ['f'], 1), walk(0, 2, ['d'], 2), {
      type: T.Trename,
      tag: 3,
      fid: 1,
      dfid: 2,
      name: 'n',
    });
    await peer.next();
    await settled();
    expect(peer.unread).toEqual([]);
    walking.resolve();
    await peer.next();
    await settled();
    peer.send(clunk(1, 4), clunk(2, 5));
    await peer.answers(2);
    expect([f.held, d.held]).toEqual([1, 1]);
    renaming.resolve();
    expect(await peer.next()).toEqual({ type: T.Rrename, tag: 3 });
    expect([f.held, d.held]).toEqual([0, 0]);
  });
});

describe('readlink', () => {
  it('is what the file tells, or its extension', async () => {
    const root = directory();
    root.add(symlink('l', { readlink: () => 'over/there' }));
    root.add(symlink('s')).extension = 'by stat';
    root.add(symlink('empty'));
    root.add(regular('f'));
    root.add(symlink('long', { readlink: () => 'x'.repeat(300) }));
    const { call, errno } = await served(root, { msize: 300 });
    for (const [index, name] of ['l', 's', 'empty', 'f', 'long'].entries())
      await call(walk(0, index + 1, [name]));
    expect(await call({ type: T.Treadlink, fid: 1 })).toMatchObject({ target: 'over/there' });
    expect(await call({ type: T.Treadlink, fid: 2 })).toMatchObject({ target: 'by stat' });
    expect(await errno({ type: T.Treadlink, fid: 3 })).toBe(EINVAL);
    expect(await errno({ type: T.Treadlink, fid: 4 })).toBe(EINVAL);
    expect(await errno({ type: T.Treadlink, fid: 5 })).toBe(36);
  });
});

describe('readdir', () => {
  const names = Array.from(
    { length: 3000 },
    (_, index) => `file ${index}${index % 7 ? '' : ' ä€\udc80'}`,
  );
  const item = (name: string) => ({ name, qid: { type: 0, version: 0, path: 1 } });

  it('goes on behind any offset that was told, and lists anew at 0', async () => {
    let listed = 0;
    const root = directory();
    const d = root.add(
      directory('d', {
        open: () => ({
          list: () => {
            listed++;
            return names.map(item);
          },
        }),
      }),
    );
    const { call } = await served(root, {}, { byteNames: true });
    await call(walk(0, 1, ['d']));
    await call({ type: T.Tlopen, fid: 1, flags: LinuxOpen.DIRECTORY });
    const readdir = async (offset: number, count = 8000) => {
      const { data } = await call<Rreaddir>({ type: T.Treaddir, fid: 1, offset, count });
      expect(data.length).toBeLessThanOrEqual(count);
      return decodeDirents(data, { strings: 'bytes' });
    };
    const all: DirectoryEntry[] = [];
    for (
      let more = await readdir(0);
      more.length > 0;
      more = await readdir(Number(all.at(-1)!.offset))
    ) {
      all.push(...more);
    }
    expect(all.map(({ name }) => name)).toEqual(['.', '..', ...names]);
    expect(all[0]).toMatchObject({ qid: d.qid, type: 4 });
    expect(all[1]).toMatchObject({ qid: root.qid, type: 4 });
    expect(all[2]).toMatchObject({ type: 8 });
    expect(listed).toBe(1);
    for (const index of [1, 700, 2999]) {
      expect((await readdir(Number(all[index]!.offset), 100))[0]).toEqual(all[index + 1]);
    }
    expect(await readdir(5000)).toEqual([]);
    expect((await readdir(0))[0]).toEqual(all[0]);
    expect(listed).toBe(2);
  });

  it('is made of entries, and skips what is gone', async () => {
    const root = directory('/', {
      open: () => ({ entries: () => [...root.children.values()].map((f) => f.stat()) }),
    });
    root.add(regular('f'));
    root.add(new TestFile('p', ModeBit.NAMED_PIPE));
    const gone = {
      length: 3,
      at: (index: number) => (index === 2 ? { ...item('z'), type: 12 } : undefined),
    };
    root.add(directory('d', { open: () => ({ list: async () => gone }) }));
    const { call } = await served(root);
    await call(walk(0, 1, ['d']));
    for (const fid of [1, 0]) await call({ type: T.Tlopen, fid, flags: 0 });
    const entries = async (fid: number, offset: number | bigint = 2) =>
      decodeDirents((await call<Rreaddir>({ type: T.Treaddir, fid, offset, count: 8000 })).data);
    expect(await entries(1)).toMatchObject([{ name: 'z', type: 12, offset: 5 }]);
    expect(await entries(1, 2n ** 64n - 1n)).toEqual([]);
    expect(await entries(0)).toMatchObject([
      { name: 'f', type: 8 },
      { name: 'p', type: 1 },
      { name: 'd', type: 4 },
    ]);
    expect(await entries(0, 4)).toMatchObject([{ name: 'd', offset: 5 }]);
  });

  it('refuses what is no open directory, and a count that nothing fits into', async () => {
    const root = directory('/', { open: () => ({ list: () => [item('a')] }) });
    root.add(opens('f', { read: () => Buffer.alloc(0) }));
    const { call, errno } = await served(root);
    const readdir = (fid: number, count: number) =>
      ({ type: T.Treaddir, fid, offset: 0, count }) as const;
    expect(await errno(readdir(0, 100))).toBe(EBADF);
    await call(walk(0, 1, ['f']));
    for (const fid of [0, 1]) await call({ type: T.Tlopen, fid, flags: 0 });
    expect(await errno(readdir(1, 100))).toBe(ENOTDIR);
    expect(await errno(readdir(0, 24))).toBe(EINVAL);
    expect(await errno(readdir(0, 25))).toBe(0);
    expect(await errno(read(0, 0, 100))).toBe(EISDIR);
  });

  it('is limited in what all listings of a connection remember', async () => {
    const root = directory('/', { open: () => ({ list: () => names.map(item) }) });
    root.add(
      directory('d', {
        open: () => ({ entries: () => names.map((name) => regular(name).stat()) }),
      }),
    );
    const { call, errno } = await served(root, { limits: { listedEntries: 5000 } });
    await call(walk(0, 1, []));
    await call(walk(0, 2, []));
    await call(walk(0, 3, ['d']));
    for (const fid of [1, 2, 3]) await call({ type: T.Tlopen, fid, flags: 0 });
    const readdir = (fid: number, offset = 0) =>
      ({ type: T.Treaddir, fid, offset, count: 8000 }) as const;
    expect(await errno(readdir(1))).toBe(0);
    expect(await errno(readdir(1))).toBe(0);
    expect(await errno(readdir(2))).toBe(105);
    expect(await errno(readdir(3, 2500))).toBe(105);
    await call(clunk(1));
    expect(await errno(readdir(2))).toBe(0);
  });
});

describe('extended attributes', () => {
  async function attributed(limits = {}) {
    const log: unknown[] = [];
    const values = new Map([
      ['user.a', Buffer.from('value')],
      ['user.ä', Buffer.alloc(0)],
    ]);
    const root = directory();
    const f = root.add(
      regular('f', {
        xattrs: {
          list: () => [...values.keys()],
          get: async (name) => values.get(name),
          set: (name, value, flags) => {
            log.push([name, Buffer.from(value).toString(), flags]);
            if (name === 'user.full') throw new NinePError('no', 28);
          },
          remove: (name) => void log.push(['remove', name]),
        },
      }),
    );
    const connected = await served(root, { limits });
    await connected.call(walk(0, 1, ['f']));
    return { ...connected, log, f };
  }
  const xattrwalk = (newfid: number, name: string, fid = 1) =>
    ({ type: T.Txattrwalk, fid, newfid, name }) as const;
  const xattrcreate = (fid: number, name: string, size: number | bigint, flags = 0) =>
    ({ type: T.Txattrcreate, fid, name, size, flags }) as const;

  it('are read through a fid of their own', async () => {
    const { call, errno } = await attributed();
    expect(await call(xattrwalk(2, 'user.a'))).toEqual({ type: T.Rxattrwalk, tag: 1, size: 5 });
    expect(await call(read(2, 1, 3))).toMatchObject({ data: Buffer.from('alu') });
    expect(await call(xattrwalk(3, ''))).toMatchObject({ size: 15 });
    expect(await call(read(3, 0, 99))).toMatchObject({ data: Buffer.from('user.a\0user.ä\0') });
    expect(await call(xattrwalk(4, 'user.ä'))).toMatchObject({ size: 0 });
    expect(await errno(write(2, 0, 'x'))).toBe(EBADF);
    expect(await errno({ type: T.Tgetattr, fid: 2, requestMask: 1 })).toBe(EPERM);
    expect(await errno(walk(2, 5, []))).toBe(5);
    expect(await errno(xattrwalk(5, 'user.none'))).toBe(61);
    expect(await errno(xattrwalk(5, 'x'.repeat(256)))).toBe(34);
    expect(await errno(xattrwalk(5, 'user.a', 0))).toBe(95);
    expect(await errno(xattrwalk(2, 'user.a'))).toBe(5);
    expect(await errno(clunk(2))).toBe(0);
    expect(await errno(xattrwalk(2, 'user.a'))).toBe(0);
  });

  it('are set when the fid is clunked, whose answer says whether that went well', async () => {
    const { call, errno, log, f } = await attributed();
    const set = async (name: string, pieces: string[], size: number, flags = 0) => {
      await call(walk(1, 2, []));
      expect(await errno(xattrcreate(2, name, size, flags))).toBe(0);
      let offset = 0;
      for (const piece of pieces) {
        expect(await errno(write(2, offset, piece))).toBe(0);
        offset += piece.length;
      }
      expect(f.held).toBe(2);
      const answered = await errno(clunk(2));
      expect(f.held).toBe(1);
      return answered;
    };
    expect(await set('user.b', ['new ', 'value'], 9, 1)).toBe(0);
    expect(await set('user.empty', [], 0)).toBe(0);
    expect(await set('user.a', [], 0, 2)).toBe(0);
    expect(await set('user.full', ['x'], 1)).toBe(28);
    expect(await set('user.short', ['x'], 2)).toBe(EINVAL);
    expect(log).toEqual([
      ['user.b', 'new value', 1],
      ['user.empty', '', 0],
      ['remove', 'user.a'],
      ['user.full', 'x', 0],
    ]);
  });

  it('are refused beyond what can be', async () => {
    const { call, errno, log } = await attributed();
    await call(walk(1, 2, []));
    expect(await errno(xattrcreate(2, 'a', 65_537))).toBe(7);
    expect(await errno(xattrcreate(2, 'a', 2n ** 63n))).toBe(7);
    expect(await errno(xattrcreate(2, '', 1))).toBe(34);
    expect(await errno(xattrcreate(2, 'a', 1, 4))).toBe(EINVAL);
    expect(await errno(xattrcreate(0, 'a', 1))).toBe(95);
    expect(await errno(xattrcreate(2, 'a', 3))).toBe(0);
    expect(await errno(xattrcreate(2, 'a', 3))).toBe(EPERM);
    expect(await errno(write(2, 1, 'x'))).toBe(EINVAL);
    expect(await errno(write(2, 0, 'long'))).toBe(28);
    expect(await errno(read(2, 0, 1))).toBe(EBADF);
    expect(await errno({ type: T.Tgetattr, fid: 2, requestMask: 1 })).toBe(EPERM);
    expect(await errno({ type: T.Tremove, fid: 2 })).toBe(EPERM);
    expect(await errno(clunk(2))).toBe(5);
    expect(log).toEqual([]);
  });

  it('are limited in bytes, and not set by a connection that ends', async () => {
    const { call, errno, peer, log, f } = await attributed({ xattrBytes: 10 });
    await call(walk(1, 2, []));
    await call(walk(1, 3, []));
    expect(await errno(xattrcreate(2, 'a', 6))).toBe(0);
    expect(await errno(xattrcreate(3, 'a', 5))).toBe(105);
    expect(await errno(xattrwalk(4, 'user.a'))).toBe(105);
    expect(await errno(clunk(2))).toBe(EINVAL);
    expect(await errno(xattrwalk(4, 'user.a'))).toBe(0);
    expect(await errno(xattrcreate(3, 'a', 5))).toBe(0);
    await call(write(3, 0, 'whole'));
    peer.transport.destroy();
    await settled();
    expect(log).toEqual([]);
    expect(f.held).toBe(0);
  });
});

describe('open files', () => {
  it('are synchronised where they can be', async () => {
    const log: boolean[] = [];
    const root = directory();
    root.add(opens('f', { sync: async (dataOnly) => void log.push(dataOnly) }));
    root.add(opens('g', {}));
    const { call, errno } = await served(root);
    for (const [fid, name] of [
      [1, 'f'],
      [2, 'g'],
    ] as const) {
      await call(walk(0, fid, [name]));
      expect(await errno({ type: T.Tfsync, fid, datasync: 0 })).toBe(EBADF);
      await call({ type: T.Tlopen, fid, flags: 2 });
      expect(await errno({ type: T.Tfsync, fid, datasync: 0 })).toBe(0);
    }
    await call({ type: T.Tfsync, fid: 1, datasync: 1 });
    expect(log).toEqual([false, true]);
  });

  it('are locked where they can be', async () => {
    const log: FileLock[] = [];
    const other: FileLock = { type: LockType.RDLCK, start: 4, length: 0, procId: 7, clientId: 'o' };
    const root = directory();
    root.add(
      opens('f', {
        lock: (lock) => {
          log.push(lock);
          return lock.type !== LockType.WRLCK;
        },
        getlock: (lock) => (lock.start === 0 ? other : undefined),
      }),
    );
    root.add(opens('g', {}));
    const { call, errno } = await served(root);
    const rest = { start: 0, length: 10, procId: 3, clientId: 'me' };
    const lock = (lockType: number, changes = {}) =>
      ({ type: T.Tlock, fid: 1, flags: 1, lockType, ...rest, ...changes }) as const;
    const getlock = (changes = {}) =>
      ({ type: T.Tgetlock, fid: 1, lockType: 1, ...rest, ...changes }) as const;
    await call(walk(0, 1, ['f']));
    await call(walk(0, 2, ['g']));
    expect(await errno(lock(0))).toBe(EBADF);
    for (const fid of [1, 2]) await call({ type: T.Tlopen, fid, flags: 2 });
    expect(await call(lock(LockType.RDLCK))).toMatchObject({ status: LockStatus.SUCCESS });
    expect(await call(lock(LockType.WRLCK))).toMatchObject({ status: LockStatus.BLOCKED });
    await call(lock(LockType.UNLCK, { length: 2n ** 63n }));
    await call(lock(LockType.UNLCK, { start: 9, length: Number.MAX_SAFE_INTEGER }));
    expect(log).toEqual([
      { type: 0, ...rest },
      { type: 1, ...rest },
      { type: 2, ...rest, length: 0 },
      { type: 2, ...rest, start: 9, length: 0 },
    ]);
    expect(await errno(lock(3))).toBe(EINVAL);
    expect(await errno(lock(0, { start: 2n ** 60n }))).toBe(EINVAL);
    expect(await errno(lock(0, { fid: 2 }))).toBe(37);
    expect(await errno(getlock({ fid: 2 }))).toBe(37);
    const { type: lockType, ...held } = other;
    expect(await call(getlock())).toMatchObject({ lockType, ...held });
    expect(await call(getlock({ start: 5 }))).toMatchObject({
      ...rest,
      lockType: LockType.UNLCK,
      start: 5,
    });
  });

  it('are not closed under a lock, a sync or a listing', async () => {
    const waiting = deferred();
    let closed = false;
    const root = directory();
    const close = () => {
      closed = true;
    };
    root.add(opens('f', { sync: () => waiting.promise, close }));
    const { peer, call } = await served(root);
    await call(walk(0, 1, ['f']));
    await call({ type: T.Tlopen, fid: 1, flags: 0 });
    peer.send({ type: T.Tfsync, tag: 2, fid: 1, datasync: 0 }, clunk(1, 3));
    await settled();
    expect(closed).toBe(false);
    waiting.resolve();
    await peer.answers(2);
    expect(closed).toBe(true);
  });
});

describe('pipelined requests', () => {
  it('wait for the fid that is being made: walk, lopen, read; walk, xattrcreate, write, clunk', async () => {
    const found = deferred();
    const set: string[] = [];
    const root = directory();
    const xattrs = {
      list: async () => ['user.x'],
      get: () => undefined,
      set: (name: string, value: Uint8Array) => void set.push(name + Buffer.from(value).toString()),
      remove: () => {},
    };
    const f = regular('f', { open: async () => ({ read: () => Buffer.from('hi') }), xattrs });
    Object.assign(root, { walk: () => found.promise.then(() => f) });
    const { peer } = await served(root);
    peer.send(
      walk(0, 1, ['f'], 1),
      { type: T.Tlopen, tag: 2, fid: 1, flags: 0 },
      read(1, 0, 2, 3),
      clunk(1, 4),
      walk(0, 2, ['f'], 5),
      { type: T.Txattrcreate, tag: 6, fid: 2, name: 'user.n', size: 2, flags: 0 },
      write(2, 0, 'ab', 7),
      clunk(2, 8),
      walk(0, 3, ['f'], 9),
      { type: T.Txattrwalk, tag: 10, fid: 3, newfid: 4, name: '' },
      read(4, 0, 99, 11),
    );
    await settled();
    expect(peer.unread).toEqual([]);
    found.resolve();
    const answers = await peer.answers(11);
    expect(answers.get(3)).toMatchObject({ data: Buffer.from('hi') });
    expect(answers.get(8)).toEqual({ type: T.Rclunk, tag: 8 });
    expect(set).toEqual(['user.nab']);
    expect(answers.get(11)).toMatchObject({ data: Buffer.from('user.x\0') });
  });

  it('about an extended attribute can be flushed: the fid is free again', async () => {
    const root = directory('/', {
      xattrs: {
        list: (request) => new Promise((_, reject) => request.onCancel(reject)),
        get: () => Buffer.alloc(1),
        set: () => {},
        remove: () => {},
      },
    });
    const { peer, call } = await served(root);
    peer.send({ type: T.Txattrwalk, tag: 5, fid: 0, newfid: 1, name: '' }, flush(5, 6));
    expect(await peer.next()).toEqual({ type: T.Rflush, tag: 6 });
    expect(await call({ type: T.Txattrwalk, fid: 0, newfid: 1, name: 'a' })).toMatchObject({
      size: 1,
    });
  });
});

describe('the dialects', () => {
  it('do not mix', async () => {
    const { errno } = await served(directory('/', { open: () => ({}) }));
    expect(await errno(open(0))).toBe(71);
  });
});

const plain: Attributes = {
  mode: 0o100644,
  uid: 1,
  gid: 2,
  nlink: 3,
  rdev: 0,
  size: 4,
  blksize: 5,
  blocks: 6,
  atimeSec: 7,
  atimeNsec: 8,
  mtimeSec: 9,
  mtimeNsec: 10,
  ctimeSec: 11,
  ctimeNsec: 12,
  btimeSec: 0,
  btimeNsec: 0,
  gen: 0,
  dataVersion: 0,
};

function setattr(valid: number, changes: Partial<Omit<Tsetattr, 'type' | 'tag' | 'valid'>>) {
  const nothing = { fid: 0, mode: 0, uid: 0, gid: 0, size: 0 };
  const times = { atimeSec: 0, atimeNsec: 0, mtimeSec: 0, mtimeNsec: 0 };
  return { type: MessageType.Tsetattr, valid, ...nothing, ...times, ...changes } as const;
}

describe('a file that is opened to be written through', () => {
  it.each([
    ['O_DSYNC', LinuxOpen.DSYNC, ['write', 'data']],
    ['O_SYNC', LinuxOpen.SYNC | LinuxOpen.DSYNC, ['write', 'file']],
    ['neither', 0, ['write']],
  ])('is on the disk before a write is answered, by %s', async (_, flag, expected) => {
    const did: string[] = [];
    const synced = deferred();
    const file = {
      write: (_offset: number, data: Uint8Array) => {
        did.push('write');
        return data.length;
      },
      sync: (dataOnly: boolean) => {
        did.push(dataOnly ? 'data' : 'file');
        return synced.promise;
      },
    };
    const root = directory();
    root.add(opens('f', file));
    const { call, peer } = await served(root);
    await call(walk(0, 1, ['f']));
    await call({ type: T.Tlopen, fid: 1, flags: LinuxOpen.WRONLY | flag });
    peer.send(write(1, 0, 'text', 5));
    await settled();
    expect(did).toEqual(expected);
    expect(peer.unread).toHaveLength(flag ? 0 : 1);
    synced.resolve();
    expect(await peer.next()).toMatchObject({ tag: 5, type: T.Rwrite, count: 4 });
    peer.transport.destroy();
  });
});
