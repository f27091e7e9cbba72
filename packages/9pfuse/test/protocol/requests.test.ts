import { bytesToName, type Uint64 } from '@xcpu/9p-protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRequest } from '../../src/protocol/decode.js';
import { encodeFields, encodeNames, encodeRequest, type Field, REQUESTS } from './reference.js';

const u32 = fc.nat({ max: 0xffffffff });
const u64: fc.Arbitrary<Uint64> = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((value) => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value));
const header = fc.record({ unique: u64, node: u64, uid: u32, gid: u32, pid: u32 });
/** Any bytes but NUL, as names are. */
const name = fc
  .uint8Array({ minLength: 1, maxLength: 40, min: 1 })
  .map((bytes) => bytesToName(bytes));

function valuesOf(fields: readonly Field[]) {
  const named = fields.filter(([field]) => field !== '_');
  return fc.record(
    Object.fromEntries(named.map(([field, width]) => [field, width === 8 ? u64 : u32])),
  );
}

describe('decodeRequest', () => {
  const cases = Object.entries(REQUESTS).map(([opcode, shape]) => [Number(opcode), shape] as const);

  test.each(cases)('opcode %i: as the tables have it', (opcode, [fields, names]) => {
    const texts = fc.record(Object.fromEntries(names.map((key) => [key, name])));
    fc.assert(
      fc.property(header, valuesOf(fields), texts, (head, values, text) => {
        const body = [encodeFields(fields, values), encodeNames(names.map((key) => text[key]!))];
        const message = encodeRequest(opcode, head, Buffer.concat(body));
        const expected: Record<string, unknown> = { opcode, ...head, ...values, ...text };
        // The open file counts only where a bit says so.
        if (opcode === 4 && !(Number(values.valid) & (1 << 6))) expected.handle = undefined;
        expect(decodeRequest(message)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('GETATTR names an open file where a bit says so', () => {
    fc.assert(
      fc.property(header, u32, u64, (head, flags, handle) => {
        const fields: Field[] = [
          ['flags', 4],
          ['_', 4],
          ['handle', 8],
        ];
        const message = encodeRequest(3, head, encodeFields(fields, { flags, handle }));
        expect(decodeRequest(message)).toMatchObject({ handle: flags & 1 ? handle : undefined });
      }),
    );
  });

  test('WRITE and SETXATTR carry views of the message', () => {
    fc.assert(
      fc.property(
        header,
        u64,
        u64,
        u32,
        fc.uint8Array(),
        name,
        (head, handle, offset, flags, data, key) => {
          const size = data.length;
          const write: Field[] = [
            ['handle', 8],
            ['offset', 8],
            ['size', 4],
            ['flags', 4],
            ['_', 8],
            ['_', 4],
            ['_', 4],
          ];
          const fixed = encodeFields(write, { handle, offset, size, flags });
          const written = decodeRequest(encodeRequest(16, head, Buffer.concat([fixed, data])));
          expect(written).toMatchObject({ handle, offset, writeFlags: flags });
          expect('data' in written && [...written.data]).toEqual([...data]);
          const sizes = encodeFields(
            [
              ['size', 4],
              ['flags', 4],
            ],
            { size, flags },
          );
          const set = decodeRequest(
            encodeRequest(21, head, Buffer.concat([sizes, encodeNames([key]), data])),
          );
          expect(set).toMatchObject({ name: key, flags });
          expect('value' in set && [...set.value]).toEqual([...data]);
        },
      ),
    );
  });

  test('BATCH_FORGET and the three of locks', () => {
    fc.assert(
      fc.property(header, fc.array(fc.record({ node: u64, count: u64 })), (head, forgets) => {
        const pair: Field[] = [
          ['node', 8],
          ['count', 8],
        ];
        const count = encodeFields(
          [
            ['count', 4],
            ['_', 4],
          ],
          { count: forgets.length },
        );
        const body = Buffer.concat([count, ...forgets.map((one) => encodeFields(pair, one))]);
        expect(decodeRequest(encodeRequest(42, head, body))).toMatchObject({ forgets });
      }),
    );
    const lock = fc.record({ start: u64, end: u64, type: u32, pid: u32 });
    fc.assert(
      fc.property(
        fc.constantFrom(31, 32, 33),
        header,
        u64,
        u64,
        lock,
        u32,
        (opcode, head, handle, owner, range, flags) => {
          const fields: Field[] = [
            ['handle', 8],
            ['owner', 8],
            ['start', 8],
            ['end', 8],
            ['type', 4],
            ['pid', 4],
            ['flags', 4],
            ['_', 4],
          ];
          const message = encodeRequest(
            opcode,
            head,
            encodeFields(fields, { handle, owner, ...range, flags }),
          );
          expect(decodeRequest(message)).toEqual({
            opcode,
            ...head,
            handle,
            owner,
            lock: range,
            flags,
          });
        },
      ),
    );
  });

  test('what is not served keeps its number', () => {
    const head = { unique: 1, node: 2, uid: 3, gid: 4, pid: 5 };
    for (const code of [37, 39, 40, 43, 46, 47, 51, 4096]) {
      expect(decodeRequest(encodeRequest(code, head, Buffer.alloc(64)))).toMatchObject({
        opcode: 0,
        code,
      });
    }
  });

  test('what is cut short is an error of protocol, whatever it is', () => {
    const cut = fc.tuple(fc.nat({ max: 60 }), fc.uint8Array({ maxLength: 120 }));
    fc.assert(
      fc.property(header, cut, (head, [opcode, bytes]) => {
        const message = encodeRequest(opcode, head, Buffer.from(bytes));
        try {
          decodeRequest(message);
        } catch (error) {
          expect(error).toMatchObject({ name: 'NinePError', kind: 'protocol' });
        }
      }),
      { numRuns: 500 },
    );
    expect(() => decodeRequest(Buffer.alloc(10))).toThrow('cut short');
  });
});
