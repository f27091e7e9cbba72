import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  formatNodeDetails,
  type NodeDetails,
  nodeFields,
  parseNodeDetails,
  XcpuFormatError,
} from '../src/index.js';

const UP: NodeDetails = {
  ...{ name: 'n1', addr: '10.0.0.1', arch: '/Linux/x86_64', state: 'up', numjobs: 3 },
  load: { load1: 0.5, load5: 1, load15: 2, memavailable: 50, memtotal: 100, uptime: 4242 },
  lastSeen: 1_800_000_000,
};
const DOWN: NodeDetails = {
  ...{ name: 'n2', addr: 'tcp!n2!7000', arch: 'unknown (not read yet)', numjobs: 0 },
  ...{ state: 'down(disconnected)', load: {}, lastSeen: undefined },
};
const TEXT = `name\taddr\tstate\tarch\tjobs\tload\tmemory\tuptime\tlastseen
n1\t10.0.0.1\tup\t/Linux/x86_64\t3\t0.5 1 2\t50 100\t4242\t1800000000
n2\ttcp!n2!7000\tdown(disconnected)\tunknown (not read yet)\t0\tunknown\tunknown\tunknown\tnever
`;

it('writes what is known, and reads it', () => {
  expect(formatNodeDetails([UP, DOWN])).toBe(TEXT);
  expect(parseNodeDetails(TEXT)).toEqual([UP, DOWN]);
});

it('says what it does not know, all numbers of a field together', () => {
  expect(nodeFields({ ...UP, load: { load1: 1, memtotal: 5, uptime: 7 } })).toMatchObject({
    load: 'unknown',
    memory: 'unknown',
    uptime: '7',
  });
});

it('finds columns by their names', () => {
  const text = 'arch\tweather\tname\tjobs\taddr\tstate\n/Linux/arm\tfine\tn3\t0\ta\tup\n';
  const node = { name: 'n3', addr: 'a', arch: '/Linux/arm', state: 'up', numjobs: 0, load: {} };
  expect(parseNodeDetails(text)).toEqual([node]);
});

it.each([
  ['name\taddr\tstate\tarch\tjobs\nn1\ta\tup\n', /line 2: expected name, addr, state and arch/],
  ['name\taddr\tstate\tarch\tjobs\nn1\ta\tup\tx\tmany\n', /line 2: expected a number of jobs/],
])('refuses %j', (text, reason) => {
  expect(() => parseNodeDetails(text)).toThrow(reason);
});

it('does not write what would break a line', () => {
  expect(() => formatNodeDetails([{ ...UP, state: 'a\tb' }])).toThrow(XcpuFormatError);
});

it('throws nothing but its own error for any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseNodeDetails(`name\taddr\tstate\tarch\tjobs\n${text}`);
      } catch (error) {
        expect(error).toBeInstanceOf(XcpuFormatError);
      }
    }),
  );
});
