import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, XCPUFS_PORT, XcpuFormatError } from '../src/index.js';

describe('parseAddress', () => {
  it.each([
    ['n8', { host: 'n8' }],
    ['tcp!n8', { host: 'n8' }],
    ['n8!7000', { host: 'n8', port: 7000 }],
    ['tcp!127.0.0.1!22501', { host: '127.0.0.1', port: 22501 }],
    ['tcp!fd00::2!6668', { host: 'fd00::2', port: 6668 }],
    ['fd00::2', { host: 'fd00::2' }],
    ['[fd00::2]!1', { host: 'fd00::2', port: 1 }],
    ['fe80::1%eth0!65535', { host: 'fe80::1%eth0', port: 65535 }],
    ['node_1.example-site.org', { host: 'node_1.example-site.org' }],
    ['tcp', { host: 'tcp' }],
  ])('reads %j', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it('gives the default port to an address without one, and only to that', () => {
    expect(parseAddress('n8', XCPUFS_PORT)).toEqual({ host: 'n8', port: 6668 });
    expect(parseAddress('n8!7', XCPUFS_PORT)).toEqual({ host: 'n8', port: 7 });
  });

  it.each([
    ['', 'expected a host name or an IP address'],
    ['tcp!', 'expected a host name'],
    ['!6668', 'expected a host name'],
    ['a b', 'expected a host name'],
    ['a/b', 'expected a host name'],
    ['$XCPUTSADDR', 'expected a host name'],
    ['-n', 'expected a host name'],
    ['n8:6668', "a port follows '!', as in n8!6668"],
    ['[n8]', 'only an IPv6 address may stand in brackets'],
    ['n8!0', 'a port is a number from 1 to 65535'],
    ['n8!65536', 'a port is a number'],
    ['n8!+5', 'a port is a number'],
    ['n8!', 'a port is a number'],
    ['il!n8!17', 'expected [tcp!]host[!port]'],
    ['tcp!n8!17!4', 'expected [tcp!]host[!port]'],
    ['x'.repeat(301), 'too long'],
  ])('refuses %j', (text, reason) => {
    expect(() => parseAddress(text)).toThrow(XcpuFormatError);
    expect(() => parseAddress(text)).toThrow(reason);
  });
});

describe('formatAddress', () => {
  it('gives back what it was made from', () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.domain(),
      fc.constantFrom('tcp', 'n8', '6668', 'fe80::1%lo'),
    );
    const address = fc.record(
      { host, port: fc.integer({ min: 1, max: 65535 }) },
      { requiredKeys: ['host'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(address, (value) => {
        expect(parseAddress(formatAddress(value))).toEqual(value);
      }),
    );
  });

  it.each([{ host: 'a!b' }, { host: '' }, { host: 'n8', port: 0 }, { host: 'n8', port: 1.5 }])(
    'refuses %j',
    (address) => {
      expect(() => formatAddress(address)).toThrow(XcpuFormatError);
    },
  );
});
