import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { LocalFile } from '../../src/fs/local-file.js';
import { ModeBit, NinePError, OpenMode } from '../../src/index.js';
import {
  atOnce,
  everythingIn,
  exported,
  newDirectory,
  newFile,
  request,
  temporary,
  text,
} from './support.js';

const ROUNDS = 3000;

it('swapped links and moved directories lead nowhere outside', async () => {
  const outside = temporary();
  mkdirSync(join(outside, 'sub'));
  for (const name of ['f', 'victim', 'sub/f']) writeFileSync(join(outside, name), 'secret');
  const before = contents(outside);
  // Without room for descriptors each request goes the whole way anew.
  const { root, path } = exported({ limits: { descriptors: 4 } });
  mkdirSync(join(path, 'd/sub'), { recursive: true });
  for (const name of ['d/f', 'd/sub/f']) writeFileSync(join(path, name), 'inside');
  const state = new SharedArrayBuffer(8);
  const worker = new Worker(new URL('./swapper.mjs', import.meta.url), {
    workerData: { directory: join(path, 'd'), aside: join(path, 'aside'), outside, state },
  });
  const ended = new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
  const flag = new Int32Array(state);
  Atomics.wait(flag, 1, 0, 10_000);
  let done = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const attack of attacks) {
      try {
        attack(root, round);
        done++;
      } catch (error) {
        if (error instanceof Error && error.name === 'AssertionError') throw error;
        expect(NinePError.from(error).errno).not.toBe(5);
      }
    }
  }
  Atomics.store(flag, 0, 1);
  await ended;
  expect(flag[1]).toBeGreaterThan(10);
  expect(done).toBeGreaterThan(10);
  expect(contents(outside)).toEqual(before);
  expect(existsSync(join(outside, 'new'))).toBe(false);
}, 120_000);

/** What a client does along a name that is a directory at one moment and a link at another. */
const attacks: readonly ((root: LocalFile, round: number) => void)[] = [
  (root) => {
    using file = held(root, 'd', 'f');
    const open = file.node.open(OpenMode.READ);
    try {
      expect(text(open)).toBe('inside');
    } finally {
      open.close!();
    }
  },
  (root) => {
    using file = held(root, 'd', 'sub', 'f');
    expect(file.node.getattr().size).toBe('inside'.length);
    file.node.setattr({ mode: 0o640 });
  },
  (root, round) => {
    using directory = held(root, 'd');
    atOnce(directory.node.create(newFile(`new${round}`), request())).open.close!();
    using made = held(directory.node, `new${round}`);
    made.node.remove();
  },
  (root, round) => {
    using directory = held(root, 'd', 'sub');
    atOnce(directory.node.create(newDirectory(`dir${round}`), request())).open.close!();
    using made = held(directory.node, `dir${round}`);
    made.node.remove();
  },
  (root, round) => {
    using directory = held(root, 'd');
    const link = newFile(`l${round}`, { perm: ModeBit.SYMLINK, extension: 'x' });
    directory.node.create(link, request());
    using made = held(directory.node, `l${round}`);
    made.node.remove();
  },
  (root) => {
    using victim = held(root, 'd', 'victim');
    victim.node.remove();
  },
  (root) => {
    using file = held(root, 'd', 'f');
    using target = held(root, 'd', 'sub');
    target.node.link(file.node, 'victim');
    using linked = held(target.node, 'victim');
    linked.node.rename(file.node.parent!, 'moved');
    using moved = held(root, 'd', 'moved');
    moved.node.remove();
  },
  (root) => {
    using directory = held(root, 'd');
    const open = directory.node.open(OpenMode.READ);
    try {
      const listing = open.list!(request());
      if (listing instanceof Promise) throw new Error('small directories are listed at once');
      for (let index = 0; index < listing.length; index++) {
        expect(listing.at(index)?.name).not.toBe('victim');
      }
    } finally {
      open.close!();
    }
  },
];

/** A walk as a client makes it, let go at the end of the block. */
function held(from: LocalFile, ...names: string[]): { node: LocalFile } & Disposable {
  let node = from;
  for (const name of names) {
    const next = node.walk(name);
    if (!next) throw new NinePError('file not found', 2);
    node = next;
  }
  node.acquire();
  return { node, [Symbol.dispose]: () => node.release() };
}

function contents(path: string): Record<string, string> {
  const names = everythingIn(path);
  return Object.fromEntries(
    names.map((entry) => {
      const name = join(entry.parentPath, entry.name);
      return [name, entry.isFile() ? readFileSync(name, 'utf8') : ''];
    }),
  );
}
