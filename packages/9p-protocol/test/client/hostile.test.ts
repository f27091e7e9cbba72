import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { momentOf } from '../../src/client/file-stat.js';
import { Client, linux } from '../../src/client/index.js';
import { encodeDirent } from '../../src/codec/dirent.js';
import {
  type Dialect,
  Errno,
  encodeStat,
  LockType,
  MessageType,
  NinePError,
  type RMessage,
  transportPair,
} from '../../src/index.js';
import { clientLimits } from '../../src/limits.js';
import { directoryQid, hostile } from '../support/hostile.js';
import { settled } from '../support/ledger.js';
import { RawPeer } from '../support/raw-peer.js';

const fileQid = { type: 0, version: 0, path: 2 };
const linkQid = { type: 2, version: 0, path: 3 };

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('agreeing on a dialect', () => {
  const connect = async (asked: Dialect, ...answers: string[]) => {
    const [ours, theirs] = transportPair();
    const server = new RawPeer(theirs);
    const connecting = Client.connect(ours, { version: asked });
    connecting.catch(() => {});
    const seen: string[] = [];
    for (const version of answers) {
      const message = await server.next();
      if (message.type === MessageType.Tversion) seen.push(message.version);
      server.send({ type: 101, tag: message.tag, msize: 8192, version });
    }
    const dialect = await connecting.then(({ dialect }) => dialect);
    return { dialect, seen };
  };

  it('takes any that is not richer than the one asked for', async () => {
    expect(await connect('9P2000.L', '9P2000.L')).toMatchObject({ dialect: '9P2000.L' });
    expect(await connect('9P2000.L', '9P2000.u')).toMatchObject({ dialect: '9P2000.u' });
    expect(await connect('9P2000.L', '9P2000')).toMatchObject({ dialect: '9P2000' });
    await expect(connect('9P2000.u', '9P2000.L')).rejects.toThrow('"9P2000.L", not 9P2000.u');
    await expect(connect('9P2000', '9P2000.u')).rejects.toThrow('"9P2000.u", not 9P2000');
  });

  it('asks a server that knows no .L for .u', async () => {
    expect(await connect('9P2000.L', 'unknown', '9P2000.u')).toEqual({
      dialect: '9P2000.u',
      seen: ['9P2000.L', '9P2000.u'],
    });
    await expect(connect('9P2000.L', 'unknown', 'unknown')).rejects.toThrow('speaks "unknown"');
  });
});

describe('Rlerror', () => {
  it.each([
    [2, 'no such file or directory', 2],
    [37, 'no locks available', 37],
    [9999, 'error 9999', 9999],
    [0, 'error without a number', 5],
  ])('%i reads %s', async (ecode, text, errno) => {
    const { files } = await hostile('9P2000.L', ({ type }) =>
      type === MessageType.Tgetattr ? { type: MessageType.Rlerror, ecode } : undefined,
    );
    await expect(files.stat('/a/b')).rejects.toMatchObject({ message: `/a/b: ${text}`, errno });
    files.close();
  });
});

describe('a server that means harm', () => {
  const dirents = (...entries: [string, number][]) =>
    Buffer.concat(
      entries.map(([name, offset]) => encodeDirent({ qid: fileQid, offset, type: 8, name })),
    );
  const listing = (data: (offset: number) => Buffer) => (message: { type: number }) => {
    if (message.type !== MessageType.Treaddir) return undefined;
    return {
      type: MessageType.Rreaddir,
      data: data((message as never as { offset: number }).offset),
    };
  };

  it.each([
    ['entries that do not advance', () => dirents(['a', 0])],
    ['entries that end where they began', (offset: number) => dirents(['a', offset ? offset : 7])],
    ['half an entry', () => dirents(['a', 1]).subarray(0, 20)],
    ['more than was asked for', () => Buffer.alloc(8169)],
  ])('and lists %s is found out', async (_, data) => {
    const { files } = await hostile('9P2000.L', listing(data));
    await expect(files.readdir('/')).rejects.toMatchObject({ kind: 'protocol' });
    files.client.destroy();
  });

  it.each(['', 'a/b', '../x', '/etc', 'nul\0'])('and lists %j is found out', async (name) => {
    const { files } = await hostile(
      '9P2000.L',
      listing(() => dirents(['ok', 1], [name, 2])),
    );
    await expect(files.readdir('/')).rejects.toMatchObject({ kind: 'protocol' });
    await expect(files.rm('/x', { recursive: true })).rejects.toMatchObject({ kind: 'protocol' });
    files.client.destroy();
  });

  it('and lists names without end is stopped at the limit, or read for as long as wanted', async () => {
    const { files, asked } = await hostile(
      '9P2000.L',
      listing((offset) => dirents([`f${offset}`, offset + 1], [`g${offset}`, offset + 2])),
    );
    await expect(files.readdir('/', { limit: 100 })).rejects.toMatchObject({ errno: Errno.EFBIG });
    const long = await hostile(
      '9P2000.L',
      listing((offset) => dirents(['n'.repeat(7000), offset + 1])),
    );
    await expect(long.files.readdir('/')).rejects.toThrow('names of too many characters');
    const times = clientLimits.directoryNames / 7000;
    expect(long.asked.length).toBeLessThan(times + 10);
    long.files.client.destroy();
    let seen = 0;
    for await (const _ of files.entries('/')) if (++seen === 1000) break;
    await settled();
    expect(asked.filter(({ type }) => type === MessageType.Treaddir)).toHaveLength(551);
    files.client.destroy();
  });

  it('and lists without end in 9P2000 is stopped too, as one that sends no entries', async () => {
    const stat = {
      type: 0,
      dev: 0,
      qid: fileQid,
      mode: 0o644,
      atime: 0,
      mtime: 0,
      length: 0,
      name: 'x',
      uid: '',
      gid: '',
      muid: '',
    };
    for (const [data, error] of [
      [encodeStat(stat, '9P2000.u'), { errno: Errno.EFBIG }],
      [encodeStat(stat, '9P2000.u').subarray(0, 30), { kind: 'protocol' }],
      [encodeStat({ ...stat, name: '../x' }, '9P2000.u'), { kind: 'protocol' }],
    ] as const) {
      const { files } = await hostile('9P2000.u', ({ type }) =>
        type === MessageType.Tread ? { type: MessageType.Rread, data } : undefined,
      );
      await expect(files.readdir('/', { limit: 100 })).rejects.toMatchObject(error);
      files.client.destroy();
    }
  });

  it('and answers more, or fewer, qids than names is found out', async () => {
    for (const count of [0, 3]) {
      const { files } = await hostile('9P2000.L', ({ type }) =>
        type === MessageType.Twalk
          ? { type: MessageType.Rwalk, qids: Array(count).fill(fileQid) }
          : undefined,
      );
      await expect(files.stat('/a/b')).rejects.toBeInstanceOf(NinePError);
      files.client.destroy();
    }
  });

  it('and walks one name at a time for ever is followed for as long as there are names', async () => {
    const { files, asked } = await hostile('9P2000.L', (message) =>
      message.type === MessageType.Twalk && message.names.length > 1
        ? { type: MessageType.Rwalk, qids: [directoryQid] }
        : undefined,
    );
    await expect((await files.walk('a/'.repeat(100))).clunk()).resolves.toBe(undefined);
    expect(asked.length).toBeLessThan(300);
    files.client.destroy();
  });

  it('and makes links of everything, each longer than the last, is followed 40 times', async () => {
    for (const target of ['x', '../..', '/', 'a/'.repeat(60), 'a/'.repeat(3900), '', 'nul\0']) {
      const { files, asked } = await hostile('9P2000.L', (message) => {
        if (message.type === MessageType.Twalk) {
          return { type: MessageType.Rwalk, qids: message.names.slice(0, 1).map(() => linkQid) };
        }
        if (message.type === MessageType.Treadlink) return { type: MessageType.Rreadlink, target };
        if (message.type === MessageType.Tgetattr) return { type: MessageType.Rlerror, ecode: 5 };
        return undefined;
      });
      await expect(files.stat('/a/b')).rejects.toBeInstanceOf(NinePError);
      expect(asked.length).toBeLessThan(1000);
      files.client.destroy();
    }
  });

  it('and never ends a file is cut off', async () => {
    const { files } = await hostile('9P2000.L', (message) => {
      if (message.type === MessageType.Tread) {
        return { type: MessageType.Rread, data: Buffer.alloc(message.count) };
      }
      if (message.type === MessageType.Twalk) {
        return { type: MessageType.Rwalk, qids: message.names.map(() => fileQid) };
      }
      return undefined;
    });
    await expect(files.readFile('/f', { limit: 100_000 })).rejects.toMatchObject({ errno: 27 });
    files.client.destroy();
  });

  it('and reads more than was asked, or takes more than was sent, is found out', async () => {
    const { files } = await hostile('9P2000.L', (message) => {
      if (message.type === MessageType.Tread) {
        return { type: MessageType.Rread, data: Buffer.alloc(message.count + 1) };
      }
      if (message.type === MessageType.Twrite) return { type: MessageType.Rwrite, count: 1 << 30 };
      if (message.type === MessageType.Twalk) {
        return { type: MessageType.Rwalk, qids: message.names.map(() => fileQid) };
      }
      return undefined;
    });
    const file = await files.open('/f', 'r+');
    await expect(file.read(0, 10)).rejects.toMatchObject({ kind: 'protocol' });
    await expect(file.write(0, Buffer.from('x'))).rejects.toMatchObject({ kind: 'protocol' });
    files.client.destroy();
  });

  it('and never answers a read is left by a stream that is destroyed or cancelled', async () => {
    for (const leave of ['node', 'web']) {
      const { files, asked } = await hostile('9P2000.L', (message) =>
        message.type === MessageType.Twalk
          ? { type: MessageType.Rwalk, qids: message.names.map(() => fileQid) }
          : undefined,
      );
      const file = await files.open('/f');
      if (leave === 'node') {
        const stream = file.createReadStream().resume();
        await settled();
        stream.destroy();
        await new Promise((resolve) => stream.once('close', resolve));
      } else {
        const reader = file.readable().getReader();
        const reading = reader.read();
        await settled();
        await reader.cancel();
        expect(await reading).toMatchObject({ done: true });
      }
      await settled();
      const types = asked.map(({ type }) => type);
      const { Tread, Tflush, Tclunk } = MessageType;
      expect(types.slice(types.indexOf(Tread))).toEqual([Tread, Tflush, Tclunk]);
      files.client.destroy();
    }
  });

  it('and claims an endless attribute is not believed', async () => {
    const { files } = await hostile('9P2000.L', (message) => {
      if (message.type === MessageType.Txattrwalk) {
        return { type: MessageType.Rxattrwalk, size: message.name === 'a' ? 2n ** 63n : 10 };
      }
      if (message.type === MessageType.Tread) {
        return { type: MessageType.Rread, data: Buffer.alloc(100) };
      }
      return undefined;
    });
    await expect(linux.getXattr(files.root, 'a')).rejects.toMatchObject({ errno: Errno.E2BIG });
    await expect(linux.getXattr(files.root, 'b')).rejects.toMatchObject({ errno: Errno.EFBIG });
    await expect(linux.getXattr(files.root, '')).rejects.toMatchObject({ errno: Errno.EINVAL });
    files.client.destroy();
  });

  it.each<[string, RMessage | Buffer]>([
    ['with a tag that is not in use', { type: 121, tag: 999 }],
    ['with another answer', { type: 25 - 4, tag: 0 } as RMessage],
    [
      'with a new version, unasked',
      { type: 101, tag: 0xffff, msize: 1 << 30, version: '9P2000.L' },
    ],
    ['with a size beyond msize', Buffer.from([0xff, 0xff, 0xff, 0x7f, 25, 0, 0])],
  ])('and answers %s loses the connection', async (_, answer) => {
    const { files, peer } = await hostile('9P2000.L', ({ type }) => {
      if (type !== MessageType.Tgetattr) return undefined;
      if (Buffer.isBuffer(answer)) return answer;
      peer.send(answer);
      return undefined;
    });
    await expect(files.stat('/')).rejects.toMatchObject({ kind: 'protocol' });
    expect(await files.closed).toMatchObject({ kind: 'protocol' });
    await peer.closed;
  });

  it('and gives times beyond all reason is told apart from one that does not', async () => {
    const big = 2n ** 64n - 1n;
    const attributes = {
      mode: 0o100644,
      uid: 0,
      gid: 0,
      nlink: big,
      rdev: big,
      size: big,
      blksize: big,
      blocks: big,
      atimeSec: big,
      atimeNsec: 500_000_000,
      mtimeSec: 2n ** 63n - 1n,
      mtimeNsec: 999_999_999,
      ctimeSec: 0,
      ctimeNsec: 0,
      btimeSec: 0,
      btimeNsec: 0,
      gen: 0,
      dataVersion: 0,
    };
    const { files } = await hostile('9P2000.L', ({ type }) =>
      type === MessageType.Tgetattr
        ? { type: MessageType.Rgetattr, valid: 0x7ff, qid: fileQid, attributes }
        : undefined,
    );
    expect(await files.stat('/')).toMatchObject({ atimeMs: -500, size: big, kind: 'file' });
    expect(momentOf(-1)).toEqual({ sec: big, nsec: 0 });
    expect(momentOf(-500_000_000n)).toEqual({ sec: big, nsec: 500_000_000 });
    expect(momentOf(new Date(1500))).toEqual({ sec: 1, nsec: 500_000_000 });
    files.close();
  });

  it('and gives locks as it likes is understood', async () => {
    const lock = { lockType: LockType.WRLCK, start: 0, length: 0, procId: 1, clientId: 'me' };
    const statuses = [0, 1, 2, 3, 200];
    const { files } = await hostile('9P2000.L', (message) => {
      if (message.type === MessageType.Tlock) {
        return { type: MessageType.Rlock, status: statuses.shift() };
      }
      if (message.type !== MessageType.Tgetlock) return undefined;
      const { procId, clientId, start, length } = message;
      const lockType = start === 0 ? LockType.RDLCK : LockType.UNLCK;
      return { type: MessageType.Rgetlock, lockType, start, length, procId, clientId };
    });
    await linux.lock(files.root, lock);
    await expect(linux.lock(files.root, lock)).rejects.toMatchObject({ errno: Errno.EAGAIN });
    for (let time = 0; time < 3; time++) {
      await expect(linux.lock(files.root, lock)).rejects.toMatchObject({ errno: Errno.ENOLCK });
    }
    expect(await linux.getlock(files.root, lock)).toMatchObject({ lockType: LockType.RDLCK });
    expect(await linux.getlock(files.root, { ...lock, start: 5 })).toBe(undefined);
    files.close();
  });
});
