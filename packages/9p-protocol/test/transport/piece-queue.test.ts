import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PieceQueue } from '../../src/index.js';
import { liesIn } from '../support/wire.js';

describe('a queue of pieces', () => {
  it('gives the bytes back in order, however they are put in and taken', () => {
    const bytes = fc.uint8Array({ maxLength: 20 });
    const step = fc.oneof(bytes, fc.integer({ min: 0, max: 60 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new PieceQueue();
        let expected = Buffer.alloc(0);
        for (const step of steps) {
          if (typeof step !== 'number') {
            queue.push(step);
            expected = Buffer.concat([expected, step]);
          } else {
            const taken = Buffer.concat(queue.take(step));
            expect(taken).toEqual(expected.subarray(0, step));
            expected = expected.subarray(taken.length);
          }
          expect(queue.byteLength).toBe(expected.length);
        }
      }),
    );
  });

  it('copies nothing', () => {
    const queue = new PieceQueue();
    const piece = Buffer.alloc(10);
    queue.push(piece);
    for (const taken of [...queue.take(4), ...queue.take(100)])
      expect(liesIn(taken, piece)).toBe(true);
  });

  it('lets go of all when it is cleared', () => {
    const queue = new PieceQueue();
    queue.push(Buffer.from('abc'));
    queue.take(1);
    queue.clear();
    expect(queue.byteLength).toBe(0);
    queue.push(Buffer.from('new'));
    expect(Buffer.concat(queue.take(9)).toString()).toBe('new');
  });

  it('holds many pieces without growing slow', () => {
    const queue = new PieceQueue();
    const count = 200_000;
    for (let n = 0; n < count; n++) queue.push(Buffer.of(n & 255));
    let sum = 0;
    for (let n = 0; n < count; n++) sum += queue.take(1)[0]![0]!;
    expect(sum).toBe(Math.floor(count / 256) * 32_640 + sumTo((count % 256) - 1));
  });
});

function sumTo(last: number): number {
  return (last * (last + 1)) / 2;
}
