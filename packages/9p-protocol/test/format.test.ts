import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMessage } from '../src/index.js';
import { anyMessage } from './arbitraries.js';

describe('formatMessage', () => {
  it('says what a message says', () => {
    const walk = { type: 110, tag: 3, fid: 0, newfid: 5, names: ['clone', 'a b'] } as const;
    expect(formatMessage(walk)).toBe('Twalk tag 3 fid 0 newfid 5 names ["clone" "a b"]');
    const qid = { type: 0x80, version: 2, path: 255 };
    expect(formatMessage({ type: 105, tag: 1, qid })).toBe('Rattach tag 1 qid (ff 2 80)');
    const read = { type: 117, tag: 1, data: Buffer.from('x'.repeat(60)) } as const;
    expect(formatMessage(read)).toBe(`Rread tag 1 data 60 bytes "${'x'.repeat(48)}"…`);
  });

  it('is one line without anything that a terminal obeys', () => {
    fc.assert(
      fc.property(anyMessage('9P2000.u'), (message) => {
        expect(formatMessage(message)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      }),
      { numRuns: 500 },
    );
  });
});
