import { describe, expect, it } from 'vitest';
import { NinePError, parseAddress } from '../../src/index.js';

describe('an address', () => {
  it.each([
    ['tcp!n8!6668', 'n8', 6668],
    ['net!n8!9fs', 'n8', 564],
    ['tcp!n8!9pfs', 'n8', 564],
    ['tcp!n8', 'n8', 564],
    ['n8!80', 'n8', 80],
    ['n8', 'n8', 564],
    ['n8:80', 'n8', 80],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:80', '::1', 80],
    ['[::1]', '::1', 564],
    ['::1', '::1', 564],
    ['tcp!::1!80', '::1', 80],
    ['tcp![fe80::1%eth0]!80', 'fe80::1%eth0', 80],
    ['tcp!*!564', '*', 564],
  ])('%s is a host and a port', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ kind: 'tcp', host, port });
  });

  it.each([
    ['unix!/run/files', '/run/files'],
    ['unix!a!b', 'a!b'],
    ['/run/files', '/run/files'],
    ['./s', './s'],
  ])('%s is a socket', (text, path) => {
    expect(parseAddress(text)).toEqual({ kind: 'unix', path });
  });

  it('has the port that its user is used to', () => {
    expect(parseAddress('n8', 6668)).toMatchObject({ port: 6668 });
    expect(parseAddress('n8!9fs', 6668)).toMatchObject({ port: 564 });
  });

  it.each([
    '',
    ' ',
    'n8 80',
    'n8!',
    'n8:',
    'n8:x',
    'n8:65536',
    'n8!-1',
    '!80',
    ':80',
    'unix!',
    'udp!n8!80',
    'tcp!n8!80!x',
    'tcp!a/b!80',
    '[::1',
    'n8!1e3',
    'n8\n',
  ])('%j is none', (text) => {
    expect(() => parseAddress(text)).toThrow(NinePError);
    expect(() => parseAddress(text)).toThrow('tcp!host!port');
  });
});
