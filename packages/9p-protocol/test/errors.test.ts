import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Errno, NinePError, protocolError } from '../src/index.js';

describe('NinePError.from', () => {
  it('leaves its own as they are', () => {
    const error = protocolError('broken');
    expect(NinePError.from(error)).toBe(error);
    expect(error).toMatchObject({ kind: 'protocol', errno: Errno.EPROTO, message: 'broken' });
  });

  it("keeps number and words of the system's errors, not their paths", () => {
    let thrown: unknown;
    try {
      readFileSync('/nonexistent/secret');
    } catch (error) {
      thrown = error;
    }
    const error = NinePError.from(thrown);
    expect(error).toMatchObject({ ename: 'no such file or directory', errno: Errno.ENOENT });
    expect(error.message).not.toContain('secret');
  });

  it.each([new TypeError('x is not a function'), 'text', undefined, { errno: -2, code: 'ENOENT' }])(
    'says nothing of other things: %s',
    (thrown) => {
      const error = NinePError.from(thrown);
      expect(error).toMatchObject({ ename: 'internal error', errno: Errno.EIO, kind: 'file' });
      if (thrown !== undefined) expect(error.cause).toBe(thrown);
    },
  );
});
