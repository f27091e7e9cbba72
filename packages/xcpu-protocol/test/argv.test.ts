import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatArgv, parseArgv, XcpuFormatError } from '../src/index.js';

describe('argv', () => {
  it('reads what legacy clients write', () => {
    expect(parseArgv("/bin/sh -c 'echo one; echo two >&2; cat'")).toEqual([
      '/bin/sh',
      '-c',
      'echo one; echo two >&2; cat',
    ]);
  });

  it('keeps empty arguments and newlines', () => {
    expect(formatArgv(['a', '', 'b\nc'])).toBe("a '' 'b\nc'");
  });

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^\0]*$/)), (args) => {
        expect(parseArgv(formatArgv(args))).toEqual(args);
      }),
    );
  });

  it('refuses NUL and unterminated quotes', () => {
    expect(() => formatArgv(['a\0b'])).toThrow(XcpuFormatError);
    expect(() => parseArgv('a\0b')).toThrow('holds a NUL');
    expect(() => parseArgv("'a")).toThrow('unterminated quote');
  });
});
