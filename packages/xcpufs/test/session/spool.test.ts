import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Spool } from '../../src/session/spool.js';
import { temporaryDirectory, textOf } from '../support.js';

const SEGMENT = 100;

describe('a spool', () => {
  it('keeps the newest bytes, in order, under its quota', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: SEGMENT }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 10 }), async (list, segments) => {
        const quota = segments * SEGMENT;
        const spool = new Spool(join(temporaryDirectory(), 's'), quota, SEGMENT);
        let written = '';
        for (const [index, length] of list.entries()) {
          const data = String.fromCharCode(65 + (index % 60)).repeat(length);
          written += data;
          await spool.append([Buffer.from(data)]);
          expect(written.length - spool.start).toBeLessThanOrEqual(quota);
          expect(await all(spool, written.length)).toBe(written.slice(spool.start));
        }
        // Never less than what fits into all segments but the oldest, half full at the worst.
        const least = Math.min(written.length, ((segments - 1) * SEGMENT) / 2);
        expect(written.length - spool.start).toBeGreaterThanOrEqual(least);
        await spool.close();
      }),
      { numRuns: 40 },
    );
  });

  it('begins where it is told, and knows nothing of what was before', async () => {
    const spool = new Spool(join(temporaryDirectory(), 's'), 1_000, SEGMENT);
    spool.begin(5_000);
    await spool.append([Buffer.from('abc'), Buffer.from('def')]);
    expect(spool.start).toBe(5_000);
    expect(await textOf(spool.read(5_001, 4))).toBe('bcde');
    expect(await spool.read(4_999, 10)).toEqual([]);
    expect(await spool.read(5_006, 10)).toEqual([]);
    await spool.close();
  });

  it('leaves no name on the disk', async () => {
    const directory = temporaryDirectory();
    const spool = new Spool(join(directory, 's'), 1_000, SEGMENT);
    await spool.append([Buffer.alloc(90), Buffer.alloc(90)]);
    expect(readdirSync(directory)).toEqual([]);
    await spool.close();
  });

  it('counts as dropped what the disk does not take, and goes on with what it takes later', async () => {
    const spool = new Spool(join(temporaryDirectory(), 'missing', 's'), 1_000, SEGMENT);
    await spool.append([Buffer.from('lost'), Buffer.from('too')]);
    expect(spool.start).toBe(7);
    expect(await spool.read(0, 7)).toEqual([]);
    await spool.close();
  });

  it('opens nothing once it is closed, even in the middle of a write', async () => {
    const before = openDescriptors();
    const spool = new Spool(join(temporaryDirectory(), 's'), 10_000, SEGMENT);
    const writing = spool.append(Array.from({ length: 20 }, () => Buffer.alloc(SEGMENT)));
    await spool.close();
    await writing;
    expect(spool.start).toBe(20 * SEGMENT);
    expect(await spool.read(0, 10)).toEqual([]);
    expect(openDescriptors()).toBe(before);
  });
});

async function all(spool: Spool, end: number): Promise<string> {
  let text = '';
  for (let at = spool.start; at < end; ) {
    const piece = await textOf(spool.read(at, end - at));
    if (piece === '') break;
    text += piece;
    at += piece.length;
  }
  return text;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
