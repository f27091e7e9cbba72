import { expect, it } from 'vitest';
import { formatSummary } from '../src/summary.js';

const node = (name: string, state: string) => ({
  ...{ name, state, addr: name, arch: '', numjobs: 0 },
});

it.each([
  [[], 'up 0'],
  [['up', 'up'], 'up 2'],
  [['up', 'down(disconnected)', 'up', 'down(no_contact)'], 'up 2, down 2: n[2,4]'],
  [['drained', 'up', 'drained', 'down'], 'up 1, drained 2: n[1,3], down 1: n4'],
  [['\x1b[2J'], 'up 0, ?[2J 1: n1'],
  [['up ', 'upside', 'UP'], 'up 0, up  1: n1, upside 1: n2, UP 1: n3'],
])('sums up %j', (states, summary) => {
  expect(formatSummary(states.map((state, index) => node(`n${index + 1}`, state)))).toBe(summary);
});

it('tells only some words of schedulers apart', () => {
  const nodes = Array.from({ length: 100 }, (_, index) => node(`n${index}`, `word ${index}`));
  expect(formatSummary(nodes)).toMatch(/, word 7 1: n7, other 92: n\[8-99\]$/);
});
