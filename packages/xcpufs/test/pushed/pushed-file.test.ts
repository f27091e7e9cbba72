import { spawn } from 'node:child_process';
import {
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ModeBit } from '@xcpu/9p-protocol';
import type { OpenFile, Request, ServerFile } from '@xcpu/9p-protocol/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isRoot, lacksRoot } from '../../../../test/support/needs.js';
import { makeDirectoryAt } from '../../src/pushed/make.js';
import { PushedFile } from '../../src/pushed/pushed-file.js';
import { PushedFiles } from '../../src/pushed/pushed-files.js';
import type { Caller } from '../../src/tree/caller.js';
import type { User } from '../../src/users/users.js';
import { addUser, callerOf, makeTable, request, temporaryDirectory, textOf } from '../support.js';

const READ = 0;
const WRITE = 1;
const BOTH = 2;
/** What else a Tcreate asks for. */
const NEW = { extension: '', exclusive: true, gid: undefined };

/** As root, files belong to the session's user; else all are the daemon's own, and count as his. */
describe.each(isRoot ? [true, false] : [false])(
  'pushed files (given to the user: %s)',
  (changes) => {
    it('are made, written, read, described, renamed and removed', async () => {
      const { fs, ann, disk } = setUp(changes);
      const { file, open } = await fs.create({ name: 'f', perm: 0o4755, mode: BOTH, ...NEW }, ann);
      expect(await open.write!(0, Buffer.from('hello'), ann)).toBe(5);
      expect(await textOf(open.read!(1, 10, ann))).toBe('ello');
      await open.close!();
      expect(file.stat(ann)).toMatchObject({
        name: 'f',
        mode: 0o755,
        length: 5,
        uid: 'ann',
        gid: 'anns',
      });
      file.wstat!({ name: 'g', mode: 0o700, length: 4, mtime: 1_000 }, ann);
      expect(file.stat(ann)).toMatchObject({ name: 'g', mode: 0o700, length: 4, mtime: 1_000 });
      expect(readdirSync(disk)).toEqual(['g']);
      if (changes) expect(lstatSync(join(disk, 'g')).uid).toBe(41_001);
      file.remove!(ann);
      expect(readdirSync(disk)).toEqual([]);
    });

    it('may be in directories, which list what is in them', async () => {
      const { fs, ann, walk } = setUp(changes);
      const perm = ModeBit.DIR + 0o755;
      const { file: d } = await fs.create({ name: 'd', perm, mode: READ, ...NEW }, ann);
      for (const name of ['x', 'y']) {
        const { open } = await d.create!({ name, perm: 0o644, mode: WRITE, ...NEW }, ann);
        await open.close!();
      }
      const opened = (await (await walk('d')).open!(READ, ann)) as OpenFile<Caller>;
      const names = [...(await opened.entries!(ann))].map((stat) => stat?.name);
      expect(names.sort()).toEqual(['x', 'y']);
      await opened.close!();
      expect(() => d.remove!(ann)).toThrow(expect.objectContaining({ code: 'ENOTEMPTY' }));
    });

    it('are his and his mates’, as far as their modes say', async () => {
      const { fs, ann, bob, mate, walk } = setUp(changes);
      await make(fs, ann, 'private', 0o600);
      await make(fs, ann, 'shared', 0o640);
      expect(() => fs.walk!('shared', bob)).toThrow('permission denied');
      expect(await opens(walk, 'shared', READ, mate)).toBe(true);
      expect(await opens(walk, 'shared', WRITE, mate)).toBe(false);
      expect(await opens(walk, 'private', READ, mate)).toBe(false);
      expect(await opens(walk, 'private', BOTH, ann)).toBe(true);
      const file = await walk('shared');
      expect(() => file.wstat!({ mode: 0o777 }, mate)).toThrow('permission denied');
      expect(() => file.wstat!({ uid: 'bob' }, ann)).toThrow('permission denied');
    });

    it('do not lead out by a symbolic link', async () => {
      const { ann, disk, walk } = setUp(changes);
      const outside = temporaryDirectory();
      writeFileSync(join(outside, 'secret'), 'precious', { mode: 0o666 });
      symlinkSync(outside, join(disk, 'way'));
      symlinkSync(join(outside, 'secret'), join(disk, 'file'));
      const way = await walk('way');
      expect(() => way.walk!('secret', ann)).toThrow();
      for (const mode of [READ, WRITE, BOTH | 0x10])
        expect(await opens(walk, 'file', mode, ann)).toBe(false);
      const link = await walk('file');
      expect(() => link.wstat!({ length: 0 }, ann)).toThrow();
      expect(() => link.wstat!({ mode: 0 }, ann)).toThrow();
      expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('precious');
    });

    it('stay inside when a directory is replaced by a link under a walk', async () => {
      const { fs, ann, disk, walk } = setUp(changes);
      const perm = ModeBit.DIR + 0o755;
      const { file: d } = await fs.create({ name: 'd', perm, mode: READ, ...NEW }, ann);
      await make(d as PushedFile, ann, 'f', 0o644);
      const f = await walk('d', 'f');
      const outside = temporaryDirectory();
      writeFileSync(join(outside, 'f'), 'precious', { mode: 0o666 });
      d.wstat!({ name: 'moved' }, ann);
      symlinkSync(outside, join(disk, 'd'));
      for (const act of [
        () => f.open!(WRITE | 0x10, ann),
        () => f.remove!(ann),
        () => f.stat(ann),
      ]) {
        expect(act).toThrow();
      }
      expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('precious');
    });

    it('are files and directories only', async () => {
      const { fs, ann, disk, walk } = setUp(changes);
      for (const perm of [ModeBit.SYMLINK, ModeBit.DEVICE, ModeBit.NAMED_PIPE, ModeBit.SOCKET]) {
        expect(() =>
          fs.create({ name: 'x', perm, mode: READ, ...NEW, extension: '/etc' }, ann),
        ).toThrow('only files and directories can be made here');
      }
      expect(readdirSync(disk)).toEqual([]);
      symlinkSync('/dev/zero', join(disk, 'zero'));
      expect(await opens(walk, 'zero', READ, ann)).toBe(false);
    });

    it('have lengths that a file can have', async () => {
      const { fs, ann, walk } = setUp(changes);
      await make(fs, ann, 'f', 0o644);
      const file = await walk('f');
      expect(() => file.wstat!({ length: 2n ** 64n - 2n }, ann)).toThrow(
        expect.objectContaining({ ename: 'file too large', errno: 27 }),
      );
    });

    it('are limited in how many are open, and how deep they lie', async () => {
      const { fs, ann, disk, walk } = setUp(changes);
      await make(fs, ann, 'f', 0o644);
      const file = await walk('f');
      const opened = Array.from({ length: 256 }, () => file.open!(READ, ann) as OpenFile<Caller>);
      expect(() => file.open!(READ, ann)).toThrow('too many open files in a session (limit 256)');
      for (const open of opened) await open.close!();
      await (file.open!(READ, ann) as OpenFile<Caller>).close!();
      mkdirSync(join(disk, ...Array(200).fill('d')), { recursive: true, mode: 0o777 });
      let at: ServerFile<Caller> = fs;
      const descend = () => {
        for (;;) at = at.walk!('d', ann) as ServerFile<Caller>;
      };
      if (!changes) expect(descend).toThrow('too many directories inside each other');
    });

    it('are no more once the session is wiped, but for what is open', async () => {
      const { fs, ann, session, walk } = setUp(changes);
      await make(fs, ann, 'f', 0o644);
      const file = await walk('f');
      session.wiped = true;
      expect(() => file.open!(READ, ann)).toThrow('session wiped');
      expect(() => fs.create({ name: 'g', perm: 0, mode: READ, ...NEW }, ann)).toThrow(
        'session wiped',
      );
    });
  },
);

it.skipIf(lacksRoot())(
  'lends no right of root to a user who links somebody’s file into his directory',
  async () => {
    const { ann, disk, walk } = setUp(true);
    const secret = join(disk, '..', 'secret');
    writeFileSync(secret, 'precious', { mode: 0o600 });
    linkSync(secret, join(disk, 'mine'));
    expect(await opens(walk, 'mine', READ, ann)).toBe(false);
    expect(await opens(walk, 'mine', WRITE, ann)).toBe(false);
    const file = await walk('mine');
    expect(() => file.wstat!({ mode: 0o777 }, ann)).toThrow('permission denied');
  },
);

it.skipIf(lacksRoot())(
  'changes nobody else’s file that a user puts in the place of his own meanwhile',
  async () => {
    const { ann, disk, walk } = setUp(true);
    for (const [name, uid] of [
      ['x', 41_001],
      ['y', 41_003],
    ] as const) {
      writeFileSync(join(disk, name), '', { mode: 0o600 });
      chownSync(join(disk, name), uid, uid);
    }
    const script = `const { renameSync } = require('node:fs');
      for (;;) for (const [a, b] of [['x', 'z'], ['y', 'x'], ['z', 'y']]) renameSync(a, b);`;
    const swapper = spawn(process.execPath, ['-e', script], { cwd: disk });
    onTestFinished(() => void swapper.kill('SIGKILL'));
    const file = await walk('x');
    const changed = () =>
      readdirSync(disk).some((name) => {
        const stats = lstatSync(join(disk, name), { throwIfNoEntry: false });
        return stats?.uid === 41_003 && (stats.mode & 0o777) !== 0o600;
      });
    for (const end = Date.now() + 1_500; Date.now() < end; ) {
      try {
        file.wstat!({ mode: 0o666 }, ann);
      } catch {
        // It was the other's, or under neither name.
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    swapper.kill('SIGSTOP');
    expect(changed()).toBe(false);
  },
);

it('gives away no directory that stands in the place of the one it made', () => {
  const directory = temporaryDirectory();
  const place = { root: directory, owner: undefined };
  vi.spyOn(process, 'geteuid').mockReturnValueOnce(41_009);
  expect(() => makeDirectoryAt(place, directory, 'd', 0o755)).toThrow('replaced');
});

it('shows a user who was deleted nothing of what he pushed', async () => {
  const { ann, fs, walk } = setUp(false);
  await make(fs, ann, 'f', 0o644);
  const file = await walk('f');
  ann.user.user.deleted = true;
  expect(() => file.open!(READ, ann)).toThrow('permission denied');
  expect(() => file.wstat!({ mode: 0o777 }, ann)).toThrow('permission denied');
});

function setUp(changesOwner: boolean) {
  const table = makeTable();
  const owner = addUser(table, 'ann', 41_001);
  const bob = addUser(table, 'bob', 41_002);
  const mate = addUser(table, 'mate', 41_003);
  table.addToGroup('mate', 'anns');
  const session = {
    owner,
    wiped: false,
    checkAlive: () => {
      if (session.wiped) throw new Error('session wiped');
    },
    admit: () => {},
    acquire: () => {},
    release: () => {},
  };
  const parent = temporaryDirectory();
  mkdirSync(join(parent, 'trash'));
  const files = new PushedFiles(session, join(parent, '1'), join(parent, 'trash'), changesOwner);
  const fs = PushedFile.root(files, undefined as unknown as ServerFile<Caller>);
  const by = (user: User) => request(callerOf(table, user)) as Request<Caller>;
  const ann = by(owner);
  const walk = async (...names: string[]) => {
    let file: ServerFile<Caller> = fs;
    for (const name of names) file = (await file.walk!(name, ann)) as ServerFile<Caller>;
    return file;
  };
  return { fs, session, disk: files.root, walk, ann, bob: by(bob), mate: by(mate) };
}

async function make(fs: ServerFile<Caller>, by: Request<Caller>, name: string, perm: number) {
  const { open } = await fs.create!({ name, perm, mode: WRITE, ...NEW }, by);
  await open.close!();
}

async function opens(
  walk: (name: string) => Promise<ServerFile<Caller>>,
  name: string,
  mode: number,
  by: Request<Caller>,
): Promise<boolean> {
  const file = await walk(name);
  try {
    const open = (await file.open!(mode, by)) as OpenFile<Caller>;
    await open.close!();
    return true;
  } catch {
    return false;
  }
}
