import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatNode, parseNode } from '../src/index.js';
import { anyNode } from './reference.js';

describe('parseNode', () => {
  it.each([
    ['n8', { host: 'n8' }],
    ['n8.example-site.org', { host: 'n8.example-site.org' }],
    ['10.0.0.7!7000', { host: '10.0.0.7', port: 7000 }],
    ['tcp!n8', { host: 'n8' }],
    ['tcp!n8!1', { host: 'n8', port: 1 }],
    ['tcp!tcp!65535', { host: 'tcp', port: 65535 }],
    ['tcp', { host: 'tcp' }],
    ['fd00::2', { host: 'fd00::2' }],
    ['[fd00::2]', { host: 'fd00::2' }],
    ['[fd00::2]!7000', { host: 'fd00::2', port: 7000 }],
    ['tcp!fd00::2!6668', { host: 'fd00::2', port: 6668 }],
    ['fe80::1%eth0', { host: 'fe80::1%eth0' }],
    ['::ffff:10.0.0.1', { host: '::ffff:10.0.0.1' }],
    ['user@n8', { user: 'user', host: 'n8' }],
    ['user.name@tcp!n8!7', { user: 'user.name', host: 'n8', port: 7 }],
    ['u@[::1]!7', { user: 'u', host: '::1', port: 7 }],
  ])('reads %j', (text, address) => {
    expect(parseNode(text)).toEqual(address);
    expect(parseNode(formatNode(address))).toEqual(address);
  });

  it.each([
    ['', 'a host name is missing'],
    ['n8!', 'port "" is not 1 to 65535'],
    ['n8!0', 'port "0" is not 1 to 65535'],
    ['n8!65536', 'port "65536" is not 1 to 65535'],
    ['n8!070', 'port "070" is not 1 to 65535'],
    ['n8!ssh', 'port "ssh" is not 1 to 65535'],
    ['!7000', 'a host name is missing'],
    ['tcp!', 'a host name is missing'],
    ['udp!n8!7', 'transport "udp" is not known, only tcp'],
    ['tcp!n8!7!8', '"tcp!n8!7!8" has too many "!"; write host, host!port or tcp!host!port'],
    ['n8:7000', '"n8:7000" is not an IPv6 address; ports are written host!port'],
    ['[fd00::2', '"[fd00::2" is not an IPv6 address; ports are written host!port'],
    ['fe80::1%a/b', '"fe80::1%a/b" is not an IPv6 address; ports are written host!port'],
    ['n[8]', '"n[8]" is not one node; ranges are not possible here'],
    ['n8 ', 'a host name cannot have the character " "'],
    ['n8,n9', 'a host name cannot have the character ","'],
    ['n\u00e9', 'a host name cannot have the character "\u00e9"'],
    ['a@b@c', 'a host name cannot have the character "@"'],
    ['-n8', 'a host name cannot start with "-"'],
    ['.n8', 'a host name cannot start with "."'],
    ['@n8', 'a user name is missing before "@"; nodeset -f makes nodes of a group @NAME'],
    ['-u@n8', 'a user name cannot start with "-"'],
    ['a:b@n8', 'a user name cannot have the character ":"'],
    ['tcp!u@n8', 'the user name comes first: user@tcp!host!port'],
    [`${'n'.repeat(513)}`, 'a node has at most 512 characters'],
  ])('refuses %j: %s', (text, reason) => {
    expect(() => parseNode(text)).toThrow(
      expect.objectContaining({ name: 'NodeSetError', reason }),
    );
  });

  it('reads what formatNode writes', () => {
    fc.assert(
      fc.property(anyNode, (node) => {
        expect(parseNode(formatNode(parseNode(node)))).toEqual(parseNode(node));
      }),
    );
  });
});
