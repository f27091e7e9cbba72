import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkNamespace,
  DEFAULT_NAMESPACE,
  MAX_PATH_BYTES,
  type NamespacePolicy,
  type NamespaceStep,
  parseNamespace,
  SESSION_NAMESPACE,
} from '../src/index.js';

const check = (text: string, policy?: NamespacePolicy) =>
  checkNamespace(
    parseNamespace(text, (name) => (name === 'XCPUTSADDR' ? 'session!term' : undefined)),
    policy,
  );
const reasons = (text: string, policy?: NamespacePolicy) =>
  check(text, policy).map(({ reason }) => reason);

describe('checkNamespace', () => {
  it.each([
    DEFAULT_NAMESPACE,
    SESSION_NAMESPACE,
    '',
    'cd /tmp',
    'cd /\nunshare\nmkdir /a\numount /a',
    'bind /a /b',
    'cache n8 /mnt\ncache -o ro session!term /opt',
    'import n8!564 /mnt\nimport [fd00::1] /mnt',
    'tmpfs /a\ntmpfs /a size=64m,mode=1777,nr_inodes=10k\ntmpfs /b size=50%',
  ])('lets everybody have %j', (text) => {
    expect(check(text)).toEqual([]);
  });

  it('names line and reason of all that is wrong', () => {
    expect(
      check(
        "bind /a ''\nunshare\nchroot /a\nchroot /b\nunshare\nmount none /m proc x\ncache h! /m",
      ),
    ).toEqual([
      { line: 1, reason: 'bind: a path is empty' },
      { line: 2, reason: 'unshare comes before all but cd, and once' },
      { line: 4, reason: 'chroot more than once' },
      { line: 5, reason: 'unshare comes before all but cd, and once' },
      {
        line: 6,
        reason:
          "mount: only the node's administrator may; bind, import and tmpfs are for everybody",
      },
      { line: 7, reason: expect.stringMatching(/^cache: .*h!/) },
    ]);
  });

  it('lets mount through as far as the policy says', () => {
    const text = 'mount none /m nfs ro';
    expect(reasons(text, { mountTypes: 'all' })).toEqual([]);
    expect(reasons(text, { mountTypes: ['nfs', 'tmpfs'] })).toEqual([]);
    expect(reasons(text, { mountTypes: ['tmpfs'] })).toEqual([
      'mount: type "nfs" is not allowed, only tmpfs; bind, import and tmpfs are for everybody',
    ]);
  });

  it.each(['', 'ro', 'ro,vers=4.2,noatime', 'data=journal,errors=remount-ro', 'size=1m'])(
    'lets users have the options %j of types that they may mount',
    (options) => {
      const text = `mount none /m nfs '${options}'`;
      expect(reasons(text, { mountTypes: ['nfs'] })).toEqual([]);
    },
  );

  it.each([
    ...[
      'bind',
      'ro,bind',
      'BIND',
      'rbind',
      'move',
      'remount,rw',
      'loop',
      'loop=/dev/loop1',
      'ro,suid',
    ],
    ...[
      'dev',
      'X-mount.subdir=/root',
      'x-anything',
      'shared',
      'context="a',
      'context=a',
      'rfdno=3',
    ],
    ...['a="b,c"', 'a\\,bind', 'a b'],
  ])('keeps %j for administrators', (options) => {
    const text = `mount none /m nfs '${options}'`;
    expect(reasons(text, { mountTypes: 'all' })).toEqual([]);
    expect(reasons(text, { mountTypes: ['nfs'] })).toEqual([
      expect.stringMatching(/^mount: .*(?:administrator|without quotes)/),
    ]);
  });

  it.each([
    'size=0',
    'size=0k',
    'size=101%',
    'size=0%',
    'size',
    'size=',
    'size=1m,size=2m',
    'size=1 m',
    'mode=4755',
    'mode=888',
    'nr_inodes=0',
    'uid=0',
    'gid=0',
    'suid',
    'dev',
    'size=1m,dev',
    'size=1m,',
    ',',
    'mode=700,mpol=local',
    'huge=always',
    'constructor=1',
    'SIZE=1m',
  ])('refuses tmpfs with %j', (options) => {
    expect(reasons(`tmpfs /a '${options}'`)).toEqual([expect.stringMatching(/^tmpfs: /)]);
  });

  it('takes tmpfs options only in the three forms, whatever they are', () => {
    const part = fc.stringMatching(/^[ -&(-~]{1,12}$/);
    const made = fc.oneof(
      part,
      fc.tuple(fc.constantFrom('size', 'mode', 'nr_inodes', 'uid'), part).map((p) => p.join('=')),
    );
    fc.assert(
      fc.property(fc.array(made, { minLength: 1 }), (parts) => {
        const options = parts.join(',');
        if (reasons(`tmpfs /a '${options}'`).length > 0) return;
        expect(options).toMatch(
          /^(?:(?:size=\d+[kmg%]?|nr_inodes=\d+[kmg]?|mode=[0-7]+)(?:,(?!$)|$)){1,3}$/i,
        );
      }),
    );
  });

  it('wants addresses that are some', () => {
    expect(reasons('import a:1 /m')).toEqual([
      `import: invalid address "a:1": a port follows '!', as in a!1`,
    ]);
    expect(reasons('import session!terms /m')).toEqual([
      'import: invalid address "session!terms": a port is a number from 1 to 65535',
    ]);
    expect(reasons('import $HERE /m')).toEqual([
      'import: "$HERE" names a variable that is not set',
    ]);
    expect(reasons('import $HERE /m', { unresolved: true })).toEqual([]);
  });

  it('bounds paths in bytes, and lets none hold a NUL', () => {
    expect(reasons(`cd ${'x'.repeat(MAX_PATH_BYTES)}`)).toEqual([]);
    expect(reasons(`cd ${'ä'.repeat(MAX_PATH_BYTES / 2 + 1)}`)).toEqual([
      expect.stringContaining('is longer than 4095 bytes'),
    ]);
    const steps: NamespaceStep[] = [{ line: 3, command: 'bind', old: '/a', new: '/b\0' }];
    expect(checkNamespace(steps)).toEqual([{ line: 3, reason: 'bind: a path holds a NUL' }]);
  });
});
