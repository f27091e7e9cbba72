import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockType, NinePError } from '../../src/index.js';
import { type FileLock, LockTable } from '../../src/server/index.js';

const { RDLCK, WRLCK, UNLCK } = LockType;
const CLIENT = {};

describe('a lock table', () => {
  it('lets many read or one write', () => {
    const table = new LockTable<string>();
    expect(table.lock('f', range(RDLCK, 0, 10, 1), table, CLIENT)).toBe(true);
    expect(table.lock('f', range(RDLCK, 5, 10, 2), table, CLIENT)).toBe(true);
    expect(table.lock('f', range(WRLCK, 14, 1, 1), table, CLIENT)).toBe(false);
    expect(table.lock('f', range(WRLCK, 15, 1, 1), table, CLIENT)).toBe(true);
    expect(table.lock('g', range(WRLCK, 0, 0, 3), table, CLIENT)).toBe(true);
    expect(table.conflict('f', range(WRLCK, 9, 1, 3), CLIENT)).toEqual(range(RDLCK, 0, 10, 1));
    expect(table.conflict('f', range(RDLCK, 9, 1, 3), CLIENT)).toBeUndefined();
    expect(table.conflict('g', range(RDLCK, 9, 1, 4), CLIENT)).toEqual(range(WRLCK, 0, 0, 3));
  });

  it('tells the same process of two clients apart, and clients that say they are the same', () => {
    const table = new LockTable<string>();
    expect(table.lock('g', range(WRLCK, 0, 0, 1, 'a'), table, CLIENT)).toBe(true);
    expect(table.lock('g', range(WRLCK, 0, 0, 1, 'a'), {}, CLIENT)).toBe(true);
    const other = {};
    expect(table.lock('g', range(WRLCK, 0, 0, 1, 'a'), other, other)).toBe(false);
    expect(table.conflict('g', range(WRLCK, 0, 0, 1, 'a'), other)).toEqual(
      range(WRLCK, 0, 0, 1, 'a'),
    );
    table.lock('g', range(UNLCK, 0, 0, 1, 'a'), other, other);
    expect(table.conflict('g', range(RDLCK, 0, 0, 1, 'a'), other)).toBeDefined();
    expect(table.lock('f', range(WRLCK, 0, 0, 1, 'a'), table, CLIENT)).toBe(true);
    expect(table.lock('f', range(WRLCK, 0, 0, 1, 'b'), table, CLIENT)).toBe(false);
  });

  it('joins what touches, and forgets files without locks', () => {
    const table = new LockTable<string>();
    table.lock('f', range(WRLCK, 0, 10, 1), table, CLIENT);
    table.lock('f', range(WRLCK, 10, 10, 1), table, CLIENT);
    expect(table.size).toBe(1);
    expect(table.conflict('f', range(RDLCK, 19, 1, 2), CLIENT)).toEqual(range(WRLCK, 0, 20, 1));
    table.lock('f', range(UNLCK, 5, 5, 1), table, CLIENT);
    expect(table.size).toBe(2);
    table.lock('f', range(UNLCK, 0, 0, 1), table, CLIENT);
    expect(table.size).toBe(0);
  });

  it('releases what was taken through one holder, not what its owner has through another', () => {
    const table = new LockTable<string>();
    const [first, second] = [{}, {}];
    table.lock('f', range(WRLCK, 0, 10, 1), first, CLIENT);
    table.lock('f', range(WRLCK, 10, 10, 1), second, CLIENT);
    table.release('f', first);
    table.release('none', first);
    expect(table.conflict('f', range(WRLCK, 0, 10, 2), CLIENT)).toBeUndefined();
    expect(table.conflict('f', range(WRLCK, 10, 1, 2), CLIENT)).toBeDefined();
  });

  it('has limits, and changes nothing beyond them', () => {
    const table = new LockTable<string>({ ranges: 4, perFile: 3 });
    for (const start of [0, 2, 4]) table.lock('f', range(WRLCK, start, 1, 1), table, CLIENT);
    const refused = expect.objectContaining({ errno: 37 }) as NinePError;
    expect(() => table.lock('f', range(WRLCK, 6, 1, 1), table, CLIENT)).toThrow(NinePError);
    table.lock('f', range(WRLCK, 1, 1, 1), table, CLIENT);
    expect(table.size).toBe(2);
    table.lock('g', range(WRLCK, 0, 5, 1), table, CLIENT);
    table.lock('f', range(WRLCK, 8, 1, 1), table, CLIENT);
    expect(() => table.lock('g', range(UNLCK, 2, 1, 1), table, CLIENT)).toThrow(refused);
    expect(table.conflict('g', range(WRLCK, 2, 1, 2), CLIENT)).toBeDefined();
  });

  it('limits each client, who has room again for what is given up', () => {
    const table = new LockTable<string>({ perClient: 2 });
    const [mine, yours] = [{}, {}];
    const take = (start: number, client: object, file = 'f') =>
      table.lock(file, range(WRLCK, start, 1, 1), table, client);
    take(0, mine);
    take(2, mine);
    expect(() => take(4, mine)).toThrow('too many locks');
    expect(() => take(4, mine, 'g')).toThrow('too many locks');
    expect(take(4, yours)).toBe(true);
    table.lock('f', range(UNLCK, 0, 1, 1), table, mine);
    expect(take(6, mine)).toBe(true);
    expect(() => take(8, mine)).toThrow('too many locks');
    table.release('f', table);
    expect(take(8, mine)).toBe(true);
    expect(table.size).toBe(1);
  });

  it('agrees with a table of bytes, whatever is locked', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new LockTable<string>();
        const bytes = new ByteTable();
        for (const { lock, holder, closes } of steps) {
          if (closes) {
            table.release('f', holders[holder]!);
            bytes.release(holder);
          } else {
            expect(table.lock('f', lock, holders[holder]!, CLIENT)).toBe(bytes.lock(lock, holder));
          }
          for (const type of [RDLCK, WRLCK]) {
            for (let at = 0; at < SIZE; at++) {
              const asked = range(type, at, 1, 9);
              expect(table.conflict('f', asked, CLIENT) !== undefined).toBe(bytes.blocks(asked));
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

const SIZE = 16;
const holders = [{}, {}, {}];
const step = fc.record({
  holder: fc.nat(2),
  closes: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
  lock: fc.record({
    type: fc.constantFrom(RDLCK, WRLCK, UNLCK),
    start: fc.nat(SIZE - 1),
    length: fc.nat(6),
    procId: fc.nat(2),
    clientId: fc.constantFrom('a', 'b'),
  }),
});

/** The same, byte by byte: slow and obvious. The last byte stands for all behind it. */
class ByteTable {
  /** For each byte: owner → type and holder. */
  readonly #bytes = Array.from(
    { length: SIZE + 6 },
    () => new Map<string, { type: number; holder: number }>(),
  );

  lock(lock: FileLock, holder: number): boolean {
    if (this.blocks(lock)) return false;
    for (const byte of this.#range(lock)) {
      if (lock.type === UNLCK) byte.delete(ownerOf(lock));
      else byte.set(ownerOf(lock), { type: lock.type, holder });
    }
    return true;
  }

  blocks(lock: FileLock): boolean {
    if (lock.type === UNLCK) return false;
    return this.#range(lock).some((byte) =>
      [...byte].some(
        ([owner, { type }]) => owner !== ownerOf(lock) && (type === WRLCK || lock.type === WRLCK),
      ),
    );
  }

  release(holder: number): void {
    for (const byte of this.#bytes) {
      for (const [owner, held] of byte) if (held.holder === holder) byte.delete(owner);
    }
  }

  #range({ start, length }: FileLock) {
    return this.#bytes.slice(start, length === 0 ? undefined : start + length);
  }
}

function ownerOf({ procId, clientId }: FileLock): string {
  return `${procId} ${clientId}`;
}

function range(type: number, start: number, length: number, procId: number, clientId = 'a') {
  return { type, start, length, procId, clientId };
}
