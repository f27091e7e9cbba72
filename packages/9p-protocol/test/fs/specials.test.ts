import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import type { LocalFile } from '../../src/fs/local-file.js';
import {
  type Dialect,
  Errno,
  FileMode,
  MessageType,
  ModeBit,
  NinePError,
  NONUNAME,
  nameToBytes,
  type TMessage,
  transportPair,
} from '../../src/index.js';
import { plan9Permissions } from '../../src/permissions.js';
import { Server } from '../../src/server/index.js';
import { attach, create, open, RawPeer, version, walk as walkTo } from '../support/raw-peer.js';
import {
  exported,
  newFile,
  openDescriptors,
  pushOut,
  request,
  temporary,
  walk,
} from './support.js';

const KINDS = [
  ['pipe', ModeBit.NAMED_PIPE, FileMode.FIFO],
  ['socket', ModeBit.SOCKET, FileMode.SOCKET],
] as const;

describe.each(KINDS)('a %s', (_kind, bit, type) => {
  const special = (name: string, perm = 0o644) => newFile(name, { perm: bit | perm });
  const make = async (directory: LocalFile, name: string, perm?: number) =>
    directory.create(special(name, perm), request());
  /** The number of the error that making it ends with. */
  const failure = (directory: LocalFile, name: string) =>
    make(directory, name).then(
      () => 0,
      (error) => NinePError.from(error).errno,
    );

  it.each([0o600, 0o666, 0o1755])(
    'has the mode that is asked for, whatever the umask: %i',
    async (mode) => {
      const { root, path } = exported({ specials: true });
      const before = openDescriptors();
      const umask = process.umask(0o77);
      try {
        await make(root, 'x', plan9Permissions(mode));
      } finally {
        process.umask(umask);
      }
      const stats = lstatSync(join(path, 'x'));
      expect(stats.mode).toBe(type | mode);
      expect(stats.nlink).toBe(1);
      expect(readdirSync(path)).toEqual(['x']);
      // That of the new file, which stays for a while.
      expect(openDescriptors()).toBe(before + 1);
    },
  );

  it.each(['-m', '--help', 'a b', '$(id)', 'new', 'line\n', 'caf\udce9', 'x'.repeat(255)])(
    'has the name %j',
    async (name) => {
      const { root, path } = exported({ specials: true });
      await make(root, name);
      expect(readdirSync(path, 'buffer')).toEqual([nameToBytes(name)]);
      expect(walk(root, name).getattr().mode & FileMode.TYPE_MASK).toBe(type);
    },
  );

  it('is never made in the place of what is there', async () => {
    const { root, path } = exported({ specials: true });
    writeFileSync(join(path, 'file'), 'text');
    symlinkSync('/nowhere', join(path, 'link'));
    expect(await failure(root, 'file')).toBe(Errno.EEXIST);
    expect(await failure(root, 'link')).toBe(Errno.EEXIST);
    const outcomes = await Promise.all([1, 2, 3].map(() => failure(root, 'x')));
    expect(outcomes.sort()).toEqual([0, Errno.EEXIST, Errno.EEXIST]);
    const late = failure(root, 'late');
    writeFileSync(join(path, 'late'), 'text');
    expect(await late).toBe(Errno.EEXIST);
    expect(lstatSync(join(path, 'late')).isFile()).toBe(true);
    expect(readdirSync(path).sort()).toEqual(['file', 'late', 'link', 'x']);
  });

  it('is made in the directory that was meant, wherever others put it', async () => {
    const outside = temporary();
    const { root, path } = exported({ specials: true, limits: { descriptors: 4 } });
    mkdirSync(join(path, 'd'));
    const directory = walk(root, 'd');
    const made = failure(directory, 'x');
    await Promise.resolve();
    renameSync(join(path, 'd'), join(path, 'aside'));
    symlinkSync(outside, join(path, 'd'));
    await made;
    pushOut(root, path);
    expect(await failure(directory, 'y')).toBe(Errno.ESTALE);
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(join(path, 'aside/y'))).toBe(false);
  });

  it('is refused where nothing can be made', async () => {
    const { root, path } = exported({ specials: true });
    expect(await failure(root, 'x'.repeat(256))).toBe(Errno.ENAMETOOLONG);
    mkdirSync(join(path, 'gone'));
    const gone = walk(root, 'gone');
    rmSync(join(path, 'gone'), { recursive: true });
    expect(await failure(gone, 'x')).toBe(Errno.ENOENT);
    const readonly = exported({ specials: true, readonly: true });
    expect(await failure(readonly.root, 'x')).toBe(Errno.EROFS);
    expect(await failure(exported().root, 'x')).toBe(Errno.EPERM);
    const device = newFile('x', { perm: bit | ModeBit.DEVICE, extension: 'c 1 3' });
    await expect(async () => root.create(device, request())).rejects.toThrow(NinePError);
    await expect(async () => root.create(special('x'), request('9P2000'))).rejects.toThrow(
      NinePError,
    );
    expect(readdirSync(path)).toEqual([]);
  });

  it('waits for its turn, of which there are so many', async () => {
    const { root, path } = exported({ specials: true });
    writeFileSync(join(path, 'f'), '');
    const cancelled = { ...request(), cancelled: true, signal: AbortSignal.abort(new Error('x')) };
    const waiting = Array.from({ length: 1024 }, async () =>
      root.create(special('y'), cancelled as never),
    );
    expect(await failure(root, 'y')).toBe(Errno.EAGAIN);
    await Promise.allSettled(waiting);
    expect(readdirSync(path)).toEqual(['f']);
    expect(await failure(root, 'y')).toBe(0);
  });

  it.skipIf(lacksRoot())('has the group that is asked for, or the directory’s', async () => {
    const { root, path } = exported({ specials: true });
    await root.create({ ...special('x'), gid: 4321 }, request());
    expect(lstatSync(join(path, 'x')).gid).toBe(4321);
    mkdirSync(join(path, 'd'));
    chownSync(join(path, 'd'), 0, 1234);
    chmodSync(join(path, 'd'), 0o2777);
    await walk(root, 'd').create({ ...special('x'), gid: 4321 }, request());
    expect(lstatSync(join(path, 'd/x')).gid).toBe(1234);
    expect(lstatSync(join(path, 'd/x')).mode).toBe(type | 0o644);
  });

  it.each(['9P2000.u', '9P2000.L'] as const)(
    'is made over %s, and never opened',
    async (dialect) => {
      const { call, path } = await connected(dialect);
      await call(walkTo(0, 1, []));
      const mknod = { type: MessageType.Tmknod, tag: 1, fid: 0, name: 'x', mode: type | 0o600 };
      const inLinux = { ...mknod, major: 0, minor: 0, gid: 0 } as TMessage;
      const inUnix = { ...create(1, 'x', bit | 0o600, 0), extension: '' } as TMessage;
      await call(dialect === '9P2000.L' ? inLinux : inUnix);
      expect(lstatSync(join(path, 'x')).mode).toBe(type | 0o600);
      await call(walkTo(0, 2, ['x']));
      const opening = { type: MessageType.Tlopen, tag: 1, fid: 2, flags: 0 } as TMessage;
      const answer = await call(dialect === '9P2000.L' ? opening : open(2));
      const told = dialect === '9P2000.L' ? { ecode: Errno.EPERM } : { errno: Errno.EPERM };
      expect(answer).toMatchObject(told);
    },
  );
});

it('a pipe that was made carries bytes', async () => {
  const { root, path } = exported({ specials: true });
  await root.create(newFile('p', { perm: ModeBit.NAMED_PIPE | 0o600 }), request());
  const script = 'echo through >p & cat p';
  expect(execFileSync('sh', ['-c', script], { cwd: path, encoding: 'utf8' })).toBe('through\n');
});

it('no pipe is made where there is no mkfifo', async () => {
  const { root, path } = exported({ specials: true });
  const before = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    const pipe = newFile('p', { perm: ModeBit.NAMED_PIPE | 0o600 });
    await expect(root.create(pipe, request())).rejects.toMatchObject({
      ename: 'mkfifo is not installed',
      errno: Errno.EPERM,
    });
  } finally {
    process.env.PATH = before;
  }
  expect(readdirSync(path)).toEqual([]);
});

it('at a socket that was made nobody listens', async () => {
  const { root, path } = exported({ specials: true });
  await root.create(newFile('s', { perm: ModeBit.SOCKET | 0o600 }), request());
  const error = await new Promise((resolve) => {
    connect(join(path, 's')).once('error', resolve);
  });
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});

/** A raw client of a new export, attached as fid 0. */
async function connected(dialect: Dialect) {
  const { server, path } = exported({ specials: true });
  const [ours, theirs] = transportPair();
  new Server(server).accept(theirs);
  const peer = new RawPeer(ours);
  peer.dialect = dialect;
  const call = (message: TMessage) => peer.call(message);
  await call(version(65_536, dialect));
  await call({ ...attach(0), nUname: NONUNAME } as TMessage);
  return { path, call };
}
