import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  exitStatusOf,
  formatWaitStatus,
  parseWaitStatus,
  type WaitStatus,
  XcpuFormatError,
} from '../src/index.js';

const statuses: fc.Arbitrary<WaitStatus> = fc.oneof(
  fc.record({ exitCode: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ signal: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ signal: fc.integer({ min: 1, max: 64 }), core: fc.constant(true) }),
);

describe('wait status', () => {
  it.each([
    ['0', { exitCode: 0 }, 0],
    ['768', { exitCode: 3 }, 3],
    ['5632', { exitCode: 22 }, 22],
    ['9', { signal: 9 }, 137],
    ['15', { signal: 15 }, 143],
    ['139', { signal: 11, core: true }, 139],
    ['65280\n', { exitCode: 255 }, 255],
  ])('reads %j', (text, status, exitStatus) => {
    expect(parseWaitStatus(text)).toEqual(status);
    expect(exitStatusOf(parseWaitStatus(text))).toBe(exitStatus);
  });

  it.each(['', '-1', '65536', '3.5', '0x9', 'x', '128', '127', '4991', '777'])(
    'refuses %j',
    (text) => {
      expect(() => parseWaitStatus(text)).toThrow(XcpuFormatError);
    },
  );

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(statuses, (status) => {
        expect(parseWaitStatus(formatWaitStatus(status))).toEqual({ ...status });
      }),
    );
  });

  it.each([{ exitCode: 256 }, { exitCode: -1 }, { signal: 0 }, { signal: 127 }, { signal: 1.5 }])(
    'does not write %j',
    (status) => {
      expect(() => formatWaitStatus(status)).toThrow(XcpuFormatError);
    },
  );
});
