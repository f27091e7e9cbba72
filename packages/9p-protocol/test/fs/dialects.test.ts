import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AT_REMOVEDIR,
  type Dialect,
  decodeDirents,
  decodeStats,
  dontTouch,
  Errno,
  FileMode,
  GetattrMask,
  LinuxOpen,
  LockStatus,
  LockType,
  MessageType,
  ModeBit,
  NONUNAME,
  OpenMode,
  type RMessage,
  SetattrMask,
  type TMessage,
  transportPair,
} from '../../src/index.js';
import { Server } from '../../src/server/index.js';
import {
  clunk,
  create,
  open,
  RawPeer,
  read,
  remove,
  stat,
  version,
  walk,
  write,
} from '../support/raw-peer.js';
import { exported } from './support.js';

const T = MessageType;
const tag = 1;
const NO_GROUP = NONUNAME;

describe.each(['9P2000', '9P2000.u', '9P2000.L'] as const)('in %s', (dialect) => {
  it('files are walked to, never out of the root', async () => {
    const { call, path } = await connected(dialect);
    mkdirSync(join(path, 'd/e'), { recursive: true });
    symlinkSync('/', join(path, 'd/out'));
    const up = await call(walk(0, 1, ['d', 'e', '..', '..', '..', '..', 'd']));
    expect(up).toMatchObject({ type: T.Rwalk });
    expect((up as Extract<RMessage, { type: 111 }>).qids).toHaveLength(7);
    expect(await call(walk(0, 2, ['d', 'out', 'etc', 'passwd']))).toMatchObject({
      type: T.Rwalk,
      qids: [{}, {}],
    });
    expect(errnoIn(await call(walk(0, 3, ['../etc'])))).not.toBe(0);
  });

  it('files are made, written, read, changed and removed', async () => {
    const { call, path } = await connected(dialect);
    await call(walk(0, 1, []));
    expect(await call(made(dialect, 1, 'new'))).toMatchObject({ iounit: 0 });
    expect(statSync(join(path, 'new')).mode & 0o777).toBe(dialect === '9P2000' ? 0o600 : 0o640);
    expect(await call(write(1, 2 ** 32, 'far'))).toMatchObject({ count: 3 });
    expect(await call(read(1, 2 ** 32 - 1, 9))).toMatchObject({ data: Buffer.from('\0far') });
    expect((await call(walk(0, 2, ['new']))).type).toBe(T.Rwalk);
    expect((await call(remove(2))).type).toBe(T.Rremove);
    expect(existsSync(join(path, 'new'))).toBe(false);
    expect(await call(read(1, 2 ** 32, 9))).toMatchObject({ data: Buffer.from('far') });
    expect((await call(clunk(1))).type).toBe(T.Rclunk);
  });
});

describe.each(['9P2000', '9P2000.u'] as const)('in %s', (dialect) => {
  it('directories are read as stats, and wstat changes files', async () => {
    const { call, path } = await connected(dialect);
    symlinkSync('to', join(path, 'link'));
    writeFileSync(join(path, 'f'), 'hello');
    await call(walk(0, 1, []));
    await call(open(1));
    const { data } = (await call(read(1, 0, 8192))) as { data: Uint8Array };
    const entries = decodeStats(Buffer.from(data), dialect);
    expect(entries.map(({ name }) => name).sort()).toEqual(['f', 'link']);
    if (dialect === '9P2000.u') {
      expect(entries.find(({ name }) => name === 'link')).toMatchObject({ extension: 'to' });
    }
    await call(walk(0, 2, ['f']));
    const change = { ...dontTouch, name: 'g', length: 2, mode: 0o600, mtime: 77 };
    expect(await call({ type: T.Twstat, tag, fid: 2, stat: change })).toMatchObject({
      type: T.Rwstat,
    });
    expect(readFileSync(join(path, 'g'), 'utf8')).toBe('he');
    expect(await call(stat(2))).toMatchObject({ stat: { name: 'g', mtime: 77, mode: 0o600 } });
  });

  it.each([
    ['appending', ModeBit.APPEND],
    ['one client at a time', ModeBit.EXCLUSIVE],
  ])('files for %s are refused: a directory of Linux keeps no such thing', async (_, flag) => {
    const { call, path } = await connected(dialect);
    await call(walk(0, 1, []));
    const refused = { type: T.Rerror, errno: Errno.EPERM };
    const refusal = dialect === '9P2000' ? { type: T.Rerror } : refused;
    expect(await call(create(1, 'f', (flag | 0o644) >>> 0, OpenMode.WRITE))).toMatchObject(refusal);
    expect(existsSync(join(path, 'f'))).toBe(false);
    expect((await call(create(1, 'f', 0o644, OpenMode.WRITE))).type).toBe(T.Rcreate);
    const change = { ...dontTouch, mode: (flag | 0o400) >>> 0 };
    expect(await call({ type: T.Twstat, tag, fid: 1, stat: change })).toMatchObject(refusal);
    expect(statSync(join(path, 'f')).mode & 0o777).not.toBe(0o400);
  });

  it('a directory is made by create, and removed on close', async () => {
    const { call, path } = await connected(dialect);
    await call(walk(0, 1, []));
    await call(create(1, 'd', (ModeBit.DIR | 0o750) >>> 0, OpenMode.READ));
    expect(statSync(join(path, 'd')).mode & 0o777).toBe(dialect === '9P2000' ? 0o700 : 0o750);
    await call(walk(0, 2, ['d']));
    await call(create(2, 'f', 0o600, OpenMode.WRITE | OpenMode.REMOVE_ON_CLOSE));
    expect(existsSync(join(path, 'd/f'))).toBe(true);
    await call(clunk(2));
    expect(existsSync(join(path, 'd/f'))).toBe(false);
  });
});

describe('in 9P2000.u', () => {
  it('links are made, and their targets shown', async () => {
    const { call } = await connected('9P2000.u');
    await call(walk(0, 1, []));
    const link = { ...create(1, 'l', ModeBit.SYMLINK | 0o777, 0), extension: '../x' } as TMessage;
    expect((await call(link)).type).toBe(T.Rcreate);
    expect(await call(stat(1))).toMatchObject({ stat: { extension: '../x', name: 'l' } });
    await call(walk(0, 2, []));
    const device = { ...create(2, 'dev', ModeBit.DEVICE, 0), extension: 'c 1 3' } as TMessage;
    expect(await call(device)).toMatchObject({ type: T.Rerror, errno: Errno.EPERM });
  });
});

describe('in 9P2000.L', () => {
  it('directories are made, listed and removed', async () => {
    const { call, path } = await connected('9P2000.L');
    const made = await call({ type: T.Tmkdir, tag, fid: 0, name: 'd', mode: 0o711, gid: NO_GROUP });
    expect(made).toMatchObject({ type: T.Rmkdir, qid: { type: 0x80 } });
    const names = Array.from({ length: 300 }, (_, index) => `file-${index}`);
    for (const name of names) writeFileSync(join(path, 'd', name), '');
    await call(walk(0, 1, ['d']));
    await call({ type: T.Tlopen, tag, fid: 1, flags: LinuxOpen.DIRECTORY });
    const listed: string[] = [];
    for (let offset: number | bigint = 0; ; ) {
      const reply = await call({ type: T.Treaddir, tag, fid: 1, offset, count: 1000 });
      const entries = decodeDirents((reply as { data: Uint8Array }).data);
      if (entries.length === 0) break;
      listed.push(...entries.map(({ name }) => name));
      offset = entries.at(-1)!.offset;
    }
    expect(listed.sort()).toEqual(['.', '..', ...names].sort());
    const unlink = (dirfid: number, name: string, flags: number) =>
      call({ type: T.Tunlinkat, tag, dirfid, name, flags });
    expect(await unlink(0, 'd', AT_REMOVEDIR)).toMatchObject({ ecode: Errno.ENOTEMPTY });
    for (const name of names) await unlink(1, name, 0);
    expect((await unlink(0, 'd', AT_REMOVEDIR)).type).toBe(T.Runlinkat);
    expect(existsSync(join(path, 'd'))).toBe(false);
  });

  it('names need not be UTF-8', async () => {
    const { call, path } = await connected('9P2000.L');
    const place = (name: string) => Buffer.from(`${path}/${name}`, 'latin1');
    writeFileSync(place('caf\xe9'), 'x');
    await call(walk(0, 1, []));
    await call({ type: T.Tlopen, tag, fid: 1, flags: LinuxOpen.DIRECTORY });
    const reply = await call({ type: T.Treaddir, tag, fid: 1, offset: 0, count: 1000 });
    const [, , entry] = decodeDirents((reply as { data: Uint8Array }).data, { strings: 'bytes' });
    const { name } = entry!;
    expect(name).toBe('caf\udce9');
    expect((await call(walk(0, 2, [name]))).type).toBe(T.Rwalk);
    const at = { type: T.Trenameat, tag, olddirfid: 0, oldname: name, newdirfid: 0 } as const;
    expect((await call({ ...at, newname: '\udcff' })).type).toBe(T.Rrenameat);
    expect(existsSync(place('\xff'))).toBe(true);
    expect((await call({ type: T.Tlopen, tag, fid: 2, flags: 0 })).type).toBe(T.Rlopen);
  });

  it('every other message reaches the disk', async () => {
    const { call, path } = await connected('9P2000.L');
    writeFileSync(join(path, 'f'), 'hello');
    await call(walk(0, 1, ['f']));
    const attributes = await call({ type: T.Tgetattr, tag, fid: 1, requestMask: GetattrMask.ALL });
    expect(attributes).toMatchObject({ attributes: { size: 5, nlink: 1 } });
    const set = {
      ...{ type: T.Tsetattr, tag, fid: 1, uid: NONUNAME, gid: NONUNAME, size: 3, mode: 0o600 },
      ...{ valid: SetattrMask.MODE | SetattrMask.SIZE | SetattrMask.MTIME | SetattrMask.MTIME_SET },
      ...{ atimeSec: 0, atimeNsec: 0, mtimeSec: 99, mtimeNsec: 5000 },
    };
    expect((await call(set)).type).toBe(T.Rsetattr);
    expect(statSync(join(path, 'f')).mtimeMs).toBeCloseTo(99_000.005);
    const link = { type: T.Tlink, tag, dfid: 0, fid: 1, name: 'hard' } as const;
    expect((await call(link)).type).toBe(T.Rlink);
    const symlink = { type: T.Tsymlink, tag, fid: 0, name: 'soft', target: '/x', gid: NO_GROUP };
    expect((await call(symlink as TMessage)).type).toBe(T.Rsymlink);
    await call(walk(0, 2, ['soft']));
    expect(await call({ type: T.Treadlink, tag, fid: 2 })).toMatchObject({ target: '/x' });
    expect(await call({ type: T.Tlopen, tag, fid: 2, flags: 0 })).toMatchObject({
      ecode: Errno.ELOOP,
    });
    const rename = { type: T.Trename, tag, fid: 1, dfid: 0, name: 'g' } as const;
    expect((await call(rename)).type).toBe(T.Rrename);
    const at = { type: T.Trenameat, tag, olddirfid: 0, oldname: 'g', newdirfid: 0 } as const;
    expect((await call({ ...at, newname: 'hard2' })).type).toBe(T.Rrenameat);
    expect(readFileSync(join(path, 'hard2'), 'utf8')).toBe('hel');
    expect((await call({ type: T.Tlopen, tag, fid: 1, flags: LinuxOpen.RDWR })).type).toBe(
      T.Rlopen,
    );
    expect((await call({ type: T.Tfsync, tag, fid: 1, datasync: 0 })).type).toBe(T.Rfsync);
    const lock = { tag, fid: 1, lockType: LockType.WRLCK, start: 0, length: 0, procId: 1 };
    expect(
      await call({ ...lock, type: T.Tlock, flags: 0, clientId: 'me' } as TMessage),
    ).toMatchObject({ status: LockStatus.SUCCESS });
    expect(await call({ ...lock, type: T.Tgetlock, clientId: 'you' } as TMessage)).toMatchObject({
      lockType: LockType.WRLCK,
      clientId: 'me',
    });
    expect(await call({ type: T.Tstatfs, tag, fid: 0 })).toMatchObject({
      statistics: { namelen: 255 },
    });
    const mode = FileMode.FIFO | 0o600;
    const node = { type: T.Tmknod, tag, fid: 0, name: 'p', mode, major: 0, minor: 0, gid: 0 };
    expect(await call(node as TMessage)).toMatchObject({ ecode: Errno.EPERM });
    const attribute = { type: T.Txattrwalk, tag, fid: 0, newfid: 9, name: 'user.x' } as const;
    expect(await call(attribute)).toMatchObject({ ecode: Errno.EOPNOTSUPP });
  });
});

/** A raw client of a new export, attached as fid 0. */
async function connected(dialect: Dialect) {
  const { server, path } = exported();
  const [ours, theirs] = transportPair();
  new Server(server).accept(theirs);
  const peer = new RawPeer(ours);
  peer.dialect = dialect;
  await peer.call(version(65_536, dialect));
  await peer.call({
    type: T.Tattach,
    tag,
    fid: 0,
    afid: NONUNAME,
    uname: 'me',
    aname: '',
    nUname: NONUNAME,
  });
  return { path, call: (message: TMessage) => peer.call(message) };
}

/** The message that makes a file, open for reading and writing. */
function made(dialect: Dialect, fid: number, name: string): TMessage {
  if (dialect !== '9P2000.L') return create(fid, name, 0o640, OpenMode.READ_WRITE);
  const flags = LinuxOpen.RDWR | LinuxOpen.CREATE | LinuxOpen.EXCL;
  return { type: T.Tlcreate, tag, fid, name, flags, mode: 0o640, gid: NO_GROUP };
}

function errnoIn(reply: RMessage): number {
  if (reply.type === T.Rlerror) return reply.ecode;
  return reply.type === T.Rerror ? reply.errno || Errno.EIO : 0;
}
