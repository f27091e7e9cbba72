import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatNodeStatuses,
  formatStatfsConfig,
  parseNodeState,
  parseNodeStatuses,
  parseStatfsConfig,
  XcpuFormatError,
} from '../src/index.js';

describe('state of statfs', () => {
  const text =
    'n1\ttcp!127.0.0.1!22501\t/Linux/x86_64\tup\t0\n' +
    'n3\t127.0.0.1!21599\tunknown (not read yet)\tdown(disconnected)\t12\n';
  const nodes = [
    { name: 'n1', addr: 'tcp!127.0.0.1!22501', arch: '/Linux/x86_64', state: 'up', numjobs: 0 },
    {
      name: 'n3',
      addr: '127.0.0.1!21599',
      arch: 'unknown (not read yet)',
      state: 'down(disconnected)',
      numjobs: 12,
    },
  ];

  it('reads and writes what legacy statfs serves', () => {
    expect(parseNodeStatuses(text)).toEqual(nodes);
    expect(formatNodeStatuses(nodes)).toBe(text);
  });

  it('gives back what it was made from', () => {
    const field = fc.stringMatching(/^[^\t\n]*$/);
    const node = fc.record(
      {
        name: fc.stringMatching(/^[^\t\n]+$/),
        addr: field,
        arch: field,
        state: field,
        numjobs: fc.nat(),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(node), (value) => {
        expect(parseNodeStatuses(formatNodeStatuses(value))).toEqual(value);
      }),
    );
  });

  it.each(['n1', 'n1\ta\tb\tup\tx', '\ta\tb\tup\t0', 'n1\ta\tb\tup\t0\t', 'n1\ta\tb\tup\t-1'])(
    'refuses %j',
    (line) => {
      expect(() => parseNodeStatuses(line)).toThrow(/^node state line 1: expected five fields/);
    },
  );

  it.each([{ state: 'up\t9' }, { name: '' }, { addr: 'a\nb' }, { numjobs: -1 }, { numjobs: 0.5 }])(
    'does not write %j',
    (change) => {
      expect(() => formatNodeStatuses([{ ...nodes[0]!, ...change }])).toThrow(XcpuFormatError);
    },
  );
});

describe('parseNodeState', () => {
  it('takes short text, without the newline of echo', () => {
    expect(parseNodeState('')).toBe('');
    expect(parseNodeState('draining for repair\n')).toBe('draining for repair');
    expect(parseNodeState('x'.repeat(63))).toHaveLength(63);
  });

  it.each(['x'.repeat(64), 'é'.repeat(32), 'a\tb', 'a\nb', 'a\n\n', '\x1b[m'])(
    'refuses %j',
    (text) => {
      expect(() => parseNodeState(text)).toThrow(/^invalid state: /);
    },
  );
});

describe('statfs configuration', () => {
  it('reads nodes, comments and blanks', () => {
    expect(
      parseStatfsConfig('# nodes\nn1=tcp!10.0.0.1!22501\n\n n2 = 10.0.0.2 # second\nn-3=fd00::2'),
    ).toEqual([
      { name: 'n1', address: { host: '10.0.0.1', port: 22501 }, addr: 'tcp!10.0.0.1!22501' },
      { name: 'n2', address: { host: '10.0.0.2' }, addr: '10.0.0.2' },
      { name: 'n-3', address: { host: 'fd00::2' }, addr: 'fd00::2' },
    ]);
  });

  it('reports every fault by line and reason', () => {
    try {
      parseStatfsConfig('n1\nn2=a!0\n=b\nn3=c\nn3=d\nn 4=e');
      expect.unreachable();
    } catch (error) {
      expect((error as XcpuFormatError).problems).toEqual([
        'line 1: expected name=[tcp!]host[!port], found "n1"',
        'line 2: invalid address "a!0": a port is a number from 1 to 65535',
        `line 3: invalid node name "": use letters, digits, '.', '-' and '_'`,
        'line 5: node "n3" is named twice',
        `line 6: invalid node name "n 4": use letters, digits, '.', '-' and '_'`,
      ]);
    }
  });

  it('gives back what it was made from', () => {
    const node = fc
      .record({
        host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
        port: fc.integer({ min: 1, max: 65535 }),
      })
      .map(({ host, port }) => ({ address: { host, port }, addr: `${host}!${port}` }));
    fc.assert(
      fc.property(fc.array(node), (value) => {
        const nodes = value.map((each, index) => ({ name: `n${index}`, ...each }));
        expect(parseStatfsConfig(formatStatfsConfig(nodes))).toEqual(nodes);
      }),
    );
  });

  it('writes an address as it was given', () => {
    const address = { host: 'h' };
    expect(
      formatStatfsConfig([
        { name: 'a', address, addr: 'tcp!h' },
        { name: 'b', address },
      ]),
    ).toBe('a=tcp!h\nb=h\n');
    expect(() => formatStatfsConfig([{ name: 'a=b', address }])).toThrow(XcpuFormatError);
    expect(() => formatStatfsConfig([{ name: 'a ', address }])).toThrow(XcpuFormatError);
  });
});
