import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bytesToName,
  Errno,
  GetattrMask,
  LinuxOpen,
  LockType,
  MessageType,
  NinePError,
} from '@xcpu/9p-protocol';
import { type FileSystem, linux, mount } from '@xcpu/9p-protocol/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lacksRoot } from '../support/needs.js';
import { type Diod, lacksDiod, startDiod } from './diod.js';

const NOBODY = 65_534;

const skipDiod = lacksDiod();
const skipRoot = lacksRoot();

// What diod was asked when it crashed is asked once more.
describe.skipIf(skipDiod)('our client and diod', { retry: 2 }, () => {
  let folder = '';
  let diod: Diod;
  let files: FileSystem;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), '9p-diod-server-'));
    chmodSync(folder, 0o777);
    diod = await startDiod({ exports: [folder, 'ctl'] });
  });
  afterAll(async () => {
    await diod.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    files = await mount(await diod.dial(), { aname: folder });
  });
  afterEach(async () => {
    await files[Symbol.asyncDispose]();
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  });

  const local = (name: string) => join(folder, name);

  it('agree on 9P2000.L', () => {
    expect(files.client.dialect).toBe('9P2000.L');
    expect(files.client.msize).toBeGreaterThanOrEqual(65_536);
  });

  it('write, read, append, truncate', async () => {
    await files.writeFile('f', 'one');
    await files.writeFile('f', ' two', { flag: 'a' });
    expect(await files.readFile('f', 'utf8')).toBe('one two');
    await files.truncate('f', 3);
    expect(readFileSync(local('f'), 'utf8')).toBe('one');
    await expect(files.writeFile('f', 'x', { flag: 'wx' })).rejects.toMatchObject({
      errno: Errno.EEXIST,
    });
    await files.writeFile('f', '');
    expect(statSync(local('f')).size).toBe(0);
  });

  it('move a file of 40 MiB both ways', async () => {
    const contents = randomBytes(40 * 2 ** 20);
    await files.writeFile('big', contents);
    expect(readFileSync(local('big')).equals(contents)).toBe(true);
    expect((await files.readFile('big', { limit: 2 ** 26 })).equals(contents)).toBe(true);
  });

  it('reach offsets beyond 2^32', async () => {
    const at = 5 * 2 ** 32;
    const file = await files.open('sparse', 'w+');
    await file.write(at, Buffer.from('far'));
    expect(String(await file.read(at, 3))).toBe('far');
    expect((await file.stat()).size).toBe(at + 3);
    await file.close();
  });

  it('list 5,000 names', async () => {
    mkdirSync(local('many'));
    const names = Array.from({ length: 5000 }, (_, index) => `a name of usual length ${index}`);
    for (const name of names) writeFileSync(join(folder, 'many', name), '');
    const listed = await files.readdir('many');
    expect(listed.map(({ name }) => name).sort()).toEqual(names.sort());
    expect(new Set(listed.map(({ kind }) => kind))).toEqual(new Set(['file']));
  });

  it('keep names that are not UTF-8', async () => {
    const raw = Buffer.from([0x66, 0xff, 0xfe]);
    await files.writeFile(bytesToName(raw), 'odd');
    expect(readdirSync(folder, { encoding: 'buffer' })).toEqual([raw]);
    const [entry] = await files.readdir('/');
    expect(await files.readFile(entry!.name, 'utf8')).toBe('odd');
    await files.rm(entry!.name);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stat as stat(2) does', async () => {
    writeFileSync(local('f'), 'twelve bytes', { mode: 0o640 });
    const told = await files.stat('f');
    const known = statSync(local('f'), { bigint: true });
    expect(told).toMatchObject({
      kind: 'file',
      mode: 0o640,
      size: 12,
      mtimeNs: known.mtimeNs,
      ctimeNs: known.ctimeNs,
      uid: Number(known.uid),
      nlink: 1,
    });
    expect(BigInt(told.qid.path)).toBe(known.ino);
  });

  it('change modes and times, to the nanosecond', async () => {
    await files.writeFile('f', '');
    await files.chmod('f', 0o4751);
    await files.utimes('f', 1_600_000_000_123_456_789n, 1_500_000_000_987_654_321n);
    const known = statSync(local('f'), { bigint: true });
    expect(Number(known.mode) & 0o7777).toBe(0o4751);
    expect([known.atimeNs, known.mtimeNs]).toEqual([
      1_600_000_000_123_456_789n,
      1_500_000_000_987_654_321n,
    ]);
  });

  it('make, follow and read symbolic links, and give a file two names', async () => {
    await files.mkdir('d/e', { recursive: true });
    await files.writeFile('d/e/f', 'here');
    await files.symlink('d/e', 'way');
    expect(readlinkSync(local('way'))).toBe('d/e');
    expect(await files.readlink('way')).toBe('d/e');
    expect(await files.readFile('way/f', 'utf8')).toBe('here');
    expect((await files.stat('way', { follow: false })).kind).toBe('symlink');
    await files.link('d/e/f', 'second');
    expect((await files.stat('second')).nlink).toBe(2);
    await files.symlink('loop', 'loop');
    await expect(files.readFile('loop')).rejects.toMatchObject({ errno: Errno.ELOOP });
  });

  it('rename within a directory, across, and over what is there', async () => {
    await files.mkdir('d');
    await files.writeFile('f', 'first');
    await files.rename('f', 'g');
    await files.writeFile('d/h', 'second');
    await files.rename('g', 'd/h');
    expect(await files.readFile('d/h', 'utf8')).toBe('first');
    expect(readdirSync(folder)).toEqual(['d']);
    await files.rename('d', 'moved');
    expect(await files.readFile('moved/h', 'utf8')).toBe('first');
  });

  it('remove files, directories and trees', async () => {
    await files.mkdir('d/e/f', { recursive: true });
    await files.writeFile('d/e/g', '');
    await files.symlink('/', 'd/outside');
    await expect(files.rm('d')).rejects.toMatchObject({ errno: Errno.ENOTEMPTY });
    await files.rm('d', { recursive: true });
    expect(readdirSync(folder)).toEqual([]);
    await expect(files.rm('d')).rejects.toMatchObject({ errno: Errno.ENOENT });
    await files.rm('d', { force: true });
  });

  it('tell of the file system', async () => {
    const told = await files.statfs();
    expect(told.blocks).toBeGreaterThan(0);
    expect(told.namelen).toBe(255);
  });

  it('sync', async () => {
    await using file = await files.open('f', 'w');
    await file.write(0, Buffer.from('kept'));
    await file.sync();
    await file.sync({ dataOnly: true });
  });

  it('set, list, read and remove extended attributes', async () => {
    await files.writeFile('f', '');
    const fid = await files.walk('f');
    const value = randomBytes(1000);
    await linux.setXattr(fid, 'user.one', value);
    await linux.setXattr(fid, 'user.two', Buffer.from('2'));
    expect((await linux.getXattr(fid, 'user.one')).equals(value)).toBe(true);
    const names = (await linux.listXattrs(fid)).filter((name) => name.startsWith('user.'));
    expect(names.sort()).toEqual(['user.one', 'user.two']);
    await expect(linux.getXattr(fid, 'user.none')).rejects.toMatchObject({ errno: Errno.ENODATA });
    await linux.removeXattr(fid, 'user.one');
    await expect(linux.getXattr(fid, 'user.one')).rejects.toMatchObject({ errno: Errno.ENODATA });
    await fid.clunk();
  });

  it('keep each other out by locks', async () => {
    await files.writeFile('f', 'shared');
    const other = await mount(await diod.dial(), { aname: folder });
    const [one, two] = [await files.walk('f'), await other.walk('f')];
    await linux.lopen(one, LinuxOpen.RDWR);
    await linux.lopen(two, LinuxOpen.RDWR);
    const whole = { lockType: LockType.WRLCK, start: 0, length: 0, procId: 1 };
    const mine = { ...whole, clientId: 'one' };
    const yours = { ...whole, procId: 2, clientId: 'two' };
    await linux.lock(one, mine);
    await expect(linux.lock(two, yours)).rejects.toMatchObject({ errno: Errno.EAGAIN });
    await linux.lock(one, { ...mine, lockType: LockType.UNLCK });
    expect(await linux.getlock(two, yours)).toBeUndefined();
    await linux.lock(two, yours);
    await other[Symbol.asyncDispose]();
  });

  it('use the requests that paths have no words for', async () => {
    const { root } = files;
    await linux.mkdir(root, 'd', 0o700);
    const directory = await root.walk('d');
    const made = await root.walk([]);
    await linux.lcreate(made, 'f', LinuxOpen.RDWR | LinuxOpen.EXCL, 0o600);
    await made.write(0, Buffer.from('by hand'));
    expect(String(await made.read(3, 100))).toBe('hand');
    await made.clunk();
    const file = await root.walk('f');
    await linux.rename(file, directory, 'g');
    await file.clunk();
    const { attributes, valid } = await linux.getattr(directory, { mask: GetattrMask.BASIC });
    expect(attributes.mode & 0o7777).toBe(0o700);
    expect(Number(valid) & GetattrMask.BASIC).toBe(GetattrMask.BASIC);
    await linux.lopen(directory, LinuxOpen.RDONLY);
    const names = (await linux.readdir(directory, 0, 4096)).map(({ name }) => name);
    expect(names.sort()).toEqual(['.', '..', 'g']);
    await directory.clunk();
  });

  it('copy trees both ways', async () => {
    const source = mkdtempSync(join(tmpdir(), '9p-diod-copy-'));
    try {
      mkdirSync(join(source, 'in/sub/empty'), { recursive: true });
      const contents = randomBytes(3_000_000);
      writeFileSync(join(source, 'in/large'), contents);
      for (let index = 0; index < 50; index++) {
        writeFileSync(join(source, `in/sub/${index}`), `file ${index}`, { mode: 0o600 });
      }
      symlinkSync('../large', join(source, 'in/sub/link'));
      const sent = await files.copyIn(join(source, 'in'), 'there', { preserve: true });
      expect(sent).toMatchObject({ files: 51, directories: 3, symlinks: 1, skipped: 0 });
      expect(await files.copyOut('there', join(source, 'out'), { preserve: true })).toEqual(sent);
      expect(readFileSync(join(source, 'out/large')).equals(contents)).toBe(true);
      expect(readlinkSync(join(source, 'out/sub/link'))).toBe('../large');
      const [before, after] = ['in', 'out'].map((tree) => statSync(join(source, tree, 'sub/7')));
      expect(after!.mode).toBe(before!.mode);
      expect(Math.trunc(after!.mtimeMs)).toBe(Math.trunc(before!.mtimeMs));
    } finally {
      rmSync(source, { recursive: true });
    }
  });

  it('stream both ways', async () => {
    const piece = Buffer.alloc(100_000, 'stream');
    const file = await files.open('f', 'w');
    const writer = file.writable().getWriter();
    for (let count = 0; count < 20; count++) await writer.write(piece);
    await writer.close();
    let bytes = 0;
    for await (const chunk of await files.open('f')) bytes += chunk.length;
    expect(bytes).toBe(2_000_000);
  });

  it('keep 64 requests in flight, each with its own answer', async () => {
    await Promise.all(
      Array.from({ length: 64 }, (_, index) => files.writeFile(`f${index}`, `contents ${index}`)),
    );
    for (let round = 0; round < 20; round++) {
      const texts = Promise.all(
        Array.from({ length: 64 }, (_, index) => files.readFile(`f${index}`, 'utf8')),
      );
      expect(await texts).toEqual(Array.from({ length: 64 }, (_, index) => `contents ${index}`));
    }
  });

  it('flush what is aborted, and go on', async () => {
    await files.writeFile('f', Buffer.alloc(1_000_000, 'x'));
    const fid = await files.walk('f');
    await linux.lopen(fid, LinuxOpen.RDONLY);
    for (let round = 0; round < 50; round++) {
      const reads = Array.from({ length: 20 }, (_, index) => {
        const controller = new AbortController();
        const read = fid.read(index * 40_000, 40_000, { signal: controller.signal });
        if (index % 2) controller.abort(new Error('enough'));
        return read;
      });
      const results = await Promise.allSettled(reads);
      results.forEach((result, index) => {
        // An answer that was on its way is delivered all the same.
        if (result.status === 'fulfilled') expect(result.value.length).toBe(40_000);
        else expect([index % 2, result.reason.message]).toEqual([1, 'enough']);
      });
    }
    expect((await fid.read(0, 10)).length).toBe(10);
    await fid.clunk();
  });

  it('answer a Tflush of nothing', async () => {
    const { type } = await files.client.request({ type: MessageType.Tflush, oldtag: 4321 });
    expect(type).toBe(MessageType.Rflush);
  });

  it('name what is wrong by Linux numbers', async () => {
    writeFileSync(local('f'), '');
    const errno = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(NinePError);
      return (error as NinePError).errno;
    };
    expect(await errno(files.readFile('nosuch'))).toBe(Errno.ENOENT);
    expect(await errno(files.readFile('f/x'))).toBe(Errno.ENOTDIR);
    expect(await errno(files.mkdir('f'))).toBe(Errno.EEXIST);
    expect(await errno(files.rename('f', 'no/g'))).toBe(Errno.ENOENT);
    await expect(mount(await diod.dial(), { aname: '/etc' })).rejects.toBeInstanceOf(NinePError);
  });

  it('read its synthetic tree, whose files have no length', async () => {
    const control = await mount(await diod.dial(), { aname: 'ctl' });
    expect(await control.readFile('version', 'utf8')).toMatch(/^diod-/);
    expect(await control.readFile('exports', 'utf8')).toContain(folder);
    await control[Symbol.asyncDispose]();
  });

  it('meet over a Unix socket', async () => {
    const socket = join(folder, 'socket');
    const server = await startDiod({ exports: [folder], socket });
    const over = await mount(await server.dial(), { aname: folder });
    await over.writeFile('f', 'through a socket');
    expect(readFileSync(local('f'), 'utf8')).toBe('through a socket');
    await over[Symbol.asyncDispose]();
    await server.stop();
  });

  it.skipIf(skipRoot)('know what an ordinary user may not', async () => {
    const server = await startDiod({ exports: [folder], uid: NOBODY });
    const mine = await mount(await server.dial(), {
      aname: folder,
      uname: 'nobody',
      nUname: NOBODY,
    });
    writeFileSync(local('secret'), 'of root', { mode: 0o600 });
    await mine.writeFile('f', 'of nobody');
    expect(statSync(local('f')).uid).toBe(NOBODY);
    await expect(mine.readFile('secret')).rejects.toMatchObject({ errno: Errno.EACCES });
    await expect(mine.chown('f', 0, undefined)).rejects.toMatchObject({ errno: Errno.EPERM });
    await mine[Symbol.asyncDispose]();
    await server.stop();
  });
});
