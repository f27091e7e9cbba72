import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatNodeMap,
  lookupNode,
  MAX_NODE_MAP_LENGTH,
  nodeMapPaths,
  parseNode,
  parseNodeMap,
} from '../src/index.js';
import { anyNode } from './reference.js';

describe('parseNodeMap', () => {
  it('reads lines, comments and blank lines', () => {
    const { map, errors } = parseNodeMap(
      '\uFEFF# our nodes\r\nn8=tcp!10.0.0.8!7000\r\n\n  n9 = node9.example.org # rack 2\nn10=[fd00::2]!6668\nn11=fd00::3',
    );
    expect(errors).toEqual([]);
    expect([...map]).toEqual([
      ['n8', { host: '10.0.0.8', port: 7000 }],
      ['n9', { host: 'node9.example.org' }],
      ['n10', { host: 'fd00::2', port: 6668 }],
      ['n11', { host: 'fd00::3' }],
    ]);
  });

  it('reports every faulty line and keeps the others', () => {
    const { map, errors } = parseNodeMap(
      [
        'n1',
        'n2=',
        'n3=a',
        '=a',
        'n4=a!99999',
        'n3=b',
        'n[5-6]=a',
        'u@n7=a',
        'n8!1=a',
        'n9=u@a',
        'n10=a=b',
      ].join('\n'),
    );
    expect([...map.keys()]).toEqual(['n3']);
    expect(map.get('n3')).toEqual({ host: 'a' });
    expect(errors.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '1: "n1" is not name=[tcp!]host[!port]',
      '2: address "": a host name is missing',
      '4: name "": a host name is missing',
      '5: address "a!99999": port "99999" is not 1 to 65535',
      '6: node "n3" has an address in line 3 already',
      '7: name "n[5-6]": "n[5-6]" is not one node; ranges are not possible here',
      '8: name "u@n7": a plain name is wanted, without user, tcp! or port',
      '9: name "n8!1": a plain name is wanted, without user, tcp! or port',
      '10: address "u@a": a user name is not possible here',
      '11: address "a=b": a host name cannot have the character "="',
    ]);
  });

  it('refuses a file that is too long', () => {
    const { map, errors } = parseNodeMap(`n1=a\n${'#'.repeat(MAX_NODE_MAP_LENGTH)}`);
    expect(map.size).toBe(0);
    expect(errors).toEqual([{ line: 1, reason: 'the file is longer than 16777216 characters' }]);
  });

  it('reads what formatNodeMap writes', () => {
    const address = anyNode.map((node) => {
      const { user: _, ...rest } = parseNode(node);
      return rest;
    });
    const name = anyNode.map((node) => parseNode(node).host).filter((host) => !host.includes(':'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, address)), (entries) => {
        const map = new Map(entries);
        expect(parseNodeMap(formatNodeMap(map))).toEqual({ map, errors: [] });
      }),
    );
  });
});

describe('lookupNode', () => {
  const { map } = parseNodeMap('n8=10.0.0.8!7000\nn9=10.0.0.9');

  it.each([
    ['n8', { host: '10.0.0.8', port: 7000 }],
    ['n8!1', { host: '10.0.0.8', port: 1 }],
    ['u@n8', { user: 'u', host: '10.0.0.8', port: 7000 }],
    ['tcp!n9', { host: '10.0.0.9' }],
    ['n9!1', { host: '10.0.0.9', port: 1 }],
    ['u@n10!1', { user: 'u', host: 'n10', port: 1 }],
  ])('finds %j', (node, address) => {
    expect(lookupNode(map, parseNode(node))).toEqual(address);
  });
});

describe('nodeMapPaths', () => {
  it('gives the places in their order', () => {
    expect(nodeMapPaths({ XCPU_NODES_FILE: '/n', HOME: '/home/u' })).toEqual([
      '/n',
      '/home/u/.config/xcpu/nodes',
      '/etc/xcpu/nodes',
    ]);
    expect(nodeMapPaths({ XCPU_NODES_FILE: '', HOME: '/home/u' }, '/h')).toEqual([
      '/h/.config/xcpu/nodes',
      '/etc/xcpu/nodes',
    ]);
    expect(nodeMapPaths({})).toEqual(['/etc/xcpu/nodes']);
  });
});
