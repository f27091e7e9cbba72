import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSessionId, NO_SESSION_ID, parseSessionId, XcpuFormatError } from '../src/index.js';

const previous = { jobid: 'old', rank: 5 };

describe('parseSessionId', () => {
  it.each([
    ['job7/3', { jobid: 'job7', rank: 3 }],
    ['job7', { jobid: 'job7', rank: 5 }],
    ['job7/', { jobid: 'job7', rank: 5 }],
    ['/1', { jobid: 'old', rank: 1 }],
    ['/', previous],
    ['my job/0', { jobid: 'my job', rank: 0 }],
  ])('reads %j', (text, id) => {
    expect(parseSessionId(text, previous)).toEqual(id);
  });

  it('starts from an unset id', () => {
    expect(parseSessionId('/1')).toEqual({ jobid: '', rank: 1 });
    expect(formatSessionId(NO_SESSION_ID)).toBe('/0');
  });

  it.each([
    ['', 'syntax error'],
    ['a/b/3', 'syntax error'],
    ['a/3/', 'syntax error'],
    ['a/3x', 'syntax error'],
    ['a/+3', 'syntax error'],
    ['a/2147483648', 'syntax error'],
    ['a)/3', 'syntax error'],
    ['a\nb/3', 'syntax error'],
    [`${'x'.repeat(257)}/3`, 'syntax error'],
    ['a/-3', 'negative id not permitted'],
  ])('refuses %j', (text, message) => {
    expect(() => parseSessionId(text)).toThrow(new XcpuFormatError(message));
  });
});

describe('formatSessionId', () => {
  it('gives back what it was made from', () => {
    const ids = fc.record({
      jobid: fc.stringMatching(/^[^/()\x00-\x1f\x7f]{0,40}$/),
      rank: fc.nat(),
    });
    fc.assert(
      fc.property(ids, (id) => {
        expect(parseSessionId(formatSessionId(id))).toEqual({ ...id });
      }),
    );
  });

  it.each([
    { jobid: 'a/b', rank: 1 },
    { jobid: 'a)', rank: 1 },
    { jobid: 'a', rank: -1 },
    { jobid: 'a', rank: 0.5 },
  ])('refuses %j', (id) => {
    expect(() => formatSessionId(id)).toThrow(XcpuFormatError);
  });
});
