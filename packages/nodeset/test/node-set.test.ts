import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNodes, count, expand, fold, NodeSet, NodeSetError } from '../src/index.js';
import { anyNode, naiveCompare, naiveSort } from './reference.js';

describe('expand', () => {
  it.each([
    ['', ''],
    [' \n', ''],
    ['n8', 'n8'],
    ['n[8-11]', 'n8 n9 n10 n11'],
    ['n[8]', 'n8'],
    ['n[1-3,7,10-12/2]', 'n1 n2 n3 n7 n10 n12'],
    ['n[ 1-2 ]', 'n1 n2'],
    ['n[8-12/2]', 'n8 n10 n12'],
    ['n[1-10/4]', 'n1 n5 n9'],
    ['n[001-003]', 'n001 n002 n003'],
    ['n[08-11]', 'n08 n09 n10 n11'],
    ['n[098-101]', 'n098 n099 n100 n101'],
    ['n[98-101]', 'n98 n99 n100 n101'],
    ['n[08-100/46]', 'n08 n54 n100'],
    ['n[0-1]', 'n0 n1'],
    ['n[00-01]', 'n00 n01'],
    ['a[1-2]b[1-3]', 'a1b1 a1b2 a1b3 a2b1 a2b2 a2b3'],
    ['r[1-2]-n[01-02].org', 'r1-n01.org r1-n02.org r2-n01.org r2-n02.org'],
    ['n1[2-3]', 'n12 n13'],
    ['n[1-2]0', 'n10 n20'],
    ['[1-2][8-11]', '18 19 28 29 110 111 210 211'],
    ['a,b[1-3],10.0.0.7!7000', '10.0.0.7!7000 a b1 b2 b3'],
    ['10.0.[0-1].[254-255]', '10.0.0.254 10.0.0.255 10.0.1.254 10.0.1.255'],
    ['tcp!n[1-2]!7000', 'tcp!n1!7000 tcp!n2!7000'],
    ['n1![7000-7001]', 'n1!7000 n1!7001'],
    ['tcp!fd00::2!6668', 'tcp!fd00::2!6668'],
    ['[fd00::2],[fd00::2]!7000,fd00::3', '[fd00::2] [fd00::2]!7000 fd00::3'],
    ['u@[fd00::2]![1-2]', 'u@[fd00::2]!1 u@[fd00::2]!2'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['root@n8,user@n[1-2]', 'root@n8 user@n1 user@n2'],
    ['n2,n10,n1,n2,n[1-2]', 'n1 n2 n10'],
    ['n1,n1a,n2,n2a,n', 'n n1 n1a n2 n2a'],
    ['n002,n2,n1,n001,n01', 'n1 n01 n001 n2 n002'],
    ['a b\tc\nd , e', 'a b c d e'],
    ['n[1, 3]', 'n1 n3'],
    ['n1234567890123456789', 'n1234567890123456789'],
  ])('%j is %j', (text, nodes) => {
    expect(expand(text).join(' ')).toBe(nodes);
    expect(count(text)).toBe(expand(text).length);
  });

  it('has a limit that the caller can set', () => {
    expect(expand('n[1-1000000]')).toHaveLength(1_000_000);
    expect(expand('n[1-3]', { limit: 3 })).toHaveLength(3);
    expect(() => expand('n[1-1000001]')).toThrow(
      'node set "n[1-1000001]": names 1000001 nodes, more than the limit of 1000000',
    );
    expect(() => expand('n[1-4]', { limit: 3 })).toThrow(NodeSetError);
  });

  it('does what a naive expansion does', () => {
    const range = fc
      .tuple(fc.nat(120), fc.nat(15), fc.integer({ min: 1, max: 4 }), fc.nat(3))
      .map(([from, extent, step, width]) => ({ from, to: from + extent, step, width }));
    const piece = fc.oneof(
      fc.constantFrom('a', '-', '0', '7'),
      fc.array(range, { minLength: 1, maxLength: 3 }),
    );
    const term = fc.array(piece, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(term, { maxLength: 4 }), (terms) => {
        const written: string[] = [];
        const names: string[] = [];
        for (const pieces of terms) {
          let text = 'n';
          let expanded = ['n'];
          for (const part of pieces) {
            if (typeof part === 'string') {
              text += part;
              expanded = expanded.map((name) => name + part);
              continue;
            }
            const items = part.map(({ from, to, step, width }) => {
              const pad = (value: number) => String(value).padStart(width, '0');
              const numbers: string[] = [];
              for (let value = from; value <= to; value += step) {
                numbers.push(pad(value));
              }
              return { text: `${pad(from)}-${pad(to)}${step > 1 ? `/${step}` : ''}`, numbers };
            });
            text += `[${items.map((item) => item.text).join(',')}]`;
            const numbers = items.flatMap((item) => item.numbers);
            expanded = expanded.flatMap((name) => numbers.map((number) => name + number));
          }
          written.push(text);
          names.push(...expanded);
          fc.pre(names.length < 20_000);
        }
        const set = NodeSet.parse(written.join(','));
        const wanted = naiveSort(names);
        expect([...set]).toEqual(wanted);
        expect(set.size).toBe(wanted.length);
        expect(expand(set.toString())).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });
});

describe('fold', () => {
  it.each([
    ['', ''],
    ['n8', 'n8'],
    ['n11 n10 n9 n8', 'n[8-11]'],
    ['n08 n09 n10 n11', 'n[08-11]'],
    ['n8 n9 n08 n09 n10', 'n[8-9,08-10]'],
    ['n9 n010', 'n[9,010]'],
    ['n9 n00', 'n[9,00]'],
    ['n098 n099 n100', 'n[098-100]'],
    ['n99 n100 n0100', 'n[99-100,0100]'],
    ['n1 n2 n3 n7', 'n[1-3,7]'],
    ['n1 n3 n5', 'n[1,3,5]'],
    ['n10 n12 n14', 'n[10-14/2]'],
    ['n8 n10 n12 n14 n20', 'n[8-14/2,20]'],
    ['a1b1 a1b2 a2b1 a2b2', 'a[1-2]b[1-2]'],
    ['a1b1 a1b2 a2b1', 'a1b[1-2],a2b1'],
    ['a1b1 a3b1 a2b2', 'a[1,3]b1,a2b2'],
    ['n2!7000 n1!7000', 'n[1-2]!7000'],
    ['h!7001 h!7000', 'h![7000-7001]'],
    ['fd00::2 fd00::3', 'fd00::2,fd00::3'],
    ['u@n1 u@n2 n1', 'n1,u@n[1-2]'],
    ['b a10 a9', 'a[9-10],b'],
  ])('%j is %j', (nodes, text) => {
    expect(fold(nodes.split(' ').filter(Boolean))).toBe(text);
  });

  it('refuses what is not one node', () => {
    expect(() => fold(['n[1-2]'])).toThrow(
      '"n[1-2]" is not one node; ranges are not possible here',
    );
    expect(() => fold(['a,b'])).toThrow(NodeSetError);
    expect(() => fold(['n1', ''])).toThrow('a host name is missing');
  });

  it('expands back to the same nodes, sorted', () => {
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 60 }), (names) => {
        expect(expand(fold(names))).toEqual(naiveSort(names));
      }),
      { numRuns: 500 },
    );
  });

  it('gives equal text for equal sets', () => {
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 30 }), (names) => {
        const pieces = NodeSet.of(names.slice(0, 10)).union(NodeSet.of(names.slice(10)));
        expect(pieces.toString()).toBe(fold(names.toReversed()));
      }),
    );
  });

  it('folds ten thousand names of one pattern into one term', () => {
    const names = Array.from(
      { length: 10_000 },
      (_, i) => `r${(i * 7) % 100}n${i % 100 < 50 ? 1 : 2}-${i}`,
    );
    expect(expand(fold(names))).toEqual(naiveSort(names));
    const grid = Array.from({ length: 10_000 }, (_, i) => `r${i % 100}n${Math.floor(i / 100)}`);
    expect(fold(grid)).toBe('r[0-99]n[0-99]');
  });
});

describe('NodeSet', () => {
  it('counts, looks up and combines without expanding', () => {
    const all = NodeSet.parse('n[1-1000000000]');
    const some = NodeSet.parse('n[5-1000000002],m');
    expect(all.size).toBe(1_000_000_000);
    expect(all.has('n999999999')).toBe(true);
    expect(all.has('n1000000001')).toBe(false);
    expect(all.has('n01')).toBe(false);
    expect(all.union(some).toString()).toBe('m,n[1-1000000002]');
    expect(all.difference(some).toString()).toBe('n[1-4]');
    expect(all.intersection(some).toString()).toBe('n[5-1000000000]');
    expect(count('a[1-1000]b[1-1000],a[500-2000]b[3-5]')).toBe(1_000_000 + 3 * 1000);
  });

  it('is walked from the start without being made', () => {
    const nodes = NodeSet.parse('n[1-1000000000],n[01-99999999]')[Symbol.iterator]();
    expect(Array.from({ length: 5 }, () => nodes.next().value)).toEqual([
      'n1',
      'n01',
      'n2',
      'n02',
      'n3',
    ]);
  });

  it('agrees with a plain Set', () => {
    const nodes = fc.array(anyNode, { maxLength: 40 });
    fc.assert(
      fc.property(nodes, nodes, (as, bs) => {
        const [a, b] = [NodeSet.of(as), NodeSet.of(bs)];
        const [plainA, plainB] = [new Set(as), new Set(bs)];
        expect(a.size).toBe(plainA.size);
        expect([...a.union(b)]).toEqual(naiveSort([...as, ...bs]));
        expect([...a.difference(b)]).toEqual(naiveSort(as.filter((name) => !plainB.has(name))));
        expect([...a.intersection(b)]).toEqual(naiveSort(as.filter((name) => plainB.has(name))));
        for (const name of [...as, ...bs]) {
          expect(a.has(name)).toBe(plainA.has(name));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with a plain Set where ranges of several dimensions overlap', () => {
    const end = fc
      .tuple(fc.nat(12), fc.nat(6))
      .map(([from, extent]) => `[${from}-${from + extent}]`);
    const text = fc
      .array(
        fc.tuple(end, end, end).map(([x, y, z]) => `a${x}b${y}c${z}`),
        { minLength: 1, maxLength: 4 },
      )
      .map((terms) => terms.join(','));
    fc.assert(
      fc.property(text, text, (x, y) => {
        const [a, b] = [NodeSet.parse(x), NodeSet.parse(y)];
        const [plainA, plainB] = [new Set(a), new Set(b)];
        expect(a.union(b).size).toBe(new Set([...plainA, ...plainB]).size);
        expect([...a.difference(b)]).toEqual([...plainA].filter((name) => !plainB.has(name)));
        expect([...a.intersection(b)]).toEqual([...plainA].filter((name) => plainB.has(name)));
        expect(a.toString()).toBe(fold(a));
      }),
      { numRuns: 60 },
    );
  });

  it('does not find what is not a node', () => {
    const set = NodeSet.parse('n1,a1b2');
    for (const name of ['', 'n', 'n[1]', 'n1,', 'a\x001b2', 'a1\0b2', 'n1 ', ']', '[']) {
      expect(set.has(name)).toBe(false);
    }
  });
});

describe('compareNodes', () => {
  it('is natural order', () => {
    fc.assert(
      fc.property(anyNode, anyNode, (a, b) => {
        expect(Math.sign(compareNodes(a, b))).toBe(Math.sign(naiveCompare(a, b)));
      }),
    );
    expect(['n10', 'n2', 'n01', 'n1'].sort(compareNodes)).toEqual(['n1', 'n01', 'n2', 'n10']);
  });
});
