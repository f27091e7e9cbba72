import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatNodeLoad, parseNodeLoad } from '../src/index.js';

const load = {
  load1: 0.12,
  load5: 1.5,
  load15: 3,
  cpus: 8,
  memtotal: 67_330_478_080,
  memavailable: 1_234_567_168,
  uptime: 4242,
};

it('writes a line for each number, and reads it', () => {
  const text =
    'load1 0.12\nload5 1.5\nload15 3\ncpus 8\nmemtotal 67330478080\nmemavailable 1234567168\nuptime 4242\n';
  expect(formatNodeLoad(load)).toBe(text);
  expect(parseNodeLoad(text)).toEqual(load);
});

it('leaves out what is not known, on either side', () => {
  expect(formatNodeLoad({ cpus: 2 })).toBe('cpus 2\n');
  expect(parseNodeLoad('swapfree 17\ncpus 2\nload1 high\nload5 -1\nuptime 1e9\n')).toEqual({
    cpus: 2,
  });
});

it('makes numbers, or nothing, of any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const value of Object.values(parseNodeLoad(`load1 ${text}\n${text}`))) {
        expect(Number.isFinite(value) && value >= 0).toBe(true);
      }
    }),
  );
});
