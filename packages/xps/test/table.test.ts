import { expect, it } from 'vitest';
import { formatTable, type NodeProcess } from '../src/table.js';

const base = {
  node: 'n8',
  ...{ pid: 12, ppid: 1, pgrp: 12, psid: 3, tpgid: -1, tty: '??', state: 'S', nice: 0 },
  ...{ cmdline: ['/bin/sleep', '100'], utime: 61_500, stime: 600, xcpusid: '1', xcpujid: 'j1/1' },
} as Partial<NodeProcess> as NodeProcess;

it('aligns the columns that legacy users know', () => {
  const table = formatTable([
    base,
    { ...base, node: 'n10', pid: 1234, xcpujid: '', cmdline: ['kthreadd'], utime: 0, stime: 0 },
  ]);
  expect(table).toBe(
    [
      'NODE  PID TTY STAT TIME JOBID COMMAND',
      'n8     12 ??  S    1:02 j1/1  /bin/sleep 100',
      'n10  1234 ??  S    0:00 -     kthreadd',
      '',
    ].join('\n'),
  );
});

it.each([
  [{}, 'S'],
  [{ nice: -5 }, 'S<'],
  [{ nice: 5 }, 'SN'],
  [{ psid: 12 }, 'Ss'],
  [{ tpgid: 12 }, 'S+'],
  [{ nice: 1, psid: 12, tpgid: 12, state: 'R' }, 'RNs+'],
])('shows the state of %j as %s', (changes, stat) => {
  expect(
    formatTable([{ ...base, ...changes }])
      .split('\n')[1]!
      .split(/ +/)[3],
  ).toBe(stat);
});

it('lets no node drive the terminal', () => {
  const table = formatTable([{ ...base, cmdline: ['evil\x1b[2J\n'], xcpujid: 'j\x07/1' }]);
  expect(table).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  expect(table.split('\n')).toHaveLength(3);
});
