import { describe, expect, it } from 'vitest';
import { Errno } from '../src/index.js';
import { linuxNumber, linuxText, readableText } from '../src/linux-words.js';

describe('linuxText', () => {
  it.each([
    ['directory not empty', Errno.ENOTEMPTY, 'Directory not empty'],
    // In Node's words:
    ['name too long', Errno.ENAMETOOLONG, 'File name too long'],
    ['illegal operation on a directory', Errno.EISDIR, 'Is a directory'],
  ])('%s', (text, errno, expected) => {
    expect(linuxText(text, errno)).toBe(expected);
    expect(linuxNumber(expected)).toBe(errno);
    expect(linuxText(expected, errno)).toBe(expected);
  });

  it.each([
    ['too many fids (limit 5)', Errno.EMFILE],
    ['file not found', Errno.ENOENT],
    ['directory not empty', Errno.EIO],
    ['i/o error', Errno.EIO],
    ['file already exists', Errno.EEXIST],
    ['stale file handle', Errno.ESTALE],
    ['unknown user', 0],
  ])('leaves what says more, or what Linux knows as it is: %s', (text, errno) => {
    expect(linuxText(text, errno)).toBe(text);
    expect(linuxNumber(text)).toBeUndefined();
  });
});

it('readableText begins like the rest of a sentence', () => {
  expect(readableText('Directory not empty')).toBe('directory not empty');
  expect(readableText('Somebody else: Directory not empty')).toBe(
    'Somebody else: Directory not empty',
  );
});
