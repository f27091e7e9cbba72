import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import { Errno, FileMode, ModeBit, OpenMode, QidType } from '../../src/index.js';
import {
  atOnce,
  errnoOf,
  exported,
  newDirectory,
  newFile,
  openDescriptors,
  request,
  text,
  walk,
} from './support.js';

const { READ, WRITE, READ_WRITE, EXECUTE, TRUNCATE, APPEND } = OpenMode;

describe('attributes', () => {
  it('are what lstat tells, to the nanosecond', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'hello', { mode: 0o640 });
    const stats = lstatSync(join(path, 'f'), { bigint: true });
    const attributes = walk(root, 'f').getattr();
    expect(attributes).toMatchObject({
      mode: FileMode.REGULAR | 0o640,
      uid: process.getuid!(),
      gid: process.getgid!(),
      nlink: 1,
      size: 5,
      blksize: Number(stats.blksize),
      blocks: Number(stats.blocks),
    });
    const time = (name: 'atime' | 'mtime' | 'ctime' | 'btime') =>
      BigInt(attributes[`${name}Sec`]) * 1_000_000_000n + BigInt(attributes[`${name}Nsec`]);
    expect(time('atime')).toBe(stats.atimeNs);
    expect(time('mtime')).toBe(stats.mtimeNs);
    expect(time('ctime')).toBe(stats.ctimeNs);
    expect(time('btime')).toBe(stats.birthtimeNs);
  });

  it('before 1970 are negative in 64 bits, and 0 in a stat', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    const file = walk(root, 'f');
    file.setattr({ mtime: { sec: -6, nsec: 750_000_000 } });
    expect(file.getattr()).toMatchObject({
      mtimeSec: BigInt.asUintN(64, -6n),
      mtimeNsec: 750_000_000,
    });
    expect(file.stat().mtime).toBe(0);
  });

  it('of each kind of file stand in a stat', async () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'd'), { mode: 0o750 });
    symlinkSync('some/where', join(path, 'l'));
    execFileSync('mkfifo', [join(path, 'p')]);
    const socket = createServer().listen(join(path, 's'));
    await new Promise((resolve) => socket.once('listening', resolve));
    expect(walk(root, 'd').stat()).toMatchObject({
      mode: (ModeBit.DIR | 0o750) >>> 0,
      length: 0,
      name: 'd',
      extension: '',
      nUid: process.getuid!(),
      qid: { type: QidType.DIR },
    });
    const link = walk(root, 'l').stat();
    expect(link).toMatchObject({ extension: 'some/where', qid: { type: QidType.SYMLINK } });
    expect(link.mode & ModeBit.SYMLINK).toBe(ModeBit.SYMLINK);
    expect(walk(root, 'p').stat().mode & ModeBit.NAMED_PIPE).toBe(ModeBit.NAMED_PIPE);
    expect(walk(root, 's').stat().mode & ModeBit.SOCKET).toBe(ModeBit.SOCKET);
    expect(root.stat()).toMatchObject({ name: '/', qid: { type: QidType.DIR } });
    socket.close();
  });

  it('of devices tell their numbers', () => {
    const { root } = exported({}, '/dev');
    const zero = walk(root, 'null');
    expect(zero.stat()).toMatchObject({ extension: 'c 1 3' });
    expect(zero.stat().mode & ModeBit.DEVICE).toBe(ModeBit.DEVICE);
    expect(zero.getattr().rdev).toBe(0x103);
    expect(errnoOf(() => zero.open(READ))).toBe(Errno.EPERM);
  });

  it('keep inode numbers, and tell file systems apart', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    expect(walk(root, 'f').qid.path).toBe(lstatSync(join(path, 'f')).ino);
    const top = exported({}, '/').root;
    const [proc, sys] = [walk(top, 'proc'), walk(top, 'sys')];
    expect(lstatSync('/proc').ino).toBe(lstatSync('/sys').ino);
    expect(proc.qid.path).not.toBe(sys.qid.path);
    expect(walk(top, 'proc').qid.path).toBe(proc.qid.path);
  });

  it('change the version with the contents', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    const file = walk(root, 'f');
    const before = file.qid.version;
    const open = file.open(WRITE);
    open.write!(0, Buffer.from('x'), request());
    file.getattr();
    expect(file.qid.version).not.toBe(before);
    expect(walk(root, 'f').qid).toEqual(file.qid);
    open.close!();
  });
});

describe('setattr', () => {
  it('changes mode, length and times', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'hello');
    const file = walk(root, 'f');
    file.setattr({ mode: 0o6711, size: 3 });
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('hel');
    expect(statSync(join(path, 'f')).mode & 0o7777).toBe(0o6711);
    file.setattr({ size: 2 ** 33 });
    expect(file.getattr().size).toBe(2 ** 33);
    expect(file.getattr().mtimeSec).toBeGreaterThan(1_700_000_000);
  });

  it.each([0, 1000, 123_456_000, 999_999_000])(
    'sets %i ns of a time to the microsecond',
    (nsec) => {
      const { root, path } = exported();
      writeFileSync(join(path, 'f'), '');
      const file = walk(root, 'f');
      file.setattr({ mtime: { sec: 1_700_000_000, nsec }, atime: { sec: 1_600_000_001, nsec } });
      const { mtimeSec, mtimeNsec, atimeSec, atimeNsec } = file.getattr();
      expect([mtimeSec, atimeSec]).toEqual([1_700_000_000, 1_600_000_001]);
      expect([mtimeNsec, atimeNsec].map((ns) => Math.trunc(ns / 1000))).toEqual([
        nsec / 1000,
        nsec / 1000,
      ]);
    },
  );

  it('sets each time alone, or to now', () => {
    const { root, path } = exported();
    const name = join(path, 'f');
    writeFileSync(name, '');
    utimesSync(name, 1000.5, 2000.25);
    const file = walk(root, 'f');
    file.setattr({ atime: { sec: 7, nsec: 0 } });
    expect(file.getattr()).toMatchObject({ atimeSec: 7, mtimeSec: 2000, mtimeNsec: 250_000_000 });
    file.setattr({ mtime: 'now' });
    expect(file.getattr().atimeSec).toBe(7);
    expect(file.getattr().mtimeSec).toBeGreaterThan(1_700_000_000);
  });

  it('changes a link itself, but not its mode', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'x', { mode: 0o600 });
    symlinkSync('f', join(path, 'l'));
    const before = lstatSync(join(path, 'f'), { bigint: true });
    const link = walk(root, 'l');
    link.setattr({ mtime: { sec: 5, nsec: 0 }, gid: process.getgid!() });
    expect(lstatSync(join(path, 'l')).mtimeMs).toBe(5000);
    expect(errnoOf(() => link.setattr({ mode: 0o777 }))).toBe(Errno.EOPNOTSUPP);
    expect(errnoOf(() => link.setattr({ size: 0 }))).toBe(Errno.EINVAL);
    expect(lstatSync(join(path, 'f'), { bigint: true })).toEqual(before);
  });

  it('refuses the length of what has none', () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'd'));
    execFileSync('mkfifo', [join(path, 'p')]);
    expect(errnoOf(() => walk(root, 'd').setattr({ size: 0 }))).toBe(Errno.EISDIR);
    expect(errnoOf(() => walk(root, 'p').setattr({ size: 0 }))).toBe(Errno.EINVAL);
  });

  it.skipIf(lacksRoot())('gives files away as root', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    walk(root, 'f').setattr({ uid: 12_345, gid: 23_456, mode: 0o4755 });
    expect(statSync(join(path, 'f'))).toMatchObject({ uid: 12_345, gid: 23_456 });
    expect(statSync(join(path, 'f')).mode & 0o7777).toBe(0o4755);
  });
});

describe('wstat', () => {
  const names = {
    userName: (uid: number) => `u${uid}`,
    groupName: (gid: number) => `g${gid}`,
    userId: (name: string) => (name.startsWith('u') ? Number(name.slice(1)) : undefined),
    groupId: (name: string) => (name.startsWith('g') ? Number(name.slice(1)) : undefined),
  };

  it('renames, and replaces only in 9P2000.u', () => {
    const { root, path } = exported();
    for (const name of ['a', 'b']) writeFileSync(join(path, name), name);
    const file = walk(root, 'a');
    const rename = { name: 'b' };
    expect(errnoOf(() => file.wstat(rename, request('9P2000')))).toBe(Errno.EEXIST);
    file.wstat(rename, request('9P2000.u'));
    expect(readFileSync(join(path, 'b'), 'utf8')).toBe('a');
    expect(file.stat().name).toBe('b');
    file.wstat({ name: 'c', mode: 0o600 }, request('9P2000'));
    expect(statSync(join(path, 'c')).mode & 0o777).toBe(0o600);
  });

  it('takes a rename back when the rest fails', () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'd'));
    const file = walk(root, 'd');
    const changes = { name: 'e', length: 4 };
    expect(errnoOf(() => file.wstat(changes, request('9P2000')))).toBe(Errno.EISDIR);
    expect(existsSync(join(path, 'd'))).toBe(true);
    expect(file.name).toBe('d');
  });

  it('knows owners by name', () => {
    const { root, path } = exported({ names });
    writeFileSync(join(path, 'f'), '');
    const file = walk(root, 'f');
    const self = process.getuid!();
    expect(file.stat()).toMatchObject({ uid: `u${self}`, muid: `u${self}` });
    file.wstat({ uid: `u${self}`, gid: `g${process.getgid!()}` }, request('9P2000'));
    expect(errnoOf(() => file.wstat({ uid: 'nobody' }, request('9P2000')))).toBe(Errno.EINVAL);
    expect(errnoOf(() => file.wstat({ gid: 'nobody' }, request('9P2000')))).toBe(Errno.EINVAL);
  });
});

describe('create', () => {
  it('takes the permissions as asked, whatever the umask', () => {
    const { root, path } = exported();
    const before = process.umask(0o077);
    try {
      atOnce(root.create(newFile('f', { perm: 0o666 }), request())).open.close!();
      atOnce(root.create(newDirectory('d', 0o777), request('9P2000.u'))).open.close!();
      atOnce(root.create(newFile('s', { perm: ModeBit.SETUID | 0o755 }), request())).open.close!();
      atOnce(root.create(newDirectory('none', 0), request())).open.close!();
    } finally {
      process.umask(before);
    }
    const modeOf = (name: string) => statSync(join(path, name)).mode & 0o7777;
    expect([modeOf('f'), modeOf('d'), modeOf('s'), modeOf('none')]).toEqual([
      0o666, 0o777, 0o4755, 0,
    ]);
  });

  it('takes them from the directory in 9P2000', () => {
    const { root, path } = exported();
    chmodSync(path, 0o750);
    atOnce(root.create(newFile('f', { perm: 0o777 }), request('9P2000'))).open.close!();
    atOnce(root.create(newDirectory('d', 0o777), request('9P2000'))).open.close!();
    expect(statSync(join(path, 'f')).mode & 0o777).toBe(0o751);
    expect(statSync(join(path, 'd')).mode & 0o777).toBe(0o750);
  });

  it.skipIf(lacksRoot())('gives the group asked for, or the set-gid directory’s', () => {
    const { root, path } = exported();
    atOnce(root.create(newFile('f', { gid: 4321 }), request())).open.close!();
    expect(statSync(join(path, 'f')).gid).toBe(4321);
    mkdirSync(join(path, 'd'));
    walk(root, 'd').setattr({ gid: 77 });
    chmodSync(join(path, 'd'), 0o2755);
    const directory = walk(root, 'd');
    atOnce(directory.create(newFile('f', { gid: 4321 }), request())).open.close!();
    atOnce(directory.create(newDirectory('sub', 0o700), request())).open.close!();
    expect(statSync(join(path, 'd/f')).gid).toBe(77);
    expect(statSync(join(path, 'd/sub'))).toMatchObject({ gid: 77 });
    expect(statSync(join(path, 'd/sub')).mode & 0o7777).toBe(0o2700);
  });

  it('is exclusive unless told otherwise', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'old');
    mkdirSync(join(path, 'd'));
    execFileSync('mkfifo', [join(path, 'p')]);
    symlinkSync('/nowhere', join(path, 'dangling'));
    const shared = (name: string, mode: number = READ_WRITE) =>
      atOnce(root.create(newFile(name, { exclusive: false, mode }), request()));
    expect(errnoOf(() => root.create(newFile('f'), request()))).toBe(Errno.EEXIST);
    expect(errnoOf(() => root.create(newFile('dangling'), request()))).toBe(Errno.EEXIST);
    expect(errnoOf(() => root.create(newDirectory('f'), request()))).toBe(Errno.EEXIST);
    const { open } = shared('f');
    expect(text(open)).toBe('old');
    open.close!();
    shared('f', READ_WRITE | TRUNCATE).open.close!();
    expect(statSync(join(path, 'f')).size).toBe(0);
    shared('new').open.close!();
    expect(statSync(join(path, 'new')).size).toBe(0);
    expect(errnoOf(() => shared('d'))).toBe(Errno.EISDIR);
    expect(errnoOf(() => shared('p'))).toBe(Errno.EPERM);
    expect(errnoOf(() => shared('dangling'))).toBe(Errno.ELOOP);
    expect(existsSync('/nowhere')).toBe(false);
  });

  it('stores a link’s target as it is', () => {
    const { root, path } = exported();
    const link = (name: string, extension: string) =>
      atOnce(root.create(newFile(name, { perm: ModeBit.SYMLINK | 0o777, extension }), request()));
    const { file } = link('l', '../../etc/passwd');
    expect(readlinkSync(join(path, 'l'))).toBe('../../etc/passwd');
    file.acquire?.();
    expect(walk(root, 'l').readlink()).toBe('../../etc/passwd');
    link('bytes', 'caf\udce9');
    expect(readlinkSync(join(path, 'bytes'), 'buffer')).toEqual(Buffer.from('caf\xe9', 'latin1'));
    expect(walk(root, 'bytes').readlink()).toBe('caf\udce9');
    expect(errnoOf(() => link('l', 'x'))).toBe(Errno.EEXIST);
    expect(errnoOf(() => link('e', ''))).toBe(Errno.ENOENT);
    expect(errnoOf(() => link('e', 'a\0b'))).toBe(Errno.EINVAL);
    expect(errnoOf(() => walk(root, 'l').open(READ))).toBe(Errno.ELOOP);
    expect(errnoOf(() => walk(root, 'l').walk('passwd'))).toBe(Errno.ENOTDIR);
  });

  it.each(['DEVICE', 'NAMED_PIPE', 'SOCKET', 'LINK'] as const)('makes no %s', (kind) => {
    const { root, path } = exported();
    const special = newFile('x', { perm: ModeBit[kind] | 0o644, extension: 'c 1 3' });
    expect(errnoOf(() => root.create(special, request()))).toBe(Errno.EPERM);
    expect(existsSync(join(path, 'x'))).toBe(false);
  });
});

describe('an open file', () => {
  it('is read and written anywhere', () => {
    const { root, path } = exported();
    const { open } = atOnce(root.create(newFile('f'), request()));
    expect(open.write!(2 ** 33, Buffer.from('far'), request())).toBe(3);
    expect(open.write!(0, Buffer.from('near'), request())).toBe(4);
    expect(text(open, 2 ** 33 + 1)).toBe('ar');
    expect(text(open, 2, 4)).toBe('ar\0\0');
    expect(text(open, 2 ** 33 + 3)).toBe('');
    expect(text(open, Number.MAX_SAFE_INTEGER)).toBe('');
    const stats = statSync(join(path, 'f'));
    expect(stats.size).toBe(2 ** 33 + 3);
    expect(stats.blocks * 512).toBeLessThan(1 << 20);
    const beyond = () => open.write!(Number.MAX_SAFE_INTEGER, Buffer.from('x'), request());
    expect(errnoOf(beyond)).toBe(Errno.EFBIG);
    open.close!();
  });

  it('appends, truncates, and may be what was asked for only', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'abc');
    const file = walk(root, 'f');
    const appending = file.open(WRITE | APPEND);
    appending.write!(0, Buffer.from('de'), request());
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('abcde');
    expect(errnoOf(() => text(appending))).toBe(Errno.EBADF);
    appending.close!();
    const reading = file.open(READ);
    expect(text(reading)).toBe('abcde');
    expect(errnoOf(() => reading.write!(0, Buffer.from('x'), request()))).toBe(Errno.EBADF);
    file.open(WRITE | TRUNCATE).close!();
    expect(text(reading)).toBe('');
    reading.close!();
    expect(errnoOf(() => file.open(EXECUTE))).toBe(Errno.EACCES);
    chmodSync(join(path, 'f'), 0o755);
    file.open(EXECUTE).close!();
  });

  it('survives its name, whoever takes it away', () => {
    const { root, path } = exported();
    for (const name of ['mine', 'theirs', 'replaced', 'other']) {
      writeFileSync(join(path, name), name);
    }
    const remove: Record<string, () => void> = {
      mine: () => walk(root, 'mine').remove(),
      theirs: () => unlinkSync(join(path, 'theirs')),
      replaced: () => walk(root, 'other').rename(root, 'replaced'),
    };
    for (const [name, take] of Object.entries(remove)) {
      const file = walk(root, name);
      const closed = walk(root, name);
      const open = file.open(READ_WRITE);
      take();
      expect(text(open)).toBe(name);
      file.setattr({ size: 2, mode: 0o600 });
      expect(file.getattr()).toMatchObject({ size: 2, nlink: 0, mode: FileMode.REGULAR | 0o600 });
      expect(text(open)).toBe(name.slice(0, 2));
      const again = closed.open(READ);
      expect(text(again)).toBe(name.slice(0, 2));
      again.close!();
      expect(errnoOf(() => file.remove())).toBe(Errno.ENOENT);
      open.close!();
      expect(errnoOf(() => file.getattr())).toBe(Errno.ENOENT);
      expect(errnoOf(() => file.open(READ))).toBe(Errno.ENOENT);
    }
    expect(readFileSync(join(path, 'replaced'), 'utf8')).toBe('other');
  });

  it('syncs while it is closed', async () => {
    const { root } = exported();
    const { open } = atOnce(root.create(newFile('f'), request()));
    open.write!(0, Buffer.from('x'), request());
    const syncing = [open.sync!(false, request()), open.sync!(true, request())];
    await open.close!();
    await Promise.all(syncing);
  });

  it('is read in large pieces while others are served, and while it is closed', async () => {
    const { root, path } = exported();
    const size = 600_000;
    writeFileSync(join(path, 'f'), Buffer.alloc(size, 'contents '));
    const open = walk(root, 'f').open(READ);
    const descriptors = openDescriptors();
    const buffers = [0, 1].map(() => Buffer.alloc(2 ** 19));
    const reads = buffers.map((buffer, index) =>
      open.readInto!(index * buffer.length, buffer, request()),
    );
    for (const read of reads) expect(read).toBeInstanceOf(Promise);
    expect(text(open, 9, 8)).toBe('contents');
    const closed = open.close!();
    // Another that has its number would be read in its place.
    expect(openDescriptors()).toBe(descriptors);
    expect(await Promise.all(reads)).toEqual([2 ** 19, size - 2 ** 19]);
    await closed;
    expect(openDescriptors()).toBe(descriptors - 1);
    expect(Buffer.concat(buffers).subarray(0, size)).toEqual(Buffer.alloc(size, 'contents '));
  });

  it('tells of a large read that fails', async () => {
    const { root } = exported();
    const { open } = atOnce(root.create(newFile('f', { mode: WRITE }), request()));
    await expect(open.readInto!(0, Buffer.alloc(2 ** 20), request())).rejects.toMatchObject({
      code: 'EBADF',
    });
    open.close!();
  });

  it('is locked against other clients of the server', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    linkSync(join(path, 'f'), join(path, 'same'));
    const [one, two] = [walk(root, 'f').open(READ_WRITE), walk(root, 'same').open(READ_WRITE)];
    const lock = (procId: number, type: number) => ({
      type,
      start: 0,
      length: 0,
      procId,
      clientId: 'c',
    });
    expect(one.lock!(lock(1, 1), request())).toBe(true);
    expect(two.lock!(lock(2, 1), request())).toBe(false);
    expect(two.getlock!(lock(2, 0), request())).toMatchObject({ procId: 1, type: 1 });
    one.close!();
    expect(two.lock!(lock(2, 1), request())).toBe(true);
    two.close!();
  });
});

describe('names', () => {
  it('need not be UTF-8', () => {
    const { root, path } = exported();
    const bytes = Buffer.from('caf\xe9', 'latin1');
    const place = (name: Buffer) => Buffer.concat([Buffer.from(`${path}/`), name]);
    writeFileSync(place(bytes), 'latin');
    const name = 'caf\udce9';
    expect(text(walk(root, name).open(READ))).toBe('latin');
    expect(walk(root, name).stat().name).toBe(name);
    walk(root, name).rename(root, 'th\udcff');
    expect(existsSync(place(Buffer.from('th\xff', 'latin1')))).toBe(true);
    atOnce(root.create(newDirectory('d\udc80'), request())).open.close!();
    atOnce(root.create(newFile(name), request())).open.close!();
    expect(existsSync(place(bytes))).toBe(true);
    walk(root, name).remove();
    expect(existsSync(place(bytes))).toBe(false);
  });

  it.each(['', '.', '..', 'a/b', '../x', '/etc', 'a\0b'])('are never %j', (name) => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    const file = walk(root, 'f');
    for (const run of [
      () => root.walk(name),
      () => root.create(newFile(name), request()),
      () => root.create(newFile(name, { perm: ModeBit.SYMLINK, extension: 'x' }), request()),
      () => file.rename(root, name),
      () => root.link(file, name),
      () => file.wstat({ name: name || '/' }, request('9P2000.u')),
    ]) {
      expect(errnoOf(run)).toBe(Errno.EINVAL);
    }
  });

  it('that are too long are the kernel’s to refuse', () => {
    const { root } = exported();
    expect(errnoOf(() => root.walk('x'.repeat(256)))).toBe(Errno.ENAMETOOLONG);
    expect(errnoOf(() => root.create(newFile('x'.repeat(256)), request()))).toBe(
      Errno.ENAMETOOLONG,
    );
  });

  it('are linked: files and links, not directories', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'x');
    symlinkSync('f', join(path, 'l'));
    mkdirSync(join(path, 'd'));
    const directory = walk(root, 'd');
    directory.link(walk(root, 'f'), 'f2');
    directory.link(walk(root, 'l'), 'l2');
    expect(statSync(join(path, 'd/f2')).nlink).toBe(2);
    expect(readlinkSync(join(path, 'd/l2'))).toBe('f');
    expect(errnoOf(() => root.link(directory, 'd2'))).toBe(Errno.EPERM);
    expect(errnoOf(() => root.link(root, 'd2'))).toBe(Errno.EPERM);
    expect(errnoOf(() => root.link(walk(root, 'f'), 'l'))).toBe(Errno.EEXIST);
    expect(walk(root, 'f').qid.path).toBe(walk(root, 'd', 'f2').qid.path);
  });
});

describe('rename and remove', () => {
  it('do what rename(2), unlink(2) and rmdir(2) do', () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'd/sub'), { recursive: true });
    mkdirSync(join(path, 'empty'));
    writeFileSync(join(path, 'f'), '');
    linkSync(join(path, 'f'), join(path, 'same'));
    const directory = walk(root, 'd');
    const file = walk(root, 'f');
    expect(errnoOf(() => directory.remove())).toBe(Errno.ENOTEMPTY);
    expect(errnoOf(() => directory.rename(walk(directory, 'sub'), 'x'))).toBe(Errno.EINVAL);
    expect(errnoOf(() => file.rename(root, 'd'))).toBe(Errno.EISDIR);
    expect(errnoOf(() => directory.rename(root, 'f'))).toBe(Errno.ENOTDIR);
    expect(errnoOf(() => walk(root, 'empty').rename(root, 'd'))).toBe(Errno.ENOTEMPTY);
    expect(errnoOf(() => file.rename(file, 'x'))).toBe(Errno.ENOTDIR);
    directory.rename(root, 'empty');
    expect(existsSync(join(path, 'empty/sub'))).toBe(true);
    file.rename(root, 'same');
    expect(existsSync(join(path, 'f'))).toBe(true);
    expect(file.getattr().nlink).toBe(2);
    expect(errnoOf(() => root.remove())).toBe(Errno.EBUSY);
    expect(errnoOf(() => root.rename(directory, 'x'))).toBe(Errno.EBUSY);
    walk(root, 'empty', 'sub').remove();
    walk(root, 'empty').remove();
    expect(existsSync(join(path, 'empty'))).toBe(false);
  });

  it('do not leave the server', () => {
    const [one, two] = [exported(), exported()];
    writeFileSync(join(one.path, 'f'), '');
    const file = walk(one.root, 'f');
    expect(errnoOf(() => file.rename(two.root, 'f'))).toBe(Errno.EXDEV);
    expect(errnoOf(() => two.root.link(file, 'f'))).toBe(Errno.EXDEV);
  });
});

describe('pipes and sockets', () => {
  it('are shown and never opened', () => {
    const { root, path } = exported();
    execFileSync('mkfifo', [join(path, 'p')]);
    const pipe = walk(root, 'p');
    for (const mode of [READ, WRITE, READ_WRITE, WRITE | TRUNCATE]) {
      expect(errnoOf(() => pipe.open(mode))).toBe(Errno.EPERM);
    }
    pipe.rename(root, 'q');
    pipe.setattr({ mode: 0o600 });
    pipe.remove();
    expect(existsSync(join(path, 'q'))).toBe(false);
  });

  it('that take the name of a file are not opened either', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'file');
    const file = walk(root, 'f');
    renameSync(join(path, 'f'), join(path, 'moved'));
    execFileSync('mkfifo', [join(path, 'f')]);
    expect(text(file.open(READ))).toBe('file');
    expect(errnoOf(() => walk(root, 'f').open(READ))).toBe(Errno.EPERM);
  });
});

describe('a read-only export', () => {
  it('changes nothing', () => {
    const { root, path } = exported({ readonly: true });
    mkdirSync(join(path, 'd'));
    writeFileSync(join(path, 'f'), 'x');
    const file = walk(root, 'f');
    const before = lstatSync(join(path, 'f'), { bigint: true });
    for (const run of [
      () => root.create(newFile('new'), request()),
      () => root.create(newFile('f', { exclusive: false }), request()),
      () => root.create(newDirectory('new'), request()),
      () => root.create(newFile('l', { perm: ModeBit.SYMLINK, extension: 'x' }), request()),
      () => file.open(WRITE),
      () => file.open(READ | TRUNCATE),
      () => file.open(READ | OpenMode.REMOVE_ON_CLOSE),
      () => file.setattr({ mode: 0 }),
      () => file.wstat({ mtime: 1 }, request('9P2000')),
      () => file.remove(),
      () => file.rename(root, 'g'),
      () => root.link(file, 'g'),
      () => walk(root, 'd').remove(),
    ]) {
      expect(errnoOf(run)).toBe(Errno.EROFS);
    }
    const open = file.open(READ);
    expect(text(open)).toBe('x');
    open.close!();
    expect(lstatSync(join(path, 'f'), { bigint: true }).ctimeNs).toBe(before.ctimeNs);
  });
});

describe('the server', () => {
  it('tells of the file system', () => {
    const { root } = exported();
    const statistics = root.statfs();
    expect(statistics).toMatchObject({ namelen: 255 });
    expect(statistics.blocks).toBeGreaterThan(0);
    expect(statistics.bsize).toBeGreaterThan(0);
    expect(statistics.type).toBeGreaterThan(0);
  });

  it('exports only what exists, under the names that it has', async () => {
    expect(errnoOf(() => exported({}, '/does/not/exist'))).toBe(Errno.ENOENT);
    expect(errnoOf(() => exported({}, '/etc/passwd'))).toBe(Errno.ENOTDIR);
    expect(errnoOf(() => exported({ limits: { openFiles: 0 } }))).toBe(Errno.EINVAL);
    const { server, path } = exported();
    const login = (aname: string) => ({ uname: 'me', aname, nUname: undefined });
    const attach = (aname: string) => () =>
      server.attach(login(aname), undefined, request() as never);
    for (const aname of ['', '/', path]) expect(errnoOf(attach(aname))).toBe(0);
    expect(errnoOf(attach('/etc'))).toBe(Errno.ENOENT);
  });

  it('asks who may enter', async () => {
    const { server } = exported({ attach: () => {} });
    const refusing = exported({
      attach: ({ uname }) => {
        if (uname !== 'me') throw Object.assign(new Error('no'), { errno: -13, code: 'EACCES' });
      },
    }).server;
    const login = { uname: 'you', aname: '', nUname: undefined };
    expect(errnoOf(() => server.attach(login, undefined, request() as never))).toBe(0);
    expect(errnoOf(() => refusing.attach(login, undefined, request() as never))).toBe(13);
  });

  it('serves nothing after it is closed', () => {
    const { server, root, path } = exported();
    writeFileSync(join(path, 'f'), 'x');
    const file = walk(root, 'f');
    server.close();
    expect(errnoOf(() => file.getattr())).toBe(Errno.ENOENT);
    expect(errnoOf(() => root.walk('f'))).toBe(Errno.ENOENT);
    server.close();
    rmSync(join(path, 'f'));
  });
});
