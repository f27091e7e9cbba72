import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatProcessLine,
  formatProcessList,
  MAX_PROCESS_LINE_BYTES,
  PROCESS_LIST_HEADER,
  type ProcessEntry,
  parseProcessList,
  XcpuFormatError,
} from '../src/index.js';

/** What a legacy node served while a job ran. */
const LEGACY_LIST =
  '(pid (cmdline) state ppid pgrp psid tty tpgid utime stime etime priority nice wchan euid suid fsuid egid sgid fsgid vmsize rssize shsize txtsize datsize xcpusid xcpujid ) \n' +
  "(1 (sleep 3000) S 0 0 0 ?? -1 0 0 7960 5 0 0 0 0 0 0 0 0 2560000 1404928 1470464 20480 364544 '' '' ) \n" +
  "(3 (bin/xcpufs -p 21101) R 1 3 3 ?? -1 0 10 7940 5 0 0 65530 65530 65530 65530 65530 65530 9351168 4689920 3870720 114688 1028096 '' '' ) \n" +
  '(12 (/bin/sleep 100) S 3 3 3 ?? -1 0 0 710 5 0 hrtimer_nanosleep 0 0 0 500 500 500 2560000 1454080 1454080 20480 364544 7 j1/1 ) \n';

const SLEEP: ProcessEntry = {
  pid: 12,
  cmdline: ['/bin/sleep', '100'],
  state: 'S',
  ppid: 3,
  pgrp: 3,
  psid: 3,
  tty: '??',
  tpgid: -1,
  utime: 0,
  stime: 0,
  etime: 710,
  priority: 5,
  nice: 0,
  wchan: 'hrtimer_nanosleep',
  euid: 0,
  suid: 0,
  fsuid: 0,
  egid: 500,
  sgid: 500,
  fsgid: 500,
  vmsize: 2560000,
  rssize: 1454080,
  shsize: 1454080,
  txtsize: 20480,
  datsize: 364544,
  xcpusid: '7',
  xcpujid: 'j1/1',
};

describe('legacy process lists', () => {
  it('are read', () => {
    const entries = parseProcessList(LEGACY_LIST);
    expect(entries.map(({ pid }) => pid)).toEqual([1, 3, 12]);
    expect(entries[0]).toMatchObject({ cmdline: ['sleep', '3000'], xcpusid: '', xcpujid: '' });
    expect(entries[2]).toEqual(SLEEP);
  });

  it('are written byte for byte', () => {
    expect(formatProcessList(parseProcessList(LEGACY_LIST))).toBe(LEGACY_LIST);
    expect(LEGACY_LIST.startsWith(PROCESS_LIST_HEADER)).toBe(true);
  });
});

describe('formatProcessLine', () => {
  it.each<[string[], string]>([
    [['sh', '-c', "echo 'a b'; (exit 3)"], "sh -c 'echo ''a b''; (exit 3)'"],
    [['a', '', 'b\nc\x1b'], "a '' b?c?"],
    [[], ''],
  ])('writes the command line %j', (cmdline, text) => {
    expect(formatProcessLine({ ...SLEEP, cmdline })).toContain(`(12 (${text}) S 3`);
  });

  it('lets no later field end or forge a line', () => {
    const line = formatProcessLine({ ...SLEEP, wchan: 'a)\nb', tty: '(x', xcpujid: 'my job/1' });
    expect(line.match(/[()]/g)).toEqual(['(', '(', ')', ')']);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(line).toContain(' ?x -1 ');
    expect(line).toContain(' a??b ');
    expect(line.endsWith(" 7 'my job/1' ) \n")).toBe(true);
  });

  it('refuses numbers that are none', () => {
    expect(() => formatProcessLine({ ...SLEEP, vmsize: Number.NaN })).toThrow(
      new XcpuFormatError('invalid process entry: vmsize is "NaN"'),
    );
    expect(() => formatProcessLine({ ...SLEEP, utime: 0.5 })).toThrow(XcpuFormatError);
  });

  it.each([
    ['one long argument', ['x'.repeat(20_000)]],
    ['one long argument of quotes', ["'".repeat(20_000)]],
    ['one long argument of wide characters', ['𝄞 '.repeat(8_000)]],
    ['many arguments', Array.from({ length: 9_000 }, () => '')],
  ])('cuts %s where C clients end, and fills the line', (_, cmdline) => {
    const line = formatProcessLine({ ...SLEEP, cmdline, wchan: 'w '.repeat(9999) });
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_PROCESS_LINE_BYTES);
    expect(Buffer.byteLength(line)).toBeGreaterThan(MAX_PROCESS_LINE_BYTES - 10);
    const [entry] = parseProcessList(PROCESS_LIST_HEADER + line);
    expect(entry).toMatchObject({ pid: 12, xcpujid: 'j1/1' });
    expect(cmdline.join(' ').startsWith(entry!.cmdline.join(' '))).toBe(true);
  });
});

describe('parseProcessList', () => {
  it('takes the order of the fields from the first line', () => {
    const text = '(xcpujid (cmdline) news pid ) \n(j/1 (a b) 9 5 ) \n(j/1 (a)) b) 9 6 ) \n';
    const entries = parseProcessList(text);
    expect(entries).toHaveLength(2);
    expect(entries[0]).toMatchObject({
      pid: 5,
      cmdline: ['a', 'b'],
      xcpujid: 'j/1',
      ppid: 0,
      tty: '',
    });
    expect(entries[1]).toMatchObject({ pid: 6, cmdline: ['a))', 'b'] });
  });

  it('leaves out lines that cannot be read', () => {
    const lines = [
      '(5 (a',
      'b) S ) ',
      '(x (a) S ) ',
      '(8 a) ',
      "(9 (a) 'S ) ",
      "(7 (it's fine) S ) ",
      "('' (a) S ) ",
    ];
    const entries = parseProcessList(`(pid (cmdline) state ) \n${lines.join('\n')}\n`);
    expect(entries.map(({ pid, cmdline }) => [pid, cmdline])).toEqual([[7, ["it's", 'fine']]]);
  });

  it('reads a command line with stray quotes as words parted by blanks', () => {
    const [entry] = parseProcessList("(pid (cmdline) ) \n(5 (echo 'a  b) ) \n");
    expect(entry?.cmdline).toEqual(['echo', "'a", 'b']);
  });

  it.each([
    '',
    '(1 (sleep) S ) \n',
    '(pid name) \n',
    '(state (cmdline) ppid ) \n',
    "(pid (cmdline) ' ) \n",
  ])('refuses a list that begins with %j', (text) => {
    expect(() => parseProcessList(text)).toThrow('does not name the fields');
  });

  it('gives back what was written, but for characters that lines cannot hold', () => {
    const printable = fc.stringMatching(/^[^\x00-\x1f\x7f-\x9f]{0,40}$/);
    const field = fc.stringMatching(/^[^()\x00-\x1f\x7f-\x9f]{0,40}$/);
    const entry = fc
      .record({
        pid: fc.integer({ min: 1, max: 2 ** 31 }),
        cmdline: fc.array(printable),
        tty: field,
        tpgid: fc.integer(),
        vmsize: fc.maxSafeNat(),
        wchan: field,
        xcpusid: field,
        xcpujid: field,
      })
      .map((change): ProcessEntry => ({ ...SLEEP, ...change }));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        expect(parseProcessList(formatProcessList(entries))).toEqual(entries);
      }),
    );
  });
});
