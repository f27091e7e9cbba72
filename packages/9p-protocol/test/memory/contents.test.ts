import { describe, expect, it } from 'vitest';
import { Contents } from '../../src/memory/contents.js';
import { Space } from '../../src/memory/space.js';

const CHUNK = 64 * 1024;

describe('contents', () => {
  it('are not held in memory as a whole by a small read', () => {
    const contents = new Contents(new Space(2 ** 20));
    contents.write(0, Buffer.alloc(2 * CHUNK, 'a'));
    const read = [
      ...contents.read(5, 1),
      ...contents.read(CHUNK - 10, 20),
      ...contents.read(CHUNK, CHUNK / 2 - 1),
    ];
    expect(read.map((piece) => piece.buffer.byteLength)).toEqual([1, 10, 10, CHUNK / 2 - 1]);
    contents.write(0, Buffer.alloc(2 * CHUNK, 'b'));
    for (const piece of read) expect(piece.every((byte) => byte === 0x61)).toBe(true);
  });

  it('are shown without a copy by a large one, and kept as they were', () => {
    const contents = new Contents(new Space(2 ** 20));
    contents.write(0, Buffer.alloc(CHUNK, 'a'));
    const [first] = contents.read(0, CHUNK / 2);
    const [second] = contents.read(CHUNK / 2, CHUNK / 2);
    expect(first!.buffer).toBe(second!.buffer);
    contents.write(0, Buffer.alloc(CHUNK, 'b'));
    expect(first!.every((byte) => byte === 0x61)).toBe(true);
  });
});
