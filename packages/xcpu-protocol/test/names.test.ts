import { describe, expect, it } from 'vitest';
import { checkGroupName, checkUserName, XcpuFormatError } from '../src/index.js';

describe('user and group names', () => {
  it.each(['root', 'xcpu-admin', 'a.b_c', 'jürgen', 'x'.repeat(256)])('takes %j', (name) => {
    expect(checkUserName(name)).toBe(name);
    expect(checkGroupName(name)).toBe(name);
  });

  it.each([
    '',
    '.',
    '..',
    'a/b',
    'a:b',
    'a,b',
    'a b',
    'a\tb',
    'a\nb',
    'a\0b',
    "a'b",
    '\ud800',
    'é'.repeat(129),
  ])('refuses %j', (name) => {
    expect(() => checkUserName(name)).toThrow(XcpuFormatError);
    expect(() => checkGroupName(name)).toThrow(/^invalid group name "/);
  });
});
