import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, FrameReader, MessageType, NinePError } from '../../src/index.js';
import { anyMessage } from '../arbitraries.js';

const frames = fc
  .array(anyMessage('9P2000.u'), { maxLength: 12 })
  .map((messages) => messages.map((message) => encode(message, '9P2000.u')));

describe('FrameReader', () => {
  it('cuts the same frames from any chunks', () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (sent, sizes) => {
        expect(cut(Buffer.concat(sent), sizes)).toEqual(sent);
      }),
    );
  });

  it('cuts them from one byte at a time, and from all at once', () => {
    fc.assert(
      fc.property(frames, (sent) => {
        const stream = Buffer.concat(sent);
        expect(cut(stream, repeat(1))).toEqual(sent);
        expect(cut(stream, repeat(Math.max(stream.length, 1)))).toEqual(sent);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses sizes below a header as soon as they are read', () => {
    for (let size = 0; size < 7; size++) {
      const header = Buffer.from([size, 0, 0, 0]);
      expectRefusal(() => new FrameReader(8192).push(header, unexpected));
      expectRefusal(() => byteByByte(new FrameReader(8192), header));
    }
  });

  it('refuses sizes above the limit before any of their data came', () => {
    for (const size of [8193, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const header = Buffer.alloc(4);
      header.writeUInt32LE(size);
      expectRefusal(() => new FrameReader(8192).push(header, unexpected));
      expectRefusal(() => byteByByte(new FrameReader(8192), header));
    }
  });

  it('takes frames of exactly the limit, and follows the limit as it changes', () => {
    const frame = Buffer.alloc(300);
    frame.writeUInt32LE(300);
    const reader = new FrameReader(300);
    let count = 0;
    reader.push(frame, () => count++);
    reader.maxSize = 299;
    expectRefusal(() => reader.push(frame, unexpected));
    expect(count).toBe(1);
  });

  it('holds no more than one frame, however much is claimed', () => {
    const limit = 1 << 20;
    const reader = new FrameReader(limit);
    const header = Buffer.alloc(7);
    header.writeUInt32LE(limit);
    const before = process.memoryUsage().arrayBuffers;
    reader.push(header, unexpected);
    for (let index = 0; index < 1000; index++) reader.push(Buffer.from([index]), unexpected);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * limit);
    expect(reader.partial).toBe(true);
  });

  it('hands over payloads in pieces that are together what was sent, and all else whole', () => {
    const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(frames, sizes, (sent, lengths) => {
        const found: Buffer[] = [];
        const reader = new FrameReader(1 << 20, true);
        const stream = Buffer.concat(sent);
        for (let at = 0; at < stream.length; ) {
          const size = lengths.next().value as number;
          reader.push(Buffer.from(stream.subarray(at, at + size)), (frame, pieces) => {
            if (pieces) expect([MessageType.Rread, MessageType.Twrite]).toContain(frame[4]);
            found.push(Buffer.concat([frame, ...(pieces ?? [])]));
          });
          at += size;
        }
        expect(found).toEqual(sent);
        expect(reader.partial).toBe(false);
      }),
    );
  });

  it.each([MessageType.Rread, MessageType.Twrite])(
    'gathers a payload of type %i that comes in crumbs',
    (type) => {
      const frame = Buffer.alloc(5000, 'payload');
      frame.writeUInt32LE(frame.length);
      frame[4] = type;
      const reader = new FrameReader(1 << 20, true);
      const found: [Buffer, unknown][] = [];
      for (let at = 0; at < frame.length; at += 50) {
        reader.push(frame.subarray(at, at + 50), (whole, pieces) => found.push([whole, pieces]));
      }
      expect(found).toEqual([[frame, undefined]]);
    },
  );

  it('tells whether it stands in the middle of a frame', () => {
    const reader = new FrameReader(100);
    expect(reader.partial).toBe(false);
    reader.push(Buffer.from([7]), unexpected);
    expect(reader.partial).toBe(true);
    reader.push(Buffer.from([0, 0, 0, 109, 1]), unexpected);
    expect(reader.partial).toBe(true);
    reader.push(Buffer.from([0]), () => {});
    expect(reader.partial).toBe(false);
  });
});

function cut(stream: Buffer, sizes: Iterator<number>): Buffer[] {
  const reader = new FrameReader(1 << 20);
  const found: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = sizes.next().value as number;
    // A copy, as from a socket: the reader must not count on its chunks lying side by side.
    reader.push(Buffer.from(stream.subarray(at, at + size)), (frame) => found.push(frame));
    at += size;
  }
  expect(reader.partial).toBe(false);
  return found;
}

function byteByByte(reader: FrameReader, bytes: Buffer): void {
  for (const byte of bytes) reader.push(Buffer.from([byte]), unexpected);
}

function* repeat(size: number): Generator<number> {
  for (;;) yield size;
}

function unexpected(): never {
  throw new Error('there is no whole frame yet');
}

function expectRefusal(act: () => void): void {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(NinePError);
  expect((thrown as NinePError).kind).toBe('protocol');
}
