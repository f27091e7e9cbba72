import { nameToBytes, type Uint64 } from '@xcpu/9p-protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ListingWriter } from '../../src/protocol/listing.js';
import {
  attributesNotice,
  attributesReply,
  deviceNumbers,
  entryReply,
  initReply,
  kernelDevice,
  lockReply,
  openReply,
  sizeReply,
  statfsReply,
  storeNotice,
} from '../../src/protocol/replies.js';
import {
  ATTRIBUTES_REPLY,
  DIRENT,
  decodeFields,
  ENTRY,
  INIT_REPLY,
  LOCK,
  NOTICE,
} from './reference.js';

const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffffffff });
const u64: fc.Arbitrary<Uint64> = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((value) => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value));
const attributes = fc.record({
  ino: u64,
  size: u64,
  blocks: u64,
  atime: u64,
  mtime: u64,
  ctime: u64,
  atimeNsec: u32,
  mtimeNsec: u32,
  ctimeNsec: u32,
  mode: u32,
  nlink: u32,
  uid: u32,
  gid: u32,
  rdev: u32,
  blksize: u32,
});
const timeout = fc.nat({ max: 10_000_000 });

describe('replies', () => {
  test('of files', () => {
    fc.assert(
      fc.property(
        u64,
        u64,
        timeout,
        timeout,
        attributes,
        (node, generation, entryTimeout, attributesTimeout, told) => {
          const entry = { node, generation, entryTimeout, attributesTimeout, attributes: told };
          expect(decodeFields(ENTRY, entryReply(entry))).toEqual({
            ...told,
            node,
            generation,
            entrySec: Math.floor(entryTimeout / 1000),
            entryNsec: (entryTimeout % 1000) * 1_000_000,
            attributesSec: Math.floor(attributesTimeout / 1000),
            attributesNsec: (attributesTimeout % 1000) * 1_000_000,
          });
          expect(decodeFields(ATTRIBUTES_REPLY, attributesReply(told, 1500))).toEqual({
            ...told,
            sec: 1,
            nsec: 500_000_000,
          });
        },
      ),
    );
    expect(
      entryReply({
        node: 0,
        generation: 0,
        entryTimeout: 0,
        attributesTimeout: 0,
        attributes: undefined,
      }),
    ).toEqual(Buffer.alloc(128));
  });

  test('of INIT', () => {
    const reply = fc.record({
      maxReadahead: u32,
      flags: u32,
      maxBackground: u16,
      congestionThreshold: u16,
      maxWrite: u32,
      maxPages: u16,
    });
    fc.assert(
      fc.property(reply, (values) => {
        const bytes = initReply(values);
        expect(bytes).toHaveLength(64);
        expect(decodeFields(INIT_REPLY, bytes)).toEqual({
          ...values,
          major: 7,
          minor: 31,
          timeGran: 1,
        });
      }),
    );
  });

  test('of open files, lengths, locks and file systems', () => {
    fc.assert(
      fc.property(u64, u32, u64, u64, (handle, flags, start, end) => {
        expect(
          decodeFields(
            [
              ['handle', 8],
              ['flags', 4],
              ['zero', 4],
            ],
            openReply(handle, flags),
          ),
        ).toEqual({ handle, flags, zero: 0 });
        expect(
          decodeFields(
            [
              ['size', 4],
              ['zero', 4],
            ],
            sizeReply(flags),
          ),
        ).toEqual({ size: flags, zero: 0 });
        const lock = { start, end, type: 1, pid: flags };
        expect(decodeFields(LOCK, lockReply(lock))).toEqual(lock);
      }),
    );
    const told = {
      type: 0,
      bsize: 1,
      blocks: 2,
      bfree: 3,
      bavail: 4,
      files: 5,
      ffree: 6,
      fsid: 7,
      namelen: 8,
    };
    const bytes = statfsReply(told);
    expect(bytes).toHaveLength(80);
    expect([0, 8, 16, 24, 32].map((at) => Number(bytes.readBigUInt64LE(at)))).toEqual([
      2, 3, 4, 5, 6,
    ]);
    expect([40, 44, 48].map((at) => bytes.readUInt32LE(at))).toEqual([1, 8, 1]);
  });

  test('to what nobody asked: attributes that are not right, contents', () => {
    fc.assert(
      fc.property(u64, u64, u32, (node, offset, size) => {
        expect(decodeFields(NOTICE, attributesNotice(node))).toEqual({
          node,
          offset: 2n ** 64n - 1n,
          length: 0,
        });
        expect(decodeFields(NOTICE, storeNotice(node, offset, size))).toEqual({
          node,
          offset,
          length: size,
        });
      }),
    );
  });

  test('of listings: records at multiples of 8, and never more than there is room for', () => {
    const dirent = fc.record({
      ino: u64,
      offset: u64,
      type: fc.nat({ max: 15 }),
      name: fc
        .string({ minLength: 1, maxLength: 60, unit: 'binary' })
        .map((text) => text.replaceAll('\0', 'x')),
    });
    fc.assert(
      fc.property(fc.array(dirent), fc.nat({ max: 4096 }), fc.boolean(), (dirents, size, plus) => {
        const listing = new ListingWriter(size);
        const none = {
          node: 9,
          generation: 0,
          entryTimeout: 0,
          attributesTimeout: 0,
          attributes: undefined,
        };
        const added = dirents.filter((one) => listing.add(one, plus ? none : undefined));
        const bytes = listing.bytes;
        expect(bytes.length).toBeLessThanOrEqual(size);
        let at = 0;
        for (const { ino, offset, type, name } of added) {
          if (plus) {
            expect(decodeFields(ENTRY, bytes.subarray(at, at + 128)).node).toBe(9);
            at += 128;
          }
          const length = nameToBytes(name).length;
          expect(decodeFields(DIRENT, bytes.subarray(at, at + 24))).toEqual({
            ino,
            offset,
            type,
            length,
          });
          expect(bytes.subarray(at + 24, at + 24 + length)).toEqual(nameToBytes(name));
          at += Math.ceil((24 + length) / 8) * 8;
        }
        expect(at).toBe(bytes.length);
      }),
    );
  });

  test('device numbers go into 32 bits and out again', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xfff }), fc.nat({ max: 0xfffff }), (major, minor) => {
        expect(deviceNumbers(kernelDevice(major, minor))).toEqual({ major, minor });
      }),
    );
    expect(kernelDevice(10, 229)).toBe(0xae5);
  });
});
