import { describe, expect, it } from 'vitest';
import { behaviours, formatTap, runConformance } from '../../src/conformance/index.js';
import { attachments, dialects, memory } from './subjects.js';

describe('the conformance suite', () => {
  it('has at least 150 behaviours, each of its own name', () => {
    const names = new Set(behaviours.map(({ name }) => name));
    expect(names.size).toBe(behaviours.length);
    expect(names.size).toBeGreaterThanOrEqual(150);
  });

  for (const dialect of dialects) {
    for (const [name, who] of Object.entries(attachments)) {
      it(`is passed in ${dialect} by files in memory, as ${name}`, async () => {
        const results = await runConformance({ connect: memory(), dialect, ...who });
        expect(formatTap(results.filter(({ outcome }) => outcome === 'failed'))).toBe(
          formatTap([]),
        );
      }, 30_000);
    }
  }

  it('is passed by files whose numbers are beyond 2^53', async () => {
    const connect = memory({ firstPath: 2n ** 63n });
    const results = await runConformance({ connect, dialect: '9P2000.L', ...attachments.root! });
    expect(formatTap(results.filter(({ outcome }) => outcome === 'failed'))).toBe(formatTap([]));
  }, 30_000);
});
