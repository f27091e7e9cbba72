import { QidType } from '@xcpu/9p-protocol';
import type { FileKind, FileStat } from '@xcpu/9p-protocol/client';
import { describe, expect, it } from 'vitest';
import { formatLong, modeText } from '../src/long-format.js';
import { formatStat } from '../src/stat-text.js';

const NOW = new Date(2026, 10, 21, 12, 0).getTime();

function statOf(changes: Partial<FileStat> = {}): FileStat {
  const mtimeMs = NOW - 60_000;
  return {
    ...{ kind: 'file', mode: 0o644, size: 12, qid: { type: 0, version: 3, path: 0x2a } },
    ...{ atimeMs: mtimeMs, mtimeMs, atimeNs: 0n, mtimeNs: 0n, user: 'alice', group: 'staff' },
    ...changes,
  } as FileStat;
}

describe('ls -l', () => {
  it('aligns the columns', () => {
    const rows = [
      { name: 'a', stat: statOf() },
      { name: 'sub', stat: statOf({ kind: 'directory', mode: 0o755, size: 0, user: 'bo' }) },
      { name: 'l', stat: statOf({ kind: 'symlink', mode: 0o777, size: 1234 }), target: 'a' },
    ];
    expect(formatLong(rows, NOW)).toBe(
      [
        '-rw-r--r-- alice staff   12 Nov 21 11:59 a',
        'drwxr-xr-x bo    staff    0 Nov 21 11:59 sub',
        'lrwxrwxrwx alice staff 1234 Nov 21 11:59 l -> a',
        '',
      ].join('\n'),
    );
  });

  it.each([
    [new Date(2026, 5, 3, 4, 5), 'Jun  3 04:05'],
    [new Date(2026, 4, 3, 4, 5), 'May  3  2026'],
    [new Date(1999, 11, 31), 'Dec 31  1999'],
    [new Date(2027, 0, 1), 'Jan  1  2027'],
  ])('shows %s as %s', (time, text) => {
    const stat = statOf({ mtimeMs: time.getTime() });
    expect(formatLong([{ name: 'x', stat }], NOW)).toContain(` ${text} x\n`);
  });

  it('shows numbers where there are no names, and ? where there is neither', () => {
    const { user: _, group: __, ...nobody } = statOf();
    expect(formatLong([{ name: 'x', stat: { ...nobody, uid: 1000 } }], NOW)).toMatch(/ 1000 \? /);
    expect(formatLong([{ name: 'x', stat: statOf({ user: '', uid: 7 }) }], NOW)).toMatch(/ 7 /);
  });

  it.each<[FileKind, number, number, string]>([
    ['file', 0o4755, 0, '-rwsr-xr-x'],
    ['file', 0o2644, 0, '-rw-r-Sr--'],
    ['directory', 0o1777, QidType.DIR, 'drwxrwxrwt'],
    ['directory', 0o1770, QidType.DIR, 'drwxrwx--T'],
    ['file', 0o600, QidType.APPEND, 'arw-------'],
    ['pipe', 0, 0, 'p---------'],
    ['socket', 0o7, 0, 's------rwx'],
    ['character-device', 0o070, 0, 'c---rwx---'],
    ['block-device', 0o421, 0, 'br---w---x'],
  ])('writes the mode of a %s %i %i as %s', (kind, mode, type, text) => {
    expect(modeText({ kind, mode, qid: { type, version: 0, path: 0 } })).toBe(text);
  });
});

describe('stat', () => {
  it('has a line for each field that the server told', () => {
    expect(formatStat('/x', statOf({ mtimeNs: 1_500_000_000n, uid: 1000 }), undefined)).toBe(
      [
        '    path: /x',
        '    kind: file',
        '    mode: 0644 -rw-r--r--',
        '   owner: alice (1000)',
        '   group: staff',
        '    size: 12',
        'accessed: 1970-01-01T00:00:00Z',
        'modified: 1970-01-01T00:00:01.500000000Z',
        '     qid: 2a version 3 type 0',
        '',
      ].join('\n'),
    );
  });

  it('knows times before 1970 and beyond all calendars, links, devices and types of qids', () => {
    const stat = statOf({
      ...{ kind: 'block-device', rdev: 2049, nlink: 2, blocks: 8, ctimeNs: -1n },
      ...{
        mtimeNs: 10n ** 30n,
        btimeNs: 0n,
        qid: { type: 0xc0, version: 0, path: 2n ** 64n - 1n },
      },
    });
    const lines = formatStat('x', stat, 'to').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '  target: to',
        '   links: 2',
        '  blocks: 8 of 512 bytes',
        '  device: 2049',
        'modified: 1000000000000000000000 s since 1970',
        ' changed: 1969-12-31T23:59:59.999999999Z',
        ' created: 1970-01-01T00:00:00Z',
        '     qid: ffffffffffffffff version 0 type c0 (directory, append only)',
      ]),
    );
  });
});
