import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../../test/support/needs.js';
import { ElfError, type ReadAt, readElf } from '../../src/ship/elf.js';
import { AARCH64, type ElfContents, elfFile, I386, S390, X86_64 } from './elf-builder.js';

function readerOf(file: Buffer): ReadAt {
  return (offset, length) => file.subarray(offset, offset + length);
}

const read = (file: Buffer) => readElf(readerOf(file));

const KINDS: readonly (readonly [string, ElfContents])[] = [
  ['x86_64', { machine: X86_64 }],
  ['i386', { bits: 32, machine: I386 }],
  ['aarch64', { machine: AARCH64 }],
  ['s390x, the other order of bytes', { machine: S390, littleEndian: false }],
  ['s390, 32 bits in that order', { bits: 32, machine: S390, littleEndian: false }],
];

describe.each(KINDS)('a file for %s', (_, kind) => {
  it('tells its loader, libraries and directories', () => {
    const file = elfFile({
      ...kind,
      interpreter: '/lib/ld.so.1',
      needed: ['libone.so.1', 'libtwo.so'],
      soname: 'self',
      rpath: '/r:/s',
      flags: 0x800,
    });
    expect(read(file)).toMatchObject({
      format: { bits: 64, littleEndian: true, ...kind },
      interpreter: '/lib/ld.so.1',
      needed: ['libone.so.1', 'libtwo.so'],
      soname: 'self',
      rpath: '/r:/s',
      runpath: undefined,
      noDefaultPath: true,
    });
  });

  it('is changed so that its libraries are where the loader is told', () => {
    const contents = { ...kind, needed: ['a/libx.so', 'liby.so', '/b/libz.so'] };
    const file = elfFile({ ...contents, rpath: '/r' });
    for (const { offset, bytes } of read(file)!.patches) file.set(bytes, offset);
    expect(read(file)).toMatchObject({
      needed: ['libx.so', 'liby.so', 'libz.so'],
      rpath: undefined,
      runpath: '/r',
      patches: [],
    });
    expect(read(elfFile({ ...kind, needed: ['l'], rpath: '/r', runpath: '/s' }))).toMatchObject({
      rpath: '/r',
      runpath: '/s',
      patches: [],
    });
  });

  it('is refused wherever it is cut off, and never otherwise', () => {
    const file = elfFile({ ...kind, interpreter: '/ld', needed: ['libone.so.1'], runpath: '/r' });
    for (let length = 4; length < file.length; length++) {
      expect(() => read(file.subarray(0, length)), `${length} bytes`).toThrow(ElfError);
    }
    expect(read(file)?.needed).toEqual(['libone.so.1']);
  });
});

it('knows what is no ELF file', () => {
  for (const text of ['', '\x7fEL', '#!/bin/sh\n', 'MZ', 'text of some length'])
    expect(read(Buffer.from(text, 'latin1'))).toBeUndefined();
});

it('takes a file without headers for a static program', () => {
  const file = elfFile();
  file.writeUInt16LE(0, 56);
  expect(read(file)).toMatchObject({ interpreter: undefined, needed: [], patches: [] });
});

it('refuses numbers that lead nowhere', () => {
  const file = elfFile({ interpreter: '/ld', needed: ['l'] });
  const spoilt = (change: (bytes: Buffer) => void) => {
    const copy = Buffer.from(file);
    change(copy);
    return () => read(copy);
  };
  // e_ident: class, order of bytes; e_phoff; e_phentsize; e_phnum.
  expect(spoilt((bytes) => bytes.writeUInt8(3, 4))).toThrow('neither 32 nor 64 bits');
  expect(spoilt((bytes) => bytes.writeUInt8(0, 5))).toThrow(ElfError);
  expect(spoilt((bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n, 32))).toThrow('cut off');
  expect(spoilt((bytes) => bytes.writeUInt16LE(8, 54))).toThrow('odd program headers');
  expect(spoilt((bytes) => bytes.writeUInt16LE(0xffff, 56))).toThrow('odd program headers');
  // The length of PT_INTERP, and of PT_DYNAMIC.
  expect(spoilt((bytes) => bytes.writeBigUInt64LE(1n << 40n, 64 + 56 + 32))).toThrow('no end');
  expect(spoilt((bytes) => bytes.writeBigUInt64LE(1n << 40n, 64 + 112 + 32))).toThrow('too many');
  // No PT_LOAD: names cannot be found.
  expect(spoilt((bytes) => bytes.writeUInt32LE(7, 64))).toThrow('no table of names');
});

it('throws nothing else, whatever the bytes', () => {
  const file = elfFile({ interpreter: '/ld', needed: ['libone.so', 'x/y'], rpath: '/r' });
  const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        read(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ElfError);
      }
    }),
    { numRuns: 2000 },
  );
});

it('reads programs of this system as readelf does', ({ skip }) => {
  const program = ['/usr/bin/env', '/bin/sh', process.execPath].find((path) => existsSync(path))!;
  const told = spawnSync('readelf', ['-dlW', program], { encoding: 'utf8' }).stdout;
  if (lacks('readelf', told !== null)) return skip();
  const needed = [...told.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  const [, interpreter] = /interpreter: (.*)\]/.exec(told) ?? [];
  expect(needed.length).toBeGreaterThan(0);
  expect(read(readFileSync(program))).toMatchObject({ needed, interpreter });
});
