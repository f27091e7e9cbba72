import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Listener, listenTcp, listenUnix } from '@xcpu/9p-protocol';
import { type DirectoryServer, serveDirectory } from '@xcpu/9p-protocol/fs';
import { memoryServer } from '@xcpu/9p-protocol/memory';
import {
  type FileServer,
  type OpenFile,
  Server,
  SyntheticDirectory,
  SyntheticFile,
} from '@xcpu/9p-protocol/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksDiod, type Output, tool } from './diod.js';

const BIG = 24 * 2 ** 20;
const MANY = 3_000;

const skipDiod = lacksDiod();

describe.skipIf(skipDiod)("diod's clients and our server", () => {
  const big = randomBytes(BIG);
  let folder = '';
  let directory: DirectoryServer;
  let server: Server<unknown>;
  let tcp: Listener;
  let unix: Listener;
  let address = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), '9p-diod-clients-'));
    const tree = join(folder, 'tree');
    for (const path of ['', 'sub', 'sub/deeper', 'many']) mkdirSync(join(tree, path));
    writeFileSync(join(tree, 'text'), 'some text\n', { mode: 0o640 });
    writeFileSync(join(tree, 'empty'), '');
    writeFileSync(join(tree, 'big'), big);
    writeFileSync(join(tree, 'sub/deeper/file'), 'at the bottom\n');
    writeFileSync(join(tree, 'größe'), 'letters beyond ASCII\n');
    symlinkSync('text', join(tree, 'link'));
    for (let index = 0; index < MANY; index++) writeFileSync(join(tree, `many/${index}`), '');
    directory = serveDirectory(tree);
    server = new Server<unknown>(withLoadFiles(directory));
    tcp = await listenTcp({ host: '127.0.1.1', port: 0 }, (transport) => server.accept(transport));
    unix = await listenUnix({ path: join(folder, 'socket') }, (transport) =>
      server.accept(transport),
    );
    address = tcp.address.replace('!', ':');
  });

  afterAll(async () => {
    server.close();
    await tcp.close();
    await unix.close();
    directory.close();
    rmSync(folder, { recursive: true });
  });

  const ls = (...args: string[]) => tool('diodls', '-s', address, '-a', '/', ...args);
  const cat = (...args: string[]) => tool('diodcat', '-s', address, '-a', '/', ...args);

  it('diodls lists the root, hidden names and all', async () => {
    const names = words(await ls());
    expect(names.sort()).toEqual(['big', 'empty', 'größe', 'link', 'many', 'sub', 'text'].sort());
  });

  it('diodls -l shows what stat(2) does', async () => {
    const lines = String((await ls('-l')).stdout).split('\n');
    expect(lines.find((line) => line.endsWith(' text'))).toMatch(/^-rw-r-----\.?\s+1 .*\s10 /);
    expect(lines.find((line) => line.endsWith(' sub'))).toMatch(/^d/);
    expect(lines.find((line) => line.endsWith(' big'))).toContain(` ${BIG} `);
  });

  it('diodls lists a directory in many pieces', async () => {
    const names = words(await ls('-m', '4096', 'many'));
    expect(new Set(names.filter((name) => /^\d+$/.test(name))).size).toBe(MANY);
  });

  it('diodls reaches us through a Unix socket', async () => {
    const names = words(await tool('diodls', '-s', join(folder, 'socket'), '-a', '/', 'sub'));
    expect(names).toContain('deeper');
  });

  it('diodcat reads text, nothing, and what lies deeper', async () => {
    expect(String((await cat('text', 'empty', 'sub/deeper/file')).stdout)).toBe(
      'some text\nat the bottom\n',
    );
    expect(String((await cat('größe')).stdout)).toBe('letters beyond ASCII\n');
  });

  it.each(['4096', '65536', '1048600'])('diodcat reads a large file at msize %s', async (msize) => {
    const { stdout, code } = await cat('-m', msize, 'big');
    expect([code, hash(stdout)]).toEqual([0, hash(big)]);
  });

  it('eight diodcats at once get the same', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => cat('big')));
    expect(new Set(all.map(({ stdout }) => hash(stdout)))).toEqual(new Set([hash(big)]));
  });

  it('says what is wrong in the words of Linux', async () => {
    const missing = await cat('nosuch');
    expect(missing.stderr).toContain('nosuch: No such file or directory');
    expect(missing.code).not.toBe(0);
    // The client's own word for a walk that ends early.
    expect((await cat('text/x')).stderr).toContain('text/x: No such file or directory');
    // The walk to a link does not follow it, and open refuses it.
    expect((await cat('link')).stderr).toContain('Too many levels of symbolic links');
    const elsewhere = await tool('diodls', '-s', address, '-a', '/nosuch');
    expect(elsewhere.stderr).toContain('No such file or directory');
    expect((await ls('../../etc')).stderr).toContain('No such file or directory');
  });

  it.each([
    ['copies', []],
    ['attributes', ['-g']],
  ])('diodload gets its load of %s from 16 threads on one connection', async (_, options) => {
    const { stdout, stderr } = await tool('diodload', '-s', address, '-r', '1', ...options);
    const [, rate] = /diodload: (\d+) ops\/s/.exec(`${stdout}${stderr}`) ?? [];
    expect(Number(rate)).toBeGreaterThan(100);
  });

  it('diodload gets its load over large messages', async () => {
    const load = await tool('diodload', '-s', address, '-r', '1', '-m', '1048600', '-n', '4');
    const [, read] = /(\d+) rMB\/s/.exec(`${load.stdout}${load.stderr}`) ?? [];
    expect(Number(read)).toBeGreaterThan(10);
  });

  it('files in memory are served as well', async () => {
    const memory = new Server(memoryServer());
    const listener = await listenTcp({ host: '127.0.1.1', port: 0 }, (transport) =>
      memory.accept(transport),
    );
    const at = listener.address.replace('!', ':');
    const { code, stderr } = await tool('diodls', '-s', at, '-a', '/', '-l');
    expect([code, stderr]).toEqual([0, '']);
    memory.close();
    await listener.close();
  });
});

/** The directory, and the two files that diodload expects under the name of `ctl`. */
function withLoadFiles(directory: DirectoryServer): FileServer<unknown> {
  const owner = { uid: 'root', gid: 'root' };
  const ctl = new SyntheticDirectory({ name: '/', mode: 0o555, ...owner });
  ctl.add(new LoadFile({ name: 'zero', mode: 0o666, ...owner }));
  ctl.add(new LoadFile({ name: 'null', mode: 0o666, ...owner }));
  return {
    byteNames: true,
    attach: (login, auth, request) =>
      login.aname === 'ctl' ? { root: ctl, user: '' } : directory.attach(login, auth, request),
  } as FileServer<unknown>;
}

/** Zeros without end, and room for whatever is written. */
class LoadFile extends SyntheticFile {
  static readonly #zeros = new Uint8Array(2 ** 20);

  override open(): OpenFile {
    return {
      read: (_offset, count) => LoadFile.#zeros.subarray(0, count),
      write: (_offset, data) => data.length,
    };
  }

  /** open(2) with O_TRUNC asks for it. */
  setattr(): void {}
}

function words({ stdout }: Output): string[] {
  return String(stdout).split(/\s+/).filter(Boolean);
}

function hash(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
