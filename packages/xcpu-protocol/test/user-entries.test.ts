import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatGroupEntries,
  formatUserEntries,
  parseGroupEntries,
  parseUserEntries,
  XcpuFormatError,
} from '../src/index.js';

const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/);
const id = fc.integer({ min: 0, max: 0xfffffffe });

describe('pwent', () => {
  const text = 'root:0:500:xgrp\nnobody:9999:0\nxcpu-admin:65530:65530:xcpu-admin,xgrp\n';
  const users = [
    { name: 'root', uid: 0, gid: 500, groups: ['xgrp'] },
    { name: 'nobody', uid: 9999, gid: 0, groups: [] },
    { name: 'xcpu-admin', uid: 65530, gid: 65530, groups: ['xcpu-admin', 'xgrp'] },
  ];

  it('reads and writes what legacy nodes write', () => {
    expect(parseUserEntries(text)).toEqual(users);
    expect(formatUserEntries(users)).toBe(text);
  });

  it('gives back what it was made from', () => {
    const entry = fc.record({ name, uid: id, gid: id, groups: fc.array(name, { maxLength: 5 }) });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const copies = entries.map((e) => ({ ...e }));
        expect(parseUserEntries(formatUserEntries(copies))).toEqual(copies);
      }),
    );
  });

  it.each([
    ['root', 'pwent line 1: expected name:uid:gid:groups, found "root"'],
    ['a:1:2:g:h', 'pwent line 1: expected name:uid:gid:groups'],
    ['a:1:2\nb:x:2', 'pwent line 2: "x" is not a user or group number'],
    ['a:4294967295:2', 'not a user or group number'],
    [':1:2', 'invalid user name ""'],
    ['a:1:2:g,', 'invalid group name ""'],
  ])('refuses %j', (line, message) => {
    expect(() => parseUserEntries(line)).toThrow(message);
  });

  it('does not let a name forge a line', () => {
    const user = { name: 'eve', uid: 1, gid: 1, groups: [] };
    expect(() => formatUserEntries([{ ...user, name: 'eve\nroot:0:0' }])).toThrow(XcpuFormatError);
    expect(() => formatUserEntries([{ ...user, groups: ['a,b'] }])).toThrow(XcpuFormatError);
    expect(() => formatUserEntries([{ ...user, uid: -1 }])).toThrow(XcpuFormatError);
  });
});

describe('grent', () => {
  it('reads and writes what legacy nodes write', () => {
    const groups = [
      { name: 'xgrp', gid: 500 },
      { name: 'xcpu-admin', gid: 65530 },
    ];
    expect(parseGroupEntries('xgrp:500\nxcpu-admin:65530\n')).toEqual(groups);
    expect(formatGroupEntries(groups)).toBe('xgrp:500\nxcpu-admin:65530\n');
  });

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, id)), (pairs) => {
        const groups = pairs.map(([n, gid]) => ({ name: n, gid }));
        expect(parseGroupEntries(formatGroupEntries(groups))).toEqual(groups);
      }),
    );
  });

  it.each(['xgrp', 'xgrp:500:x', 'xgrp:', 'x y:5'])('refuses %j', (line) => {
    expect(() => parseGroupEntries(line)).toThrow(/^grent line 1: /);
  });
});
