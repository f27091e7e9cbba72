import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type AnyMessage,
  type Dialect,
  dontTouch,
  Errno,
  encode,
  LinuxOpen,
  MessageType,
  ModeBit,
  NONUNAME,
  OpenMode,
  type TMessage,
  transportPair,
} from '../../src/index.js';
import { Server } from '../../src/server/index.js';
import { attach, clunk, create, RawPeer, read, version, walk } from '../support/raw-peer.js';
import {
  atOnce,
  errnoOf,
  everythingIn,
  exported,
  newDirectory,
  newFile,
  pushOut,
  request,
  temporary,
  text,
  walk as walked,
} from './support.js';

const T = MessageType;
const tag = 1;
const gid = NONUNAME;
const SECRET = 'what lies outside';

/** What no file is called, and what would lead out if it were taken for a path. */
const BAD_NAMES = [
  ...['', '.', '..', '/', '../secret', '../../etc/passwd', '/etc/passwd', 'd/../../secret'],
  ...['d/f', 'd/', '/d', 'out/secret', 'f\0', '\0', '..\0x', './f'],
];

type Say = (name: string) => Record<string, unknown> & { readonly type: number };

/** Each message that has a name, about fids 0 (the root), 1 (the directory d) and 2 (the file f). */
const COMMON: Record<string, Say> = {
  Twalk: (name) => ({ type: T.Twalk, fid: 0, newfid: 9, names: [name] }),
  'Twalk, later': (name) => ({ type: T.Twalk, fid: 0, newfid: 9, names: ['d', name, 'secret'] }),
};
const PLAN9: Record<string, Say> = {
  ...COMMON,
  Tcreate: (name) => ({ ...create(1, name, 0o644, OpenMode.WRITE) }),
  'Tcreate of a directory': (name) => ({ ...create(1, name, (ModeBit.DIR | 0o755) >>> 0, 0) }),
  Twstat: (name) => ({ type: T.Twstat, fid: 2, stat: { ...dontTouch, name } }),
};
const MESSAGES: Record<Dialect, Record<string, Say>> = {
  '9P2000': PLAN9,
  '9P2000.u': {
    ...PLAN9,
    'Tcreate of a symbolic link': (name) => ({
      ...create(1, name, ModeBit.SYMLINK | 0o777, 0),
      extension: '/',
    }),
    'Tcreate of a hard link': (name) => ({ ...create(1, name, ModeBit.LINK, 0), extension: '2' }),
  },
  '9P2000.L': {
    ...COMMON,
    Tlcreate: (name) => ({
      ...{ type: T.Tlcreate, fid: 1, name, flags: LinuxOpen.WRONLY | LinuxOpen.CREATE },
      ...{ mode: 0o644, gid },
    }),
    Tmkdir: (name) => ({ type: T.Tmkdir, fid: 1, name, mode: 0o755, gid }),
    Tsymlink: (name) => ({ type: T.Tsymlink, fid: 1, name, target: '/', gid }),
    Tmknod: (name) => ({ type: T.Tmknod, fid: 1, name, mode: 0o100644, major: 0, minor: 0, gid }),
    Tlink: (name) => ({ type: T.Tlink, dfid: 1, fid: 2, name }),
    Trename: (name) => ({ type: T.Trename, fid: 2, dfid: 1, name }),
    'Trenameat, from': (name) => ({
      ...{ type: T.Trenameat, olddirfid: 1, oldname: name, newdirfid: 1, newname: 'new' },
    }),
    'Trenameat, to': (name) => ({
      ...{ type: T.Trenameat, olddirfid: 0, oldname: 'f', newdirfid: 1, newname: name },
    }),
    Tunlinkat: (name) => ({ type: T.Tunlinkat, dirfid: 1, name, flags: 0 }),
    'Tunlinkat of a directory': (name) => ({ type: T.Tunlinkat, dirfid: 1, name, flags: 0x200 }),
    Txattrwalk: (name) => ({ type: T.Txattrwalk, fid: 2, newfid: 9, name }),
    Txattrcreate: (name) => ({ type: T.Txattrcreate, fid: 2, name, size: 0, flags: 0 }),
  },
};

describe.each(Object.keys(MESSAGES) as Dialect[])('in %s no name leads out', (dialect) => {
  it.each(Object.entries(MESSAGES[dialect]))('in a %s', async (title, message) => {
    const { peer, place } = await connected(dialect);
    const before = contents(place);
    for (const name of BAD_NAMES) {
      await enter(peer);
      const frame = encode({ ...message(name), tag } as AnyMessage, dialect);
      peer.bytes(Buffer.from(frame));
      const reply = await peer.next();
      if (harmless(title, name, dialect)) expect(reply.type, name).toBe(reply.type | 1);
      else expect(reply.type, `${title} ${JSON.stringify(name)}`).toSatisfy(isError);
      // Three names lead to the secret, and two at the most go anywhere.
      if (title === 'Twalk, later') expect(reply, name).not.toMatchObject({ qids: { length: 3 } });
      expect(contents(place), name).toEqual(before);
      for (const fid of [1, 2, 9]) await peer.call(clunk(fid));
    }
  });

  it('of a symbolic link, however it is gone through', async () => {
    const { peer } = await connected(dialect);
    const past = await peer.call(walk(0, 3, ['d', 'up', 'secret']));
    expect(past).toMatchObject({ qids: [{ type: 0x80 }, { type: 2 }] });
    expect(await peer.call(walk(0, 3, ['out']))).toMatchObject({ qids: [{ type: 2 }] });
    expect((await peer.call(walk(3, 4, ['secret']))).type).toSatisfy(isError);
    const opened =
      dialect === '9P2000.L'
        ? { type: T.Tlopen, tag, fid: 3, flags: 0 }
        : { type: T.Topen, tag, fid: 3, mode: 0 };
    expect((await peer.call(opened as TMessage)).type).toSatisfy(isError);
    expect((await peer.call(read(3, 0, 100))).type).toSatisfy(isError);
  });
});

describe('directories inside each other', () => {
  it('ten thousand times are reached through fids, longer than any path of the kernel’s', () => {
    const LEVELS = 10_000;
    const { root, path } = exported({ limits: { depth: LEVELS + 1, descriptors: 64 } });
    using _ = removedBySystem(join(path, 'a-directory'));
    let node = walked(root);
    for (let level = 0; level < LEVELS; level++) {
      atOnce(node.create(newDirectory('a-directory'), request())).open.close!();
      const below = walked(node, 'a-directory');
      node.release();
      node = below;
    }
    expect(node.depth).toBe(LEVELS);
    pushOut(root, path);
    // All the way anew, from the root.
    expect(node.getattr().nlink).toBe(2);
    atOnce(node.create(newDirectory('last'), request())).open.close!();
    expect(errnoOf(() => walked(node, 'last').create(newDirectory('more'), request()))).toBe(
      Errno.ELOOP,
    );
    walked(node, 'last').remove();
  }, 60_000);

  it('on disk are shown as far as the limit', () => {
    const { root, path } = exported();
    using _ = removedBySystem(join(path, 'd'));
    deep(path, 1000);
    let node = root;
    let levels = 0;
    const descend = () => {
      for (;;) {
        const below = walked(node, 'd');
        node = below;
        levels++;
      }
    };
    expect(errnoOf(descend)).toBe(Errno.ELOOP);
    expect(levels).toBe(256);
  });

  it('that renames put further down than that are no way any more', () => {
    const { root, path } = exported({ limits: { depth: 4, descriptors: 4 } });
    mkdirSync(join(path, 'a/b/c'), { recursive: true });
    mkdirSync(join(path, 'x/y/z'), { recursive: true });
    const [moved, bottom, target] = [
      walked(root, 'a'),
      walked(root, 'a', 'b', 'c'),
      walked(root, 'x', 'y', 'z'),
    ];
    moved.rename(target, 'a');
    expect(bottom.depth).toBe(6);
    pushOut(root, path);
    expect(errnoOf(() => bottom.getattr())).toBe(Errno.ELOOP);
    moved.rename(root, 'a');
    expect(bottom.getattr().nlink).toBe(2);
  });

  it('cannot be moved below themselves, however often it is tried', () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'a/b/c'), { recursive: true });
    const [a, b, c] = [walked(root, 'a'), walked(root, 'a', 'b'), walked(root, 'a', 'b', 'c')];
    for (let round = 0; round < 100; round++) {
      for (const below of [a, b, c]) {
        expect(errnoOf(() => a.rename(below, 'a'))).toBe(Errno.EINVAL);
      }
    }
    c.rename(root, 'c');
    b.rename(c, 'b');
    a.rename(b, 'a');
    expect(walked(root, 'c', 'b', 'a')).toBe(a);
    expect(existsSync(join(path, 'c/b/a'))).toBe(true);
  });

  it('cannot be moved below what was below them: the way there is another by now', () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'a/b/c'), { recursive: true });
    const [a, c] = [walked(root, 'a'), walked(root, 'a', 'b', 'c')];
    renameSync(join(path, 'a/b'), join(path, 'b'));
    expect(errnoOf(() => a.rename(c, 'a'))).toBe(Errno.ENOENT);
    mkdirSync(join(path, 'a/b'));
    expect(errnoOf(() => a.rename(c, 'a'))).toBe(Errno.ESTALE);
    c.create(newDirectory('d'), request());
    expect(existsSync(join(path, 'b/c/d'))).toBe(true);
    a.rename(walked(root, 'b', 'c'), 'a');
    expect(existsSync(join(path, 'b/c/a/b'))).toBe(true);
  });
});

describe('a directory that is moved out while a client stands in it', () => {
  it('is never the way to what lies beside it', () => {
    const place = temporary();
    mkdirSync(join(place, 'root/d/e'), { recursive: true });
    mkdirSync(join(place, 'outside'));
    writeFileSync(join(place, 'outside/secret'), SECRET);
    const { root } = exported({ limits: { descriptors: 4 } }, join(place, 'root'));
    const [d, e] = [walked(root, 'd'), walked(root, 'd', 'e')];
    renameSync(join(place, 'root/d'), join(place, 'outside/d'));
    expect(e.parent).toBe(d);
    expect(d.parent).toBe(root);
    pushOut(root, join(place, 'root'));
    // With its descriptor gone, nothing leads there any more.
    for (const node of [d, e]) expect(errnoOf(() => node.getattr())).toBe(Errno.ENOENT);
    expect(errnoOf(() => e.rename(root, 'back'))).toBe(Errno.ENOENT);
    expect(errnoOf(() => d.create(newDirectory('made'), request()))).toBe(Errno.ENOENT);
    expect(readdirSync(join(place, 'outside')).sort()).toEqual(['d', 'secret']);
    expect(readdirSync(join(place, 'outside/d'))).toEqual(['e']);
  });

  it('stays what it was to a client that was using it, as a working directory does', () => {
    const place = temporary();
    mkdirSync(join(place, 'root/d'), { recursive: true });
    mkdirSync(join(place, 'outside'));
    writeFileSync(join(place, 'outside/secret'), SECRET);
    const { root } = exported({}, join(place, 'root'));
    const d = walked(root, 'd');
    renameSync(join(place, 'root/d'), join(place, 'outside/d'));
    writeFileSync(join(place, 'outside/d/f'), 'put there later');
    expect(text(walked(d, 'f').open(OpenMode.READ))).toBe('put there later');
    d.create(newFile('g'), request());
    expect(existsSync(join(place, 'outside/d/g'))).toBe(true);
    // The way up is the one that it came, whoever tries to get to what lies beside it.
    expect(d.parent).toBe(root);
    expect(root.walk('d')).toBeUndefined();
    expect(root.walk('secret')).toBeUndefined();
  });
});

/** An empty name asks Twstat for no new one, Txattrwalk for the list; `..` (and `.`, in .L) is a way for walks alone, and stops at the root. */
function harmless(title: string, name: string, dialect: Dialect): boolean {
  if (title === 'Twstat') return name === '';
  if (title === 'Twalk, later') return true;
  return title === 'Twalk' && (name === '..' || (name === '.' && dialect === '9P2000.L'));
}

function isError(type: number): boolean {
  return type === T.Rerror || type === T.Rlerror;
}

/** A client of an export beside which a secret lies; what the export and its surroundings are made of. */
async function connected(dialect: Dialect): Promise<{ peer: RawPeer; place: string }> {
  const place = temporary();
  const path = join(place, 'root');
  mkdirSync(join(path, 'd/e'), { recursive: true });
  writeFileSync(join(place, 'secret'), SECRET);
  for (const name of ['f', 'd/f']) writeFileSync(join(path, name), 'inside');
  symlinkSync(place, join(path, 'out'));
  symlinkSync('../..', join(path, 'd/up'));
  const { server } = exported({}, path);
  const [ours, theirs] = transportPair();
  new Server(server).accept(theirs);
  const peer = new RawPeer(ours);
  peer.dialect = dialect;
  await peer.call(version(65_536, dialect));
  await peer.call(attach(0));
  return { peer, place };
}

async function enter(peer: RawPeer): Promise<void> {
  await peer.call(walk(0, 1, ['d']));
  await peer.call(walk(0, 2, ['f']));
}

function contents(path: string): Record<string, string> {
  const entries = everythingIn(path);
  return Object.fromEntries(
    entries.map((entry) => {
      const name = join(entry.parentPath, entry.name);
      return [name, entry.isFile() ? readFileSync(name, 'utf8') : ''];
    }),
  );
}

/** Removes at the end of the block what Node cannot: its paths get too long. */
function removedBySystem(path: string): Disposable {
  return { [Symbol.dispose]: () => void execFileSync('rm', ['-rf', path]) };
}

/** Makes directories called `d` inside each other, beyond the length of a path. */
function deep(path: string, levels: number): void {
  let fd = openSync(path, 'r');
  for (let level = 0; level < levels; level++) {
    const below = `/proc/self/fd/${fd}/d`;
    mkdirSync(below);
    const next = openSync(below, 'r');
    closeSync(fd);
    fd = next;
  }
  closeSync(fd);
}
