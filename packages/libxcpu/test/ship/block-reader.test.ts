import { statSync, writeFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { BLOCK_BYTES, BlockReader } from '../../src/ship/block-reader.js';
import type { Patch } from '../../src/ship/elf.js';
import type { ShippedFile } from '../../src/ship/packing.js';
import { treeOf } from './trees.js';

/** Files that are open, and the most that were. */
const files = vi.hoisted(() => ({ open: 0, most: 0 }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open = async (...args: Parameters<typeof real.open>) => {
    const file = await real.open(...args);
    files.most = Math.max(files.most, ++files.open);
    const close = file.close.bind(file);
    file.close = () => close().finally(() => files.open--);
    return file;
  };
  return { ...real, open };
});

function fileOf(data: Buffer, patches: readonly Patch[] = []): ShippedFile & { path: string } {
  const path = treeOf({ file: data }).local('/file');
  const stats = statSync(path);
  return {
    name: 'bin/file',
    mode: 0o755,
    size: stats.size,
    path,
    source: { path, stats, patches },
  };
}

async function whole(file: ShippedFile, reader = new BlockReader()): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for (let at = 0; at < file.size; at += BLOCK_BYTES) blocks.push(await reader.read(file, at));
  return Buffer.concat(blocks);
}

const DATA = Buffer.from(Array.from({ length: BLOCK_BYTES + 1000 }, (_, index) => index % 251));

it('reads a file in blocks, with its patches', async () => {
  const patch = { offset: BLOCK_BYTES - 2, bytes: Buffer.from('abcd') };
  const patched = Buffer.from(DATA);
  patched.write('abcd', BLOCK_BYTES - 2);
  expect((await whole(fileOf(DATA))).equals(DATA)).toBe(true);
  expect((await whole(fileOf(DATA, [patch]))).equals(patched)).toBe(true);
});

it('reads once for all who are about as far, and again for one who is behind', async () => {
  const reader = new BlockReader(BLOCK_BYTES);
  const file = fileOf(DATA);
  const first = reader.read(file, 0);
  expect(reader.read(file, 0)).toBe(first);
  await reader.read(file, BLOCK_BYTES);
  const again = reader.read(file, 0);
  expect(again).not.toBe(first);
  expect((await again).equals(await first)).toBe(true);
});

it('has no more files open than a process may have, however many nodes ask', async () => {
  const file = fileOf(Buffer.alloc(1000));
  const reader = new BlockReader();
  const reads = Array.from({ length: 1000 }, (_, at) => reader.read(file, at));
  expect((await Promise.all(reads)).at(-1)).toHaveLength(1);
  expect(files.most).toBeGreaterThan(1);
  expect(files.most).toBeLessThanOrEqual(64);
  expect(files.open).toBe(0);
});

it('reads nothing of a file that is not what it was', async () => {
  const file = fileOf(Buffer.from('before'));
  writeFileSync(file.path, 'and after');
  await expect(whole(file)).rejects.toThrow(/was changed while it was shipped/);
});

it('gives what is only in memory', async () => {
  const source = Buffer.from('#!/bin/sh\n');
  expect(await whole({ name: 'run', mode: 0o755, size: source.length, source })).toEqual(source);
});
