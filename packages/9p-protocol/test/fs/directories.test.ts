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
    const { root, path } = exported({ limits: { listingBytes: 2 << 20 } });
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
    const other = root.open(READ);
    await expect(other.list!(request())).rejects.toMatchObject({ errno: Errno.ENOBUFS });
    // Reading anew, and closing, give the memory back.
    expect((await open.list!(request())).length).toBe(100_000);
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
});

function itemsOf(listing: DirectoryListing) {
  return Array.from({ length: listing.length }, (_, index) => listing.at(index));
}
