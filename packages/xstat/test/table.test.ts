import type { NodeDetails } from '@xcpu/xcpu-protocol';
import { expect, it } from 'vitest';
import { formatTable } from '../src/table.js';

const UP: NodeDetails = {
  ...{ name: 'n8', addr: '10.0.0.8', arch: '/Linux/x86_64', state: 'up', numjobs: 12 },
  load: { load1: 0.5, memavailable: 3 * 2 ** 30, memtotal: 4 * 2 ** 30, uptime: 3 * 3600 + 720 },
};
const DOWN: NodeDetails = {
  ...{ name: 'n10', addr: 'tcp!n10!7000', arch: 'unknown (not read yet)', numjobs: 0, load: {} },
  state: 'down(disconnected)',
};

it('aligns what is known', () => {
  expect(formatTable([UP, DOWN])).toBe(
    [
      'NODE ADDRESS      ARCH          STATE              JOBS LOAD   MEMORY UPTIME',
      'n8   10.0.0.8     /Linux/x86_64 up                   12 0.50 1.0/4.0G  3h12m',
      'n10  tcp!n10!7000 -             down(disconnected)    0    -        -      -',
      '',
    ].join('\n'),
  );
});

it('has no columns for what no node tells', () => {
  expect(formatTable([{ ...UP, load: {} }])).toBe(
    'NODE ADDRESS  ARCH          STATE JOBS\nn8   10.0.0.8 /Linux/x86_64 up      12\n',
  );
});

it.each([
  [59, '0m'],
  [3599, '59m'],
  [86_399, '23h59m'],
  [90_000, '1d1h'],
])('shows %i seconds as %s', (uptime, shown) => {
  const line = formatTable([{ ...UP, load: { uptime } }]).split('\n')[1]!;
  expect(line.split(/ +/).at(-1)).toBe(shown);
});

it('lets no node drive the terminal', () => {
  expect(formatTable([{ ...UP, state: '\x1b[2J' }])).not.toContain('\x1b');
});
