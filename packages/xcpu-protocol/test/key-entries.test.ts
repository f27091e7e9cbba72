import { describe, expect, it } from 'vitest';
import {
  fingerprint,
  formatKeyEntries,
  parseKeyEntries,
  parsePublicKey,
  XcpuFormatError,
} from '../src/index.js';
import { LEGACY_ADMIN_KEY, LEGACY_USER_KEY } from './support.js';

const key = parsePublicKey(LEGACY_USER_KEY);

describe('fingerprint', () => {
  it('is what ssh-keygen -l prints', () => {
    expect(fingerprint(key)).toBe('SHA256:U78hqjTO0hkDLeSl4uNqYWcMhjYkARvxO8hj5Wp+eXM');
  });

  it('is the same whatever the comment', () => {
    const [type, blob] = LEGACY_USER_KEY.split(' ');
    expect(fingerprint(parsePublicKey(`${type} \t${blob}\tme and you`))).toBe(fingerprint(key));
    expect(fingerprint(parsePublicKey(LEGACY_ADMIN_KEY))).not.toBe(fingerprint(key));
  });
});

describe('keys', () => {
  it('gives back what it was made from', () => {
    const entries = [
      { name: 'ann', fingerprint: fingerprint(key) },
      { name: 'bob', fingerprint: fingerprint(parsePublicKey(LEGACY_ADMIN_KEY)) },
    ];
    expect(parseKeyEntries(formatKeyEntries(entries))).toEqual(entries);
    expect(parseKeyEntries('')).toEqual([]);
  });

  it.each([
    ['ann', 'keys line 1: expected name:SHA256:fingerprint, found "ann"'],
    ['ann:SHA256:short', 'keys line 1: expected name:SHA256:fingerprint'],
    [`ann:b:${fingerprint(key)}`, 'keys line 1: expected name:SHA256:fingerprint'],
    [`:${fingerprint(key)}`, 'keys line 1: invalid user name'],
  ])('refuses %j', (text, reason) => {
    expect(() => parseKeyEntries(text)).toThrow(XcpuFormatError);
    expect(() => parseKeyEntries(text)).toThrow(reason);
  });

  it('forges no lines', () => {
    const entry = { name: 'a\nb', fingerprint: fingerprint(key) };
    expect(() => formatKeyEntries([entry])).toThrow(XcpuFormatError);
  });
});
