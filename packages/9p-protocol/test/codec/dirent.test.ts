import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesToName,
  DirentType,
  decodeDirents,
  direntSize,
  encodeDirent,
  FileMode,
  NinePError,
} from '../../src/index.js';
import { directoryEntry, nameBytes } from '../arbitraries.js';

describe('directory entries of 9P2000.L', () => {
  it('have the layout of the protocol', () => {
    const qid = { type: 0x80, version: 2, path: 0x0102030405060708n };
    const entry = { qid, offset: 0x7fffffff, type: DirentType.DIRECTORY, name: 'é.' };
    expect(encodeDirent(entry).toString('hex')).toBe(
      '80020000000807060504030201' + 'ffffff7f00000000' + '04' + '0300c3a92e',
    );
  });

  it('are read one after the other as they were written, and refused when cut', () => {
    fc.assert(
      fc.property(fc.array(directoryEntry, { maxLength: 6 }), (entries) => {
        const encoded = entries.map(encodeDirent);
        expect(encoded.map((bytes) => bytes.length)).toEqual(entries.map(direntSize));
        const bytes = Buffer.concat(encoded);
        // A plain Uint8Array that begins in the middle of its memory.
        const view = new Uint8Array(Buffer.concat([Buffer.alloc(3), bytes])).subarray(3);
        expect(decodeDirents(view)).toEqual(entries);
        const ends = new Set(encoded.map((_, index) => sum(encoded.slice(0, index + 1))));
        for (let length = 1; length < bytes.length; length++) {
          if (!ends.has(length)) expectRefusal(bytes.subarray(0, length));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keep names that are not UTF-8 where strings are bytes', () => {
    fc.assert(
      fc.property(directoryEntry, nameBytes, (plain, name) => {
        const entry = { ...plain, name: bytesToName(name) };
        const bytes = encodeDirent(entry);
        expect(bytes.subarray(24).equals(name)).toBe(true);
        expect(direntSize(entry)).toBe(bytes.length);
        expect(decodeDirents(bytes, { strings: 'bytes' })).toEqual([entry]);
      }),
      { numRuns: 500 },
    );
    const [entry] = fc.sample(directoryEntry, 1);
    expectRefusal(encodeDirent({ ...entry!, name: '\udcff' }));
  });

  it('refuse random bytes with nothing but an error of protocol', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        try {
          const entries = decodeDirents(bytes);
          expect(Buffer.concat(entries.map(encodeDirent)).equals(bytes)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: 'NinePError', kind: 'protocol' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuse names that are longer than their length can say', () => {
    const [entry] = fc.sample(directoryEntry, 1);
    const name = 'é'.repeat(0x8000);
    expect(() => encodeDirent({ ...entry!, name })).toThrow('string too long for 9P');
  });

  it('tell the kind of a file in the bits of its mode', () => {
    const { TYPE_MASK, PERMISSIONS, SETUID, SETGID, STICKY, ...kinds } = FileMode;
    expect(TYPE_MASK | SETUID | SETGID | STICKY | PERMISSIONS).toBe(0xffff);
    for (const [kind, bits] of Object.entries(kinds)) {
      expect(DirentType[kind as keyof typeof kinds]).toBe(bits >> 12);
    }
  });
});

function sum(pieces: readonly Buffer[]): number {
  return pieces.reduce((length, piece) => length + piece.length, 0);
}

function expectRefusal(bytes: Uint8Array): void {
  let thrown: unknown;
  try {
    decodeDirents(bytes);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(NinePError);
  expect((thrown as NinePError).kind).toBe('protocol');
}
