import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockType, NinePError } from '../../src/index.js';
import { type FileLock, LockTable } from '../../src/server/index.js';

const { RDLCK, WRLCK, UNLCK } = LockType;

describe('a lock table', () => {
  it('lets many read or one write', () => {
    const table = new LockTable<string>();
    expect(table.lock('f', range(RDLCK, 0, 10, 1), table)).toBe(true);
    expect(table.lock('f', range(RDLCK, 5, 10, 2), table)).toBe(true);
    expect(table.lock('f', range(WRLCK, 14, 1, 1), table)).toBe(false);
    expect(table.lock('f', range(WRLCK, 15, 1, 1), table)).toBe(true);
    expect(table.lock('g', range(WRLCK, 0, 0, 3), table)).toBe(true);
    expect(table.conflict('f', range(WRLCK, 9, 1, 3))).toEqual(range(RDLCK, 0, 10, 1));
    expect(table.conflict('f', range(RDLCK, 9, 1, 3))).toBeUndefined();
    expect(table.conflict('g', range(RDLCK, 9, 1, 4))).toEqual(range(WRLCK, 0, 0, 3));
  });

  it('tells the same process of two clients apart', () => {
    const table = new LockTable<string>();
    expect(table.lock('f', range(WRLCK, 0, 0, 1, 'a'), table)).toBe(true);
    expect(table.lock('f', range(WRLCK, 0, 0, 1, 'b'), table)).toBe(false);
  });

  it('joins what touches, and forgets files without locks', () => {
    const table = new LockTable<string>();
    table.lock('f', range(WRLCK, 0, 10, 1), table);
    table.lock('f', range(WRLCK, 10, 10, 1), table);
    expect(table.size).toBe(1);
    expect(table.conflict('f', range(RDLCK, 19, 1, 2))).toEqual(range(WRLCK, 0, 20, 1));
    table.lock('f', range(UNLCK, 5, 5, 1), table);
    expect(table.size).toBe(2);
    table.lock('f', range(UNLCK, 0, 0, 1), table);
    expect(table.size).toBe(0);
  });

  it('releases what was taken through one holder, not what its owner has through another', () => {
    const table = new LockTable<string>();
    const [first, second] = [{}, {}];
    table.lock('f', range(WRLCK, 0, 10, 1), first);
    table.lock('f', range(WRLCK, 10, 10, 1), second);
    table.release('f', first);
    table.release('none', first);
    expect(table.conflict('f', range(WRLCK, 0, 10, 2))).toBeUndefined();
    expect(table.conflict('f', range(WRLCK, 10, 1, 2))).toBeDefined();
  });

  it('has limits, and changes nothing beyond them', () => {
    const table = new LockTable<string>({ ranges: 4, perFile: 3 });
    for (const start of [0, 2, 4]) table.lock('f', range(WRLCK, start, 1, 1), table);
    const refused = expect.objectContaining({ errno: 37 }) as NinePError;
    expect(() => table.lock('f', range(WRLCK, 6, 1, 1), table)).toThrow(NinePError);
    table.lock('f', range(WRLCK, 1, 1, 1), table);
    expect(table.size).toBe(2);
    table.lock('g', range(WRLCK, 0, 5, 1), table);
    table.lock('f', range(WRLCK, 8, 1, 1), table);
    expect(() => table.lock('g', range(UNLCK, 2, 1, 1), table)).toThrow(refused);
    expect(table.conflict('g', range(WRLCK, 2, 1, 2))).toBeDefined();
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
    table.lock('f', range(UNLCK, 0, 1, 1), table, yours);
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
            expect(table.lock('f', lock, holders[holder]!)).toBe(bytes.lock(lock, holder));
          }
          for (const type of [RDLCK, WRLCK]) {
            for (let at = 0; at < SIZE; at++) {
              const asked = range(type, at, 1, 9);
              expect(table.conflict('f', asked) !== undefined).toBe(bytes.blocks(asked));
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
