import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LocalFile } from '../../src/fs/local-file.js';
import { Errno, MessageType, OpenMode, transportPair } from '../../src/index.js';
import { Server } from '../../src/server/index.js';
import { settled } from '../support/ledger.js';
import { RawPeer, walk as walkRequest } from '../support/raw-peer.js';
import {
  errnoOf,
  exported,
  newFile,
  openDescriptors,
  pushOut,
  request,
  temporary,
  text,
  walk,
} from './support.js';

describe('the way to a file', () => {
  it('is one node for all fids, forgotten with the last', () => {
    const { root, path, server } = exported();
    mkdirSync(join(path, 'a/b'), { recursive: true });
    writeFileSync(join(path, 'a/b/f'), '');
    const [one, two] = [walk(root, 'a', 'b', 'f'), walk(root, 'a', 'b', 'f')];
    expect(one).toBe(two);
    expect(server.nodes).toBe(3);
    one.release();
    expect(server.nodes).toBe(3);
    two.release();
    // The directories stay as long as their descriptors.
    expect(server.nodes).toBe(2);
    expect(walk(root, 'a', 'b', 'f')).not.toBe(one);
  });

  it('takes no more nodes and descriptors than it may', () => {
    const { root, path, server } = exported({ limits: { descriptors: 4 } });
    for (let index = 0; index < 50; index++) {
      mkdirSync(join(path, `d${index}`));
      writeFileSync(join(path, `d${index}/f`), String(index));
    }
    const before = openDescriptors();
    const files = Array.from({ length: 50 }, (_, index) => walk(root, `d${index}`, 'f'));
    expect(server.nodes).toBe(100);
    for (const [index, file] of files.entries()) {
      expect(file.getattr().size).toBe(String(index).length);
    }
    expect(server.descriptors).toBe(4);
    expect(openDescriptors() - before).toBeLessThanOrEqual(4);
    for (const file of files) file.release();
    expect(server.nodes).toBeLessThanOrEqual(4);
  });

  it('has limits', () => {
    const { root, path } = exported({ limits: { nodes: 3, depth: 3, openFiles: 1 } });
    mkdirSync(join(path, 'a/b/c/d'), { recursive: true });
    const deep = walk(root, 'a', 'b', 'c');
    expect(errnoOf(() => deep.walk('d'))).toBe(Errno.ENFILE);
    deep.release();
    const shallow = exported({ limits: { depth: 2, openFiles: 1 } }, path).root;
    expect(errnoOf(() => walk(shallow, 'a', 'b', 'c'))).toBe(Errno.ELOOP);
    const bottom = walk(shallow, 'a', 'b');
    expect(errnoOf(() => bottom.create(newFile('f'), request()))).toBe(Errno.ELOOP);
    expect(existsSync(join(path, 'a/b/f'))).toBe(false);
    writeFileSync(join(path, 'f'), '');
    expect(errnoOf(() => walk(shallow, 'f').rename(bottom, 'f'))).toBe(Errno.ELOOP);
    const open = shallow.open(OpenMode.READ);
    expect(errnoOf(() => shallow.open(OpenMode.READ))).toBe(Errno.EMFILE);
    expect(errnoOf(() => shallow.create(newFile('g'), request()))).toBe(Errno.EMFILE);
    open.close!();
    shallow.open(OpenMode.READ).close!();
  });

  it('needs no descriptor for each of 50,000 fids', () => {
    const { root, path, server } = exported();
    fillWithLinks(path);
    const before = openDescriptors();
    const files: LocalFile[] = [];
    for (let index = 0; index < LINKS; index++) files.push(walk(root, ...linkAt(index)));
    expect(new Set(files).size).toBe(LINKS);
    expect(server.nodes).toBe(LINKS + 500);
    expect(openDescriptors() - before).toBeLessThan(300);
    for (let index = 0; index < LINKS; index += 997) files[index]!.getattr();
    expect(openDescriptors() - before).toBeLessThan(300);
    for (const file of files) file.release();
    expect(server.nodes).toBeLessThan(300);
  }, 120_000);

  it('lets one connection have them all', async () => {
    const { path, server } = exported();
    fillWithLinks(path);
    const [ours, theirs] = transportPair();
    new Server(server).accept(theirs);
    const peer = await new RawPeer(ours).open();
    const before = openDescriptors();
    for (let index = 0; index < LINKS; index += 500) {
      const walks = Array.from({ length: 500 }, (_, at) =>
        walkRequest(0, index + at + 1, linkAt(index + at), at),
      );
      peer.send(...walks);
      const answers = [...(await peer.answers(500)).values()];
      expect(answers.filter(({ type }) => type === MessageType.Rwalk)).toHaveLength(500);
    }
    expect(openDescriptors() - before).toBeLessThan(300);
    peer.transport.destroy();
    await settled();
    expect(server.nodes).toBeLessThan(300);
  }, 120_000);
});

const LINKS = 50_000;

/** 500 directories of 100 files. */
function fillWithLinks(path: string): void {
  for (let index = 0; index < 500; index++) {
    mkdirSync(join(path, `d${index}`));
    writeFileSync(join(path, `d${index}/0`), '');
    for (let file = 1; file < 100; file++) {
      linkSync(join(path, `d${index}/0`), join(path, `d${index}/${file}`));
    }
  }
}

function linkAt(index: number): [string, string] {
  return [`d${index % 500}`, `${Math.floor(index / 500)}`];
}

describe('fids', () => {
  it('follow a rename, of a directory above too', () => {
    const { root, path } = exported({ limits: { descriptors: 4 } });
    mkdirSync(join(path, 'a/b/c'), { recursive: true });
    mkdirSync(join(path, 'x'));
    writeFileSync(join(path, 'a/b/c/f'), 'old');
    const file = walk(root, 'a', 'b', 'c', 'f');
    const open = file.open(OpenMode.READ_WRITE);
    const directory = walk(root, 'a', 'b');
    const target = walk(root, 'x');
    directory.rename(target, 'y');
    file.rename(walk(root, 'x', 'y'), 'g');
    file.setattr({ size: 2 });
    expect(readFileSync(join(path, 'x/y/g'), 'utf8')).toBe('ol');
    expect(directory.parent).toBe(target);
    expect(file.parent).toBe(directory);
    expect(file.stat().name).toBe('g');
    expect(text(open)).toBe('ol');
    open.close!();
    // Descriptors of others push out all that there are: the way is found again by the new names.
    pushOut(root, path);
    expect(file.getattr().size).toBe(2);
    expect(walk(root, 'x', 'y', 'g')).toBe(file);
    expect(root.walk('a')?.walk('b')).toBeUndefined();
    expect(text(walk(directory, 'g').open(OpenMode.READ))).toBe('ol');
  });

  it('of a replaced file are not those of the new one', () => {
    const { root, path } = exported();
    for (const name of ['old', 'new']) writeFileSync(join(path, name), name);
    const [before, after] = [walk(root, 'old'), walk(root, 'new')];
    after.rename(root, 'old');
    expect(errnoOf(() => before.getattr())).toBe(Errno.ENOENT);
    expect(errnoOf(() => before.remove())).toBe(Errno.ENOENT);
    expect(walk(root, 'old')).toBe(after);
    expect(existsSync(join(path, 'old'))).toBe(true);
  });

  it('of a file that others replaced are stale', () => {
    const { root, path } = exported({ limits: { descriptors: 4 } });
    writeFileSync(join(path, 'f'), 'first');
    const file = walk(root, 'f');
    pushOut(root, path);
    renameSync(join(path, 'f'), join(path, 'elsewhere'));
    expect(errnoOf(() => file.getattr())).toBe(Errno.ENOENT);
    writeFileSync(join(path, 'f'), 'second');
    for (const run of [
      () => file.getattr(),
      () => file.open(OpenMode.READ),
      () => file.setattr({ size: 0 }),
      () => file.remove(),
      () => file.rename(root, 'g'),
    ]) {
      expect(errnoOf(run)).toBe(Errno.ESTALE);
    }
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('second');
    expect(text(walk(root, 'f').open(OpenMode.READ))).toBe('second');
  });

  it('hold no space of a file that the server removed', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), 'x');
    const before = openDescriptors();
    const file = walk(root, 'f');
    walk(root, 'f').remove();
    expect(openDescriptors()).toBe(before);
    file.release();
  });

  it('that were let go long ago still work', () => {
    const { root, path, server } = exported({ limits: { descriptors: 4 } });
    writeFileSync(join(path, 'f'), 'x');
    // As a middleware that waits between the walk and the fid.
    const early = root.walk('f')!;
    pushOut(root, path);
    const late = walk(root, 'f');
    early.acquire();
    expect(early.getattr().size).toBe(1);
    late.release();
    early.release();
    expect(server.nodes).toBeLessThanOrEqual(8 + 4);
  });
});

describe('between two directories', () => {
  it('that are farther apart than there are descriptors, files are moved and linked', () => {
    const { root, path } = exported({ limits: { descriptors: 4 } });
    const [one, two] = ['a/b/c/d/e/f', 'p/q/r/s/t/u'];
    for (const way of [one, two]) mkdirSync(join(path, way), { recursive: true });
    writeFileSync(join(path, one, 'file'), 'x');
    const file = walk(root, ...one.split('/'), 'file');
    const [from, to] = [walk(root, ...one.split('/')), walk(root, ...two.split('/'))];
    pushOut(root, path);
    to.link(file, 'linked');
    pushOut(root, path, 'more');
    file.rename(to, 'moved');
    expect(existsSync(join(path, two, 'linked'))).toBe(true);
    expect(existsSync(join(path, two, 'moved'))).toBe(true);
    pushOut(root, path, 'most');
    file.rename(from, 'back');
    expect(existsSync(join(path, one, 'back'))).toBe(true);
  });
});

describe('nothing leads out', () => {
  it('by links, or by directories that became links', () => {
    const outside = temporary();
    mkdirSync(join(outside, 'sub'));
    writeFileSync(join(outside, 'secret'), 'secret');
    const { root, path } = exported({ limits: { descriptors: 4 } });
    mkdirSync(join(path, 'd/sub'), { recursive: true });
    symlinkSync(outside, join(path, 'out'));
    symlinkSync(join(outside, 'secret'), join(path, 'file'));
    expect(errnoOf(() => walk(root, 'out', 'secret'))).toBe(Errno.ENOTDIR);
    expect(errnoOf(() => walk(root, 'file').open(OpenMode.READ))).toBe(Errno.ELOOP);
    const [directory, sub] = [walk(root, 'd'), walk(root, 'd', 'sub')];
    renameSync(join(path, 'd'), join(path, 'moved'));
    symlinkSync(outside, join(path, 'd'));
    pushOut(root, path);
    expect(errnoOf(() => directory.walk('secret'))).toBe(Errno.ESTALE);
    expect(errnoOf(() => sub.walk('x'))).toBe(Errno.ESTALE);
    expect(errnoOf(() => sub.create(newFile('x'), request()))).toBe(Errno.ESTALE);
    expect(errnoOf(() => sub.remove())).toBe(Errno.ESTALE);
    expect(existsSync(join(outside, 'sub'))).toBe(true);
    expect(lstatSync(join(path, 'd')).isSymbolicLink()).toBe(true);
  });

  it('by a directory that was moved out: `..` goes where the client came from', () => {
    const outside = temporary();
    const { root, path } = exported({ limits: { descriptors: 4 } });
    mkdirSync(join(path, 'a/b'), { recursive: true });
    const inner = walk(root, 'a', 'b');
    renameSync(join(path, 'a'), join(outside, 'a'));
    writeFileSync(join(outside, 'secret'), 'secret');
    expect(inner.parent?.parent).toBe(root);
    expect(root.parent).toBeUndefined();
    pushOut(root, path);
    expect(errnoOf(() => inner.create(newFile('x'), request()))).toBe(Errno.ENOENT);
    mkdirSync(join(path, 'a/b'), { recursive: true });
    expect(errnoOf(() => inner.create(newFile('x'), request()))).toBe(Errno.ESTALE);
    expect(existsSync(join(outside, 'a/b/x'))).toBe(false);
    expect(existsSync(join(path, 'a/b/x'))).toBe(false);
  });

  it('by names of files that come and go', () => {
    const { root, path } = exported();
    writeFileSync(join(path, 'f'), '');
    const file = walk(root, 'f');
    unlinkSync(join(path, 'f'));
    expect(root.walk('f')).toBeUndefined();
    expect(errnoOf(() => file.getattr())).toBe(Errno.ENOENT);
    writeFileSync(join(path, 'f'), 'again');
    expect(walk(root, 'f').getattr().size).toBe(5);
  });
});
