import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CopyProgress, FileSystem } from '../../src/client/index.js';
import { encodeDirent } from '../../src/codec/dirent.js';
import { type Dialect, Errno, MessageType } from '../../src/index.js';
import { directoryQid, hostile } from '../support/hostile.js';
import { settled } from '../support/ledger.js';
import { dialects, mounted } from '../support/mounted.js';

let scratch: string;
const open: FileSystem[] = [];
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'copy-'));
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  for (const files of open.splice(0)) files.close();
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
  rmSync(scratch, { recursive: true, force: true });
});

async function fresh(dialect: Dialect): Promise<FileSystem> {
  const { files } = await mounted(dialect, undefined, { msize: 4096 });
  open.push(files);
  return files;
}

describe.each(dialects)('copying over %s', (dialect) => {
  it('takes a whole tree there and back', async () => {
    const files = await fresh(dialect);
    const source = join(scratch, 'source');
    const contents = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251));
    mkdirSync(join(source, 'a/b/empty'), { recursive: true });
    writeFileSync(join(source, 'a/big'), contents, { mode: 0o640 });
    for (let index = 0; index < 40; index++)
      writeFileSync(join(source, `a/b/f${index}`), `${index}`);
    symlinkSync('../../../../etc/passwd', join(source, 'a/link'));
    execFileSync('mkfifo', [join(source, 'pipe')]);
    const odd = Buffer.concat([Buffer.from(`${source}/odd`), Buffer.from([0xff])]);
    writeFileSync(odd, 'odd');
    utimesSync(join(source, 'a/big'), 1_000_000_000, 1_100_000_000);
    utimesSync(join(source, 'a'), 1_000_000_000, 1_200_000_000);
    const progress: CopyProgress[] = [];
    const onProgress = (step: CopyProgress) => void progress.push(step);
    const up = await files.copyIn(source, '/tree', { preserve: true, onProgress });
    const links = dialect === '9P2000' ? 0 : 1;
    expect(up).toEqual({
      files: 42,
      directories: 4,
      symlinks: links,
      bytes: 50_000 + 10 + 60 + 3,
      skipped: 2 - links,
    });
    expect(progress.filter(({ done }) => done)).toHaveLength(48);
    expect(progress).toContainEqual({
      path: '/tree/pipe',
      kind: 'pipe',
      bytes: 0,
      done: true,
      skipped: true,
    });
    expect(await files.stat('/tree/a/big')).toMatchObject({ mode: 0o640, mtimeMs: 1.1e12 });
    expect(await files.stat('/tree/a')).toMatchObject({ mtimeMs: 1.2e12 });

    const target = join(scratch, 'target');
    const down = await files.copyOut('/tree', target, { preserve: true });
    expect(down).toEqual({ ...up, skipped: 0 });
    expect(readFileSync(join(target, 'a/big')).equals(contents)).toBe(true);
    expect(statSync(join(target, 'a/big'))).toMatchObject({ mtimeMs: 1.1e12 });
    expect(statSync(join(target, 'a/big')).mode & 0o777).toBe(0o640);
    expect(statSync(join(target, 'a')).mtimeMs).toBe(1.2e12);
    expect(readdirSync(join(target, 'a/b'))).toHaveLength(41);
    expect(readdirSync(target, 'buffer').some((name) => name.includes(0xff))).toBe(true);
    if (links) expect(readlinkSync(join(target, 'a/link'))).toBe('../../../../etc/passwd');
  });

  it('overwrites what is there, both ways', async () => {
    const files = await fresh(dialect);
    const local = join(scratch, 'f');
    writeFileSync(local, 'new');
    await files.writeFile('/f', 'much longer than new');
    await files.copyIn(local, '/f');
    expect(await files.readFile('/f', 'utf8')).toBe('new');
    await files.writeFile('/f', 'newer');
    writeFileSync(local, 'much longer than newer');
    expect(await files.copyOut('/f', local)).toMatchObject({ files: 1, bytes: 5 });
    expect(readFileSync(local, 'utf8')).toBe('newer');
    mkdirSync(join(scratch, 'd'));
    writeFileSync(join(scratch, 'd/f'), '2');
    await files.mkdir('/d');
    await files.writeFile('/d/f', '1');
    await files.writeFile('/d/kept', 'x');
    await files.copyIn(join(scratch, 'd'), '/d');
    expect(await files.readFile('/d/f', 'utf8')).toBe('2');
    await files.copyOut('/d', join(scratch, 'd'));
    expect(readdirSync(join(scratch, 'd')).sort()).toEqual(['f', 'kept']);
    await files.copyIn(join(scratch, 'd'), '/');
    expect(await files.exists('/kept')).toBe(true);
  });

  it('says which path failed, and why', async () => {
    const files = await fresh(dialect);
    mkdirSync(join(scratch, 'd'));
    writeFileSync(join(scratch, 'd/f'), 'x');
    await files.mkdir('/d/f', { recursive: true });
    await expect(files.copyIn(join(scratch, 'd'), '/d')).rejects.toThrow(/^\/d\/f: /);
    await expect(files.copyOut('/d', join(scratch, 'd'))).rejects.toThrow(/d\/f: not a directory/);
    await expect(files.copyIn(join(scratch, 'none'), '/x')).rejects.toMatchObject({
      message: `${join(scratch, 'none')}: no such file or directory`,
      errno: Errno.ENOENT,
    });
    await expect(files.copyOut('/none', join(scratch, 'x'))).rejects.toMatchObject({ errno: 2 });
    await expect(files.copyOut('/d', join(scratch, 'no/x'))).rejects.toThrow('no/x: no such file');
    await files.writeFile('/g', 'x');
    await expect(files.copyIn(join(scratch, 'd'), '/g')).rejects.toThrow('/g: not a directory');
    await expect(files.copyOut('/g', join(scratch, 'd'))).rejects.toThrow('is a directory');
    await expect(files.copyOut('/', scratch, { maxEntries: 2 })).rejects.toThrow(
      'more than 2 files',
    );
    await files.writeFile('/h', 'x'.repeat(100));
    const limited = files.copyOut('/h', join(scratch, 'h'), { maxBytes: 99 });
    await expect(limited).rejects.toThrow('/h: more than 99 bytes');
  });

  it('stops when the signal aborts', async () => {
    const files = await fresh(dialect);
    for (let index = 0; index < 50; index++) await files.writeFile(`/f${index}`, 'x'.repeat(9000));
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const { signal } = controller;
    const target = join(scratch, 'out');
    await expect(files.copyOut('/', target, { signal, onProgress })).rejects.toThrow('enough');
    const there = readdirSync(target).length;
    expect(there).toBeLessThan(50);
    await settled();
    expect(readdirSync(target)).toHaveLength(there);
    await expect(files.copyIn(scratch, '/in', { signal })).rejects.toThrow('enough');
    expect(await files.readFile('/f1')).toHaveLength(9000);
  });
});

describe('copying out', () => {
  it('replaces a symbolic link at a file, and refuses one at a directory', async () => {
    const files = await fresh('9P2000.L');
    await files.mkdir('/t/d', { recursive: true });
    await files.writeFile('/t/d/f', 'new');
    await files.writeFile('/t/f', 'new');
    const outside = join(scratch, 'outside');
    const target = join(scratch, 't');
    mkdirSync(outside);
    mkdirSync(target);
    writeFileSync(join(outside, 'f'), 'mine');
    symlinkSync('../outside/f', join(target, 'f'));
    symlinkSync('../outside', join(target, 'd'));
    await expect(files.copyOut('/t', target)).rejects.toThrow('t/d: not a directory');
    expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('mine');
    rmSync(join(target, 'd'));
    await files.copyOut('/t', target);
    expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('mine');
    expect(lstatSync(join(target, 'f')).isFile()).toBe(true);
    // What the user himself names may be a link to a directory.
    symlinkSync('t', join(scratch, 'top'));
    await files.copyOut('/t', join(scratch, 'top'));
  });

  it('replaces one of several names of a file, and leaves the others theirs', async () => {
    const files = await fresh('9P2000.L');
    await files.writeFile('/f', 'new');
    const target = join(scratch, 'f');
    writeFileSync(join(scratch, 'other'), 'mine');
    linkSync(join(scratch, 'other'), target);
    await files.copyOut('/f', target);
    expect(readFileSync(target, 'utf8')).toBe('new');
    expect(readFileSync(join(scratch, 'other'), 'utf8')).toBe('mine');
    // A file's only name is kept, with the file.
    const { ino } = statSync(target);
    await files.writeFile('/f', 'n');
    await files.copyOut('/f', target);
    expect(readFileSync(target, 'utf8')).toBe('n');
    expect(statSync(target).ino).toBe(ino);
  });

  it('never takes set-id bits', async () => {
    const files = await fresh('9P2000.L');
    await files.writeFile('/f', 'x');
    await files.chmod('/f', 0o6755);
    expect((await files.stat('/f')).mode).toBe(0o6755);
    await files.copyOut('/f', join(scratch, 'f'), { preserve: true });
    expect(statSync(join(scratch, 'f')).mode & 0o7777).toBe(0o755);
  });

  /** A server of one directory with these entries; a name's qid says whether it is a link, a directory or a file. */
  const serve = (entries: readonly [name: string, kind: 'link' | 'directory' | 'file'][]) => {
    const qids = {
      link: { type: 2, version: 0, path: 2 },
      directory: { ...directoryQid, path: 3 },
      file: { type: 0, version: 0, path: 4 },
    };
    const modes = { link: 0o120777, directory: 0o040755, file: 0o104755 };
    const kinds = new Map<number, keyof typeof qids | 'root'>([]);
    const offsets = new Map<number, number>();
    let turn = 0;
    return hostile('9P2000.L', (message) => {
      switch (message.type) {
        case MessageType.Twalk: {
          const [name, next] = message.names;
          if (next !== undefined) return { type: MessageType.Rlerror, ecode: 2 };
          // Each time that the name is asked for it is another of the entries of that name.
          const same = entries.filter(([entry]) => entry === name);
          const kind =
            name === undefined
              ? (kinds.get(message.fid) ?? 'root')
              : same[turn++ % same.length]?.[1];
          if (!kind) return { type: MessageType.Rlerror, ecode: 2 };
          kinds.set(message.newfid, kind);
          return {
            type: MessageType.Rwalk,
            qids: kind === 'root' || name === undefined ? [] : [qids[kind]],
          };
        }
        case MessageType.Tgetattr: {
          const kind = kinds.get(message.fid) ?? 'root';
          const qid = kind === 'root' ? directoryQid : qids[kind];
          const mode = kind === 'root' ? 0o040755 : modes[kind];
          const zero = {
            uid: 0,
            gid: 0,
            nlink: 1,
            rdev: 0,
            size: 5,
            blksize: 0,
            blocks: 0,
            atimeSec: 0,
            atimeNsec: 0,
            mtimeSec: 0,
            mtimeNsec: 0,
            ctimeSec: 0,
            ctimeNsec: 0,
            btimeSec: 0,
            btimeNsec: 0,
            gen: 0,
            dataVersion: 0,
          };
          return { type: MessageType.Rgetattr, valid: 0x7ff, qid, attributes: { mode, ...zero } };
        }
        case MessageType.Treadlink:
          return { type: MessageType.Rreadlink, target: join(scratch, 'victim') };
        case MessageType.Treaddir: {
          const inRoot = (kinds.get(message.fid) ?? 'root') === 'root';
          const list = inRoot ? entries : ([['passwd', 'file']] as typeof entries);
          const from = Number(message.offset);
          const data = list.slice(from).map(([name, kind], index) =>
            encodeDirent({
              qid: qids[kind],
              offset: from + index + 1,
              type: kind === 'directory' ? 4 : kind === 'link' ? 10 : 8,
              name,
            }),
          );
          return { type: MessageType.Rreaddir, data: Buffer.concat(data) };
        }
        case MessageType.Tread: {
          const at = offsets.get(message.fid) ?? 0;
          offsets.set(message.fid, 5);
          return { type: MessageType.Rread, data: Buffer.from('evil!').subarray(at) };
        }
        default:
          return undefined;
      }
    });
  };

  it.each(['', '.', '..', '../x', 'a/b', '/etc/passwd', 'x\0y'])(
    'writes nothing for a file that the server calls %j',
    async (name) => {
      const { files } = await serve([[name, 'file']]);
      open.push(files);
      const target = join(scratch, 'deep/target');
      mkdirSync(target, { recursive: true });
      const copied = files.copyOut('/', target);
      if (name === '.' || name === '..') expect(await copied).toMatchObject({ files: 0 });
      else await expect(copied).rejects.toMatchObject({ kind: 'protocol' });
      expect(readdirSync(target)).toEqual([]);
      expect(readdirSync(scratch)).toEqual(['deep']);
    },
  );

  it.each([
    [['link', 'directory']],
    [['directory', 'link']],
    [['link', 'file']],
    [['file', 'link', 'directory']],
    [['link', 'file', 'directory', 'file', 'link', 'directory']],
  ] as const)('never goes through a link that it made itself: %j', async (kinds) => {
    mkdirSync(join(scratch, 'victim'));
    const { files } = await serve(kinds.map((kind) => ['same', kind]));
    open.push(files);
    await files.copyOut('/', join(scratch, 'target')).catch(() => {});
    expect(readdirSync(join(scratch, 'victim'))).toEqual([]);
    rmSync(join(scratch, 'victim'), { recursive: true });
    writeFileSync(join(scratch, 'victim'), 'mine');
    await files.copyOut('/', join(scratch, 'target')).catch(() => {});
    expect(readFileSync(join(scratch, 'victim'), 'utf8')).toBe('mine');
  });

  it('neither waits for a pipe in its way nor takes it away', async () => {
    const files = await fresh('9P2000.L');
    await files.mkdir('/d');
    for (const make of [
      () => files.writeFile('/d/x', 'x'),
      () => files.rm('/d/x').then(() => files.symlink('elsewhere', '/d/x')),
    ]) {
      await make();
      mkdirSync(join(scratch, 'd'), { recursive: true });
      const pipe = join(scratch, 'd/x');
      if (!existsSync(pipe)) execFileSync('mkfifo', [pipe]);
      await expect(files.copyOut('/d', join(scratch, 'd'))).rejects.toThrow(
        `${pipe}: is a pipe, a socket or a device`,
      );
      expect(lstatSync(pipe).isFIFO()).toBe(true);
    }
  });
});
