import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileSystem, linux, mount } from '../../src/client/index.js';
import { type Dialect, Errno, LinuxOpen, NinePError, transportPair } from '../../src/index.js';
import { serveTree } from '../../src/server/index.js';
import { Ledger, ledgerServer, settled } from '../support/ledger.js';
import { dialects, mounted, served } from '../support/mounted.js';

const open: FileSystem[] = [];
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  for (const files of open.splice(0)) files.close();
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

async function fresh(dialect: Dialect, msize?: number): Promise<FileSystem> {
  const { files } = await mounted(dialect, undefined, msize === undefined ? {} : { msize });
  open.push(files);
  return files;
}

describe.each(dialects)('files over %s', (dialect) => {
  const hasLinks = dialect !== '9P2000';
  const isLinux = dialect === '9P2000.L';

  it('are written and read whole, as bytes and as text', async () => {
    const files = await fresh(dialect);
    expect(files.client.dialect).toBe(dialect);
    await files.writeFile('/a', 'grüße\n');
    expect(await files.readFile('a', 'utf8')).toBe('grüße\n');
    expect(await files.readFile('/a', { encoding: 'latin1' })).toHaveLength(8);
    expect(await files.readFile('//./x/../a')).toEqual(Buffer.from('grüße\n'));
    await files.writeFile('/a', 'x');
    expect(await files.readFile('/a', 'utf8')).toBe('x');
  });

  it('larger than many messages go both ways in order', async () => {
    const files = await fresh(dialect, 4096);
    const contents = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    await files.writeFile('/big', contents);
    expect((await files.readFile('/big')).equals(contents)).toBe(true);
    async function* pieces() {
      for (let at = 0; at < contents.length; at += 777) yield contents.subarray(at, at + 777);
    }
    await files.writeFile('/too', pieces());
    expect((await files.readFile('/too')).equals(contents)).toBe(true);
    expect((await files.stat('/too')).size).toBe(100_000);
    await expect(files.readFile('/too', { limit: 99_999 })).rejects.toMatchObject({
      message: '/too: file longer than 99999 bytes',
      errno: Errno.EFBIG,
    });
  });

  it('are appended to, made exclusively, and never made by r+', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/log', 'one\n', { flag: 'a' });
    await files.writeFile('/log', 'two\n', { flag: 'a' });
    expect(await files.readFile('/log', 'utf8')).toBe('one\ntwo\n');
    await expect(files.writeFile('/log', 'x', { flag: 'wx' })).rejects.toMatchObject({
      errno: Errno.EEXIST,
    });
    await expect(files.writeFile('/none', 'x', { flag: 'r+' })).rejects.toMatchObject({
      errno: Errno.ENOENT,
    });
    await files.writeFile('/log', 'ONE', { flag: 'r+' });
    expect(await files.readFile('/log', 'utf8')).toBe('ONE\ntwo\n');
    await files.writeFile('/new', 'x', { flag: 'wx', mode: 0o600 });
    expect((await files.stat('/new')).mode).toBe(0o600);
  });

  it('tell what they are in one shape', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/f', 'four', { mode: 0o640 });
    const stat = await files.stat('/f');
    expect(stat).toMatchObject({ kind: 'file', mode: 0o640, size: 4 });
    expect(Math.abs(stat.mtimeMs - Date.now())).toBeLessThan(60_000);
    expect(stat.mtimeNs / 1_000_000n).toBe(BigInt(Math.floor(stat.mtimeMs)));
    expect(typeof stat.uid).toBe(hasLinks ? 'number' : 'undefined');
    expect(typeof stat.user).toBe(isLinux ? 'undefined' : 'string');
    expect(stat.nlink).toBe(isLinux ? 1 : undefined);
    expect(await files.stat('/')).toMatchObject({ kind: 'directory' });
    expect([
      await files.exists('/f'),
      await files.exists('/g'),
      await files.exists('/f/g'),
    ]).toEqual([true, false, false]);
  });

  it('are changed in mode, size and times', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/f', 'four');
    await files.chmod('/f', 0o604);
    await files.truncate('/f', 2);
    await files.utimes('/f', undefined, new Date(1_000_000_000_000));
    expect(await files.stat('/f')).toMatchObject({ mode: 0o604, size: 2, mtimeMs: 1e12 });
    await files.utimes('/f', undefined, 1_234_567_890_123_456_789n);
    const { mtimeNs } = await files.stat('/f');
    expect(mtimeNs).toBe(isLinux ? 1_234_567_890_123_456_789n : 1_234_567_890_000_000_000n);
    await files.utimes('/f', undefined, 'now');
    expect((await files.stat('/f')).mtimeMs).toBeGreaterThan(1.5e12);
    if (isLinux) {
      await files.utimes('/f', 1.5, 2.25);
      expect(await files.stat('/f')).toMatchObject({ atimeMs: 1500, mtimeMs: 2250 });
      await expect(files.chown('/f', 'nobody', undefined)).rejects.toThrow('by number only');
    }
    if (hasLinks) {
      await files.chown('/f', undefined, 0);
      expect((await files.stat('/f')).gid).toBe(0);
    } else {
      await expect(files.chown('/f', 1, undefined)).rejects.toThrow('by name only');
    }
  });

  it('in directories are listed with their kinds, and on request with all about them', async () => {
    const files = await fresh(dialect, 512);
    await files.mkdir('/d/e/f', { recursive: true });
    await files.mkdir('/d/e', { recursive: true });
    await expect(files.mkdir('/d/e')).rejects.toMatchObject({ errno: Errno.EEXIST });
    await expect(files.mkdir('/x/y')).rejects.toMatchObject({ errno: Errno.ENOENT });
    for (let index = 0; index < 50; index++) await files.writeFile(`/d/file${index}`, 'x');
    await expect(files.mkdir('/d/file0', { recursive: true })).rejects.toThrow('not a directory');
    const entries = await files.readdir('/d');
    expect(entries).toHaveLength(51);
    expect(entries.find(({ name }) => name === 'e')).toMatchObject({ kind: 'directory' });
    expect(entries.filter(({ kind }) => kind === 'file')).toHaveLength(50);
    const stats = await files.readdir('/d', { stat: true });
    expect(stats.map(({ name }) => name).sort()).toEqual(entries.map(({ name }) => name).sort());
    for (const { stat, kind } of stats) expect(stat!.size).toBe(kind === 'file' ? 1 : stat!.size);
    await expect(files.readdir('/d', { limit: 50 })).rejects.toThrow(
      '/d: directory of more than 50',
    );
    let first: string | undefined;
    for await (const { name } of files.entries('/d')) {
      first = name;
      break;
    }
    expect(entries.map(({ name }) => name)).toContain(first);
    await expect(files.readdir('/d/file1')).rejects.toThrow('/d/file1: not a directory');
  });

  it('are removed, alone and with all below them', async () => {
    const files = await fresh(dialect);
    await files.mkdir('/d/e', { recursive: true });
    await files.writeFile('/d/e/f', 'x');
    await files.writeFile('/d/g', 'x');
    await expect(files.rm('/d')).rejects.toMatchObject({ errno: Errno.ENOTEMPTY });
    await files.rm('/d/g');
    await files.rm('/d', { recursive: true });
    expect(await files.readdir('/')).toEqual([]);
    await expect(files.rm('/d')).rejects.toMatchObject({ errno: Errno.ENOENT });
    await files.rm('/d', { force: true });
    await expect(files.rm('/..')).rejects.toThrow('/..: the root stays');
  });

  it('are renamed', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/a', 'x');
    await files.rename('/a', '/b');
    expect(await files.readFile('/b', 'utf8')).toBe('x');
    await files.mkdir('/d');
    const across = files.rename('/b', '/d/c');
    if (isLinux) {
      await across;
      expect(await files.readFile('/d/c', 'utf8')).toBe('x');
    } else {
      await expect(across).rejects.toMatchObject({ errno: Errno.EXDEV });
    }
    await expect(files.rename('/none', '/b')).rejects.toThrow(/^\/none: /);
    await expect(files.rename('/d', '/x/y')).rejects.toThrow(/^\/x\/y: /);
  });

  it('are found through symbolic links, relative, absolute and in the middle', async () => {
    const files = await fresh(dialect);
    await files.mkdir('/d/e', { recursive: true });
    await files.writeFile('/d/e/f', 'found');
    if (!hasLinks) {
      await expect(files.symlink('d', '/l')).rejects.toMatchObject({ errno: Errno.EOPNOTSUPP });
      await expect(files.readlink('/d')).rejects.toMatchObject({ errno: Errno.EOPNOTSUPP });
      return;
    }
    await files.symlink('d/e', '/rel');
    await files.symlink('/d/e/f', '/d/abs');
    await files.symlink('../../rel/../e/f', '/d/e/up');
    await files.symlink('loop', '/loop');
    await files.symlink('nowhere', '/dangling');
    expect(await files.readFile('/rel/f', 'utf8')).toBe('found');
    expect(await files.readFile('/d/abs', 'utf8')).toBe('found');
    expect(await files.readFile('/rel/up', 'utf8')).toBe('found');
    expect(await files.readlink('/rel')).toBe('d/e');
    expect(await files.stat('/rel')).toMatchObject({ kind: 'directory' });
    expect(await files.stat('/rel', { follow: false })).toMatchObject({ kind: 'symlink' });
    expect((await files.readdir('/')).find(({ name }) => name === 'rel')?.kind).toBe('symlink');
    await expect(files.stat('/loop')).rejects.toMatchObject({ errno: Errno.ELOOP });
    await expect(files.readlink('/d')).rejects.toMatchObject({ errno: Errno.EINVAL });
    await expect(files.readFile('/dangling')).rejects.toMatchObject({ errno: Errno.ENOENT });
    await files.writeFile('/dangling', 'made where it leads');
    expect(await files.readFile('/nowhere', 'utf8')).toBe('made where it leads');
    await files.rm('/rel');
    expect(await files.exists('/d/e/f')).toBe(true);
    await expect(files.writeFile('/loop', 'x')).rejects.toMatchObject({ errno: Errno.ELOOP });
  });

  it('get more names', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/a', 'x');
    if (!hasLinks) {
      await expect(files.link('/a', '/b')).rejects.toMatchObject({ errno: Errno.EOPNOTSUPP });
      return;
    }
    await files.link('/a', '/b');
    await files.writeFile('/b', 'shared');
    expect(await files.readFile('/a', 'utf8')).toBe('shared');
    expect((await files.stat('/a')).qid.path).toBe((await files.stat('/b')).qid.path);
  });

  it('whose names are not UTF-8 are files like any other', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/plain', 'x');
    await files.writeFile('/b\udcffd', 'odd').catch((error: unknown) => error);
    const names = (await files.readdir('/')).map(({ name }) => name);
    expect(names).toContain('plain');
    if (names.includes('b\udcffd')) {
      expect(await files.readFile('/b\udcffd', 'utf8')).toBe('odd');
      await files.rm('/b\udcffd');
    }
  });

  it('name the path and the reason in their errors', async () => {
    const files = await fresh(dialect);
    await files.writeFile('/f', 'x');
    const error = await files.readFile('/f/g/h').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NinePError);
    expect((error as NinePError).message).toMatch(/^\/f\/g\/h: /);
    await expect(files.readFile('/no/such')).rejects.toMatchObject({ errno: Errno.ENOENT });
    await expect(files.writeFile('/', 'x')).rejects.toThrow(/^\/: /);
    await expect(files.stat('/a\0b')).rejects.toThrow('NUL');
    await expect(files.stat('a/'.repeat(3000))).rejects.toMatchObject({
      errno: Errno.ENAMETOOLONG,
    });
  });

  it('leave no fid behind, whatever fails', async () => {
    const files = await fresh(dialect);
    await files.mkdir('/d');
    await files.writeFile('/d/f', 'x');
    await settled();
    const before = files.client.takeFid();
    files.client.freeFid(before);
    const tries = [
      files.readFile('/d'),
      files.readFile('/none'),
      files.open('/d'),
      files.writeFile('/d', 'x'),
      files.mkdir('/d'),
      files.rename('/d/f', '/none/x'),
      files.rm('/d'),
      files.symlink('x', '/d/f'),
      files.readdir('/d/f'),
      files.statfs('/none'),
      files.chmod('/d/none', 0),
      files.open('/d/f', 'wx'),
    ];
    for (const outcome of await Promise.allSettled(tries)) expect(outcome.status).toBe('rejected');
    await files.readdir('/', { stat: true });
    await settled();
    const numbers = Array.from({ length: 40 }, () => files.client.takeFid());
    expect(new Set(numbers).size).toBe(40);
    // Everything was given back: the numbers in use are those of the root alone.
    expect(numbers).not.toContain(files.root.number);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(45);
  });

  it('give up when a signal aborts', async () => {
    const files = await fresh(dialect);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(files.readFile('/f', { signal })).rejects.toThrow('enough');
    await expect(files.writeFile('/f', 'x', { signal })).rejects.toThrow('enough');
    await expect(files.readdir('/', { signal })).rejects.toThrow('enough');
    await expect(files.mkdir('/d', { recursive: true, signal })).rejects.toThrow('enough');
    await expect(files.rm('/d', { recursive: true, signal })).rejects.toThrow('enough');
    await expect(files.stat('/', { signal })).rejects.toThrow('enough');
    await expect(files.copyOut('/', '/nonexistent/x', { signal })).rejects.toThrow('enough');
  });
});

describe('an open file', () => {
  it.each(dialects)('is read and written by place, cut, synced and closed: %s', async (dialect) => {
    const files = await fresh(dialect);
    const file = await files.open('/f', 'w+');
    await file.write(0, Buffer.from('0123456789'));
    await file.write(8, Buffer.from('xyz'));
    expect(Buffer.from(await file.read(7, 100)).toString()).toBe('7xyz');
    await file.truncate(5);
    expect(await file.stat()).toMatchObject({ size: 5, kind: 'file' });
    await file.sync();
    await file.sync({ dataOnly: true });
    await file.change({ mode: 0o600 });
    await file.close();
    await file.close();
    expect((await files.stat('/f')).mode).toBe(0o600);
    const disposed = await files.open('/f');
    await disposed[Symbol.asyncDispose]();
    await expect(disposed.read(0, 1)).rejects.toThrow(/^\/f: /);
  });

  it.each(dialects)('is a Node stream both ways, with back-pressure: %s', async (dialect) => {
    const files = await fresh(dialect, 1024);
    const contents = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251));
    await pipeline(
      Readable.from([contents.subarray(0, 7000), contents.subarray(7000)]),
      (await files.open('/f', 'w')).createWriteStream(),
    );
    await pipeline(
      (await files.open('/f')).createReadStream({ start: 10, end: 19_990 }),
      (await files.open('/g', 'w')).createWriteStream({ start: 10 }),
    );
    expect((await files.readFile('/g')).subarray(10).equals(contents.subarray(10, 19_990))).toBe(
      true,
    );
    const stream = (await files.open('/f')).createReadStream();
    stream.once('data', () => stream.destroy());
    await new Promise((resolve) => stream.once('close', resolve));
    const failing = (await files.open('/f')).createReadStream({ signal: AbortSignal.abort() });
    await expect(failing.toArray()).rejects.toThrow();
  });

  it.each(dialects)('is a web stream both ways: %s', async (dialect) => {
    const files = await fresh(dialect, 1024);
    const contents = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251));
    await files.writeFile('/f', contents);
    const from = await files.open('/f');
    const to = await files.open('/g', 'w');
    await from.readable().pipeTo(to.writable());
    expect((await files.readFile('/g')).equals(contents)).toBe(true);
    await expect(to.write(0, Buffer.from('x'))).rejects.toThrow('/g: ');
    const cancelled = (await files.open('/f')).readable();
    const reader = cancelled.getReader();
    await reader.read();
    await reader.cancel();
    await files.writeFile('/h', (await files.open('/f')).readable());
    expect((await files.readFile('/h')).equals(contents)).toBe(true);
    const log = await files.open('/h', 'a');
    const writer = log.writable().getWriter();
    await writer.write(Buffer.from('end'));
    await writer.close();
    expect((await files.readFile('/h')).subarray(20_000).toString()).toBe('end');
    const aborted = (await files.open('/h', 'w')).writable().getWriter();
    await aborted.abort();
  });

  it('that waits is read as it comes, and a destroyed stream cancels the read', async () => {
    let waiting = 0;
    const cancelled: string[] = [];
    const events = {
      stream: true,
      read: (offset: number, _count: number, request: { signal: AbortSignal }) => {
        if (offset === 0) return Buffer.from('first\n');
        waiting++;
        return new Promise<never>((_, reject) => {
          request.signal.addEventListener('abort', () => {
            cancelled.push('read');
            reject(request.signal.reason);
          });
        });
      },
    };
    const ledger = new Ledger();
    const server = ledgerServer({ children: { events: { open: events as never } } }, ledger);
    const { files } = await mounted('9P2000.u', server as never);
    open.push(files);
    const stream = (await files.open('/events')).createReadStream();
    expect(String((await new Promise((resolve) => stream.once('data', resolve))) as Buffer)).toBe(
      'first\n',
    );
    await settled();
    expect(waiting).toBe(1);
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    await settled();
    expect(cancelled).toEqual(['read']);
    expect(ledger.closed).toBe(1);
  });
});

describe('9P2000.L', () => {
  it('has its requests one by one', async () => {
    const files = await fresh('9P2000.L');
    const root = files.root;
    const file = await root.walk([]);
    await linux.lcreate(file, 'f', LinuxOpen.RDWR | LinuxOpen.EXCL, 0o644);
    await file.writeAll(Buffer.from('text'));
    await linux.fsync(file);
    await linux.mkdir(root, 'd', 0o755, { gid: 0 });
    const d = await root.walk('d');
    await linux.link(d, file, 'g');
    await linux.renameat(d, 'g', root, 'h');
    await linux.symlink(root, 'l', 'h');
    expect(await linux.readlink(await root.walk('l'))).toBe('h');
    const { attributes } = await linux.getattr(file);
    expect(attributes).toMatchObject({ size: 4, nlink: 2 });
    const directory = await linux.lopen(await root.walk([]), LinuxOpen.RDONLY);
    const names = (await linux.readdir(directory, 0, 8000)).map(({ name }) => name);
    expect(names.sort()).toEqual(['.', '..', 'd', 'f', 'h', 'l']);
    await linux.unlinkat(root, 'h');
    expect((await files.statfs('/')).namelen).toBeGreaterThan(0);
    const walked = await root.walk('f');
    await linux.setXattr(walked, 'user.a', Buffer.from('value'));
    expect((await linux.getXattr(walked, 'user.a')).toString()).toBe('value');
    expect(await linux.listXattrs(walked)).toEqual(['user.a']);
    await linux.removeXattr(walked, 'user.a');
    expect(await linux.listXattrs(walked)).toEqual([]);
    await expect(linux.getXattr(walked, 'user.a')).rejects.toMatchObject({ errno: Errno.ENODATA });
  });

  it('is not asked for over a lesser dialect', async () => {
    const files = await fresh('9P2000.u');
    await expect(linux.getattr(files.root)).rejects.toThrow('9P2000.u has no such request');
    await expect(linux.unlinkat(files.root, 'x')).rejects.toMatchObject({ errno: 95 });
    await expect(files.statfs()).rejects.toMatchObject({ errno: 95 });
  });
});

describe('mounting', () => {
  it('takes the richest dialect that both speak', async () => {
    for (const dialect of dialects) {
      const tree = {
        ...serveTree({ motd: 'hello' }),
        dialects: dialects.slice(0, dialects.indexOf(dialect) + 1),
      };
      const files = await mount(served(tree as never), { uname: 'me' });
      open.push(files);
      expect(files.client.dialect).toBe(dialect);
      expect(await files.readFile('motd', 'utf8')).toBe('hello');
      expect(await files.readdir('/')).toMatchObject([{ name: 'motd', kind: 'file' }]);
    }
  });

  it('says who the user is without being told', async () => {
    const seen: unknown[] = [];
    const { attach } = serveTree({});
    const server = {
      attach: (login: never, auth: never, request: never) => {
        seen.push(login);
        return attach(login, auth, request);
      },
    };
    open.push(await mount(served(server as never)));
    expect(seen).toMatchObject([{ uname: expect.stringMatching(/./), nUname: process.getuid?.() }]);
  });

  it('proves who the user is where the server wants it, and not where it does not', async () => {
    const tree = serveTree({ motd: 'hello' });
    const proofs: string[] = [];
    const guarded = {
      auth: () => ({
        qid: { type: 8, version: 0, path: 1 },
        write: (_: number, data: Uint8Array) => {
          proofs.push(String(Buffer.from(data)));
          return data.length;
        },
      }),
      attach: (login: never, auth: unknown, request: never) => {
        if (!auth || proofs.length === 0) throw new NinePError('prove it', Errno.EACCES);
        return tree.attach(login, undefined, request);
      },
    };
    const authenticate = async (afid: { write(offset: number, data: Uint8Array): unknown }) => {
      await afid.write(0, Buffer.from('secret'));
    };
    const files = await mount(served(guarded as never), { uname: 'me', authenticate });
    open.push(files);
    expect(proofs).toEqual(['secret']);
    expect(await files.exists('motd')).toBe(true);
    const unproven = await mount(served(tree as never), { uname: 'me', authenticate });
    open.push(unproven);
    expect(proofs).toHaveLength(1);
    proofs.length = 0;
    await expect(mount(served(guarded as never), { uname: 'me' })).rejects.toMatchObject({
      errno: Errno.EACCES,
    });
    const failing = async () => {
      throw new Error('no key');
    };
    const refused = mount(served(guarded as never), { uname: 'me', authenticate: failing });
    await expect(refused).rejects.toThrow('no key');
  });

  it('gives up when the signal aborts, and tells when it is over', async () => {
    const [ours, theirs] = transportPair();
    const controller = new AbortController();
    const mounting = mount(ours, { signal: controller.signal });
    mounting.catch(() => {});
    await settled();
    controller.abort(new Error('enough'));
    await expect(mounting).rejects.toThrow('enough');
    theirs.destroy();
    const { files, server } = await mounted('9P2000.L');
    const [connection] = server.connections;
    expect(connection).toBeDefined();
    server.close();
    expect(await files.closed).toMatchObject({ kind: 'closed' });
    await expect(files.readFile('/x')).rejects.toMatchObject({ kind: 'closed' });
    const { files: disposed } = await mounted('9P2000.L');
    await disposed[Symbol.asyncDispose]();
    expect(disposed.client.closed).toBeDefined();
  });
});
