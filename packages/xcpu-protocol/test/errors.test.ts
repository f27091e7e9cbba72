import { describe, expect, it } from 'vitest';
import { show, XcpuFormatError } from '../src/index.js';

describe('XcpuFormatError', () => {
  it('is an Error with one problem', () => {
    const cause = new Error('below');
    const error = new XcpuFormatError('invalid key', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'XcpuFormatError', message: 'invalid key', cause });
    expect(error.problems).toEqual(['invalid key']);
  });

  it('joins several problems', () => {
    const error = new XcpuFormatError(['line 1: a', 'line 2: b']);
    expect(error.message).toBe('line 1: a; line 2: b');
    expect(error.problems).toHaveLength(2);
  });
});

describe('show', () => {
  it('quotes, escapes control characters and cuts', () => {
    expect(show('a"b')).toBe('"a\\"b"');
    expect(show('\x1b[2J\x9b\n')).toBe('"\\u001b[2J\\u009b\\n"');
    expect(show('x'.repeat(1000))).toBe(`"${'x'.repeat(64)}…"`);
  });
});
