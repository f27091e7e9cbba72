import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lacks } from '../../../../test/support/needs.js';
import { parseLoaderCache } from '../../src/ship/loader-cache.js';
import { cacheFile } from './cache-builder.js';

const ENTRIES = [
  { name: 'libx.so', path: '/hw/libx.so', hwcap: 1n << 62n },
  { name: 'libx.so', path: '/one/libx.so' },
  { name: 'liby.so', path: '/two/liby.so' },
  { name: 'libx.so', path: '/two/libx.so' },
  { name: 'libz.so', path: 'three/libz.so' },
];

it.each([true, false])('tells where libraries are, not those of some processors', (little) => {
  const cache = parseLoaderCache(cacheFile(ENTRIES, little), little)!;
  expect([...cache]).toEqual([
    ['libx.so', ['/one/libx.so', '/two/libx.so']],
    ['liby.so', ['/two/liby.so']],
  ]);
});

it('reads the newer form behind the oldest one', () => {
  const file = Buffer.concat([Buffer.from('ld.so-1.7.0\0....'), cacheFile(ENTRIES)]);
  expect(parseLoaderCache(file, true)?.get('liby.so')).toEqual(['/two/liby.so']);
});

it('takes nothing of what is no cache, or is cut off', () => {
  const file = cacheFile(ENTRIES);
  for (const bytes of [Buffer.alloc(0), Buffer.from('text'), file.subarray(0, 100)]) {
    expect(parseLoaderCache(bytes, true)).toBeUndefined();
  }
  expect(parseLoaderCache(file, false)).toBeUndefined();
});

it('throws nothing, whatever the bytes', () => {
  const file = cacheFile(ENTRIES);
  const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), fc.nat(file.length), (changes, length) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at] = value;
      parseLoaderCache(bytes.subarray(0, length), true);
    }),
  );
});

it.skipIf(lacks('/etc/ld.so.cache', existsSync('/etc/ld.so.cache')))("reads this system's", () => {
  const cache = parseLoaderCache(readFileSync('/etc/ld.so.cache'), true)!;
  const paths = cache.get('libc.so.6') ?? [];
  expect(paths.some((path) => existsSync(path))).toBe(true);
});
