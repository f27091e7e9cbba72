import { linkSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirentType, Errno, OpenMode } from '../../src/index.js';
import type { DirectoryListing } from '../../src/server/files.js';
import { errnoOf, exported, openDescriptors, request, walk } from './support.js';

const { READ, WRITE, READ_WRITE, TRUNCATE } = OpenMode;

describe('an open directory', () => {
  it('lists names, qids and kinds', async () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'd'));
    writeFileSync(join(path, 'f'), '');
    symlinkSync('f', join(path, 'l'));
    writeFileSync(Buffer.concat([Buffer.from(`${path}/caf`), Buffer.from([0xe9])]), '');
    const open = root.open(READ);
    const items = itemsOf((await open.list!(request())) as DirectoryListing);
    items.sort((a, b) => (a!.name < b!.name ? -1 : 1));
    expect(items).toEqual([
      { name: 'caf\udce9', qid: walk(root, 'caf\udce9').qid, type: DirentType.REGULAR },
      { name: 'd', qid: walk(root, 'd').qid, type: DirentType.DIRECTORY },
      { name: 'f', qid: walk(root, 'f').qid, type: DirentType.REGULAR },
      { name: 'l', qid: walk(root, 'l').qid, type: DirentType.SYMLINK },
    ]);
    const stats = [...(await open.entries!(request()))];
    expect(stats.find((stat) => stat?.name === 'l')).toEqual(walk(root, 'l').stat());
    expect(stats).toHaveLength(4);
    open.close!();
  });

  it('is a moment’s: files that go are left out, those that come wait', async () => {
    const { root, path } = exported();
    for (const name of ['a', 'b']) writeFileSync(join(path, name), '');
    const open = root.open(READ);
    const listing = await open.list!(request());
    unlinkSync(join(path, 'a'));
    writeFileSync(join(path, 'c'), '');
    const names = itemsOf(listing).map((item) => item?.name);
    expect(names.sort()).toEqual(['b', undefined]);
    expect([...(await open.entries!(request()))].map((stat) => stat?.name).sort()).toEqual([
      'b',
      'c',
    ]);
    open.close!();
    expect(itemsOf(listing)).toEqual([undefined, undefined]);
  });

  it('is empty once it was removed', async () => {
    const { root, path } = exported();
    mkdirSync(join(path, 'd'));
    const directory = walk(root, 'd');
    const open = directory.open(READ);
    directory.remove();
    expect((await open.list!(request())).length).toBe(0);
    expect(directory.getattr().nlink).toBe(0);
    open.close!();
    expect(errnoOf(() => directory.getattr())).toBe(Errno.ENOENT);
  });

  it('is opened for reading only', () => {
    const { root } = exported();
    for (const mode of [WRITE, READ_WRITE, READ | TRUNCATE]) {
      expect(errnoOf(() => root.open(mode))).toBe(Errno.EISDIR);
    }
  });

  it('of 100,000 files is listed in slices and little memory', async () => {
    const { root, path } = exported({ limits: { listingBytes: 3 << 20 } });
    // Few inodes, many names: a file may have some 65,000.
    for (let index = 0; index < 4; index++) writeFileSync(join(path, `file-${index}`), '');
    for (let index = 4; index < 100_000; index++) {
      linkSync(join(path, `file-${index % 4}`), join(path, `file-${index}`));
    }
    const before = openDescriptors();
    const open = root.open(READ);
    const listed = open.list!(request());
    expect(listed).toBeInstanceOf(Promise);
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const listing = await listed;
    clearInterval(counting);
    expect(turns).toBeGreaterThan(0);
    const names = new Set(itemsOf(listing).map((item) => item?.name));
    expect(names.size).toBe(100_000);
    expect(names.has('file-99999')).toBe(true);
    // There is room for two: a list that is replaced, and one whose directory is closed, give theirs back.
    expect((await open.list!(request())).length).toBe(100_000);
    expect((await open.list!(request())).length).toBe(100_000);
    const other = root.open(READ);
    expect((await other.list!(request())).length).toBe(100_000);
    expect(errnoOf(() => other.list!(request()))).toBe(Errno.ENOBUFS);
    open.close!();
    expect((await other.list!(request())).length).toBe(100_000);
    const abandoned = other.list!(request());
    other.close!();
    await expect(abandoned).rejects.toMatchObject({ errno: Errno.EBADF });
    const last = root.open(READ);
    expect((await last.list!(request())).length).toBe(100_000);
    last.close!();
    expect(openDescriptors()).toBe(before);
    rmSync(path, { recursive: true });
  }, 120_000);

  it('is limited in the listings that are asked for at once', async () => {
    // A list of as many names as one slice takes 20,480 bytes, and another turn to see that this was all.
    const { root, path } = exported({ limits: { listingBytes: 40_000 } });
    fill(path, 1024);
    const open = root.open(READ);
    const listed = await Promise.allSettled(
      Array.from({ length: 40 }, async () => open.list!(request())),
    );
    const lengths = listed.flatMap((one) => (one.status === 'fulfilled' ? one.value.length : []));
    expect(lengths).toEqual([1024]);
    for (const one of listed) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ errno: Errno.ENOBUFS });
    }
    open.close!();
    const other = root.open(READ);
    expect((await other.list!(request())).length).toBe(1024);
    other.close!();
  });

  it('keeps nothing of a listing that was refused', async () => {
    const { root, path } = exported({ limits: { listingBytes: 28_000 } });
    mkdirSync(join(path, 'large'));
    mkdirSync(join(path, 'small'));
    fill(join(path, 'large'), 2000);
    writeFileSync(join(path, 'small', 'f'), '');
    const large = walk(root, 'large').open(READ);
    const small = walk(root, 'small').open(READ);
    await expect(large.list!(request())).rejects.toMatchObject({ errno: Errno.ENOBUFS });
    expect((await small.list!(request())).length).toBe(1);
    large.close!();
    small.close!();
  });
});

/** Makes files with names of 9 bytes. */
function fill(path: string, count: number): void {
  for (let index = 0; index < count; index++) writeFileSync(join(path, `file-${1000 + index}`), '');
}

function itemsOf(listing: DirectoryListing) {
  return Array.from({ length: listing.length }, (_, index) => listing.at(index));
}
