import { describe, expect, it } from 'vitest';
import { compareTables, formatDifferences } from '../src/comparison.js';
import type { Entry } from '../src/entries.js';

const user = (name: string, uid: number, groups: string[] = [], key?: string): Entry => ({
  ...{ name, uid, gid: 7, groups },
  ...(key === undefined ? {} : { key }),
});

const table = (node: string, ...entries: Entry[]) => ({ node, entries });

describe('the comparison of tables', () => {
  it('finds none where there is nothing to compare, or all is the same in another order', () => {
    expect(compareTables([])).toEqual([]);
    expect(compareTables([table('n1', user('a', 1))])).toEqual([]);
    const tables = [
      table('n1', user('a', 1, ['x', 'y']), user('b', 2)),
      table('n2', user('b', 2), user('a', 1, ['y', 'x'])),
    ];
    expect(compareTables(tables)).toEqual([]);
    expect(formatDifferences([])).toBe('');
  });

  it('folds the nodes that have a difference in common', () => {
    const tables = [
      table('n1', user('a', 1), user('b', 2)),
      table('n2', user('a', 1)),
      table('n3', user('a', 5), user('c', 3)),
      table('n4', user('a', 1), user('b', 2), user('c', 3)),
    ];
    expect(formatDifferences(compareTables(tables))).toBe(
      ['n[2-3]: missing b:2:7', 'n3: different a:5:7; on n1 a:1:7', 'n[3-4]: extra c:3:7\n'].join(
        '\n',
      ),
    );
  });

  it('compares groups', () => {
    const tables = [table('n1', { name: 'g', gid: 1 }), table('n2', { name: 'g', gid: 2 })];
    expect(formatDifferences(compareTables(tables))).toBe('n2: different g:2; on n1 g:1\n');
  });

  it('counts keys where both tell them, and shows them only then', () => {
    const tables = [
      table('n1', user('a', 1, [], 'SHA256:one')),
      table('n2', user('a', 1)),
      table('n3', user('a', 1, [], 'SHA256:other')),
    ];
    expect(formatDifferences(compareTables(tables))).toBe(
      'n3: different a:1:7 with key SHA256:other; on n1 a:1:7 with key SHA256:one\n',
    );
  });

  it('lets no name of a node drive the terminal', () => {
    const tables = [table('n1'), table('n2', user('a\u202eb', 1))];
    expect(formatDifferences(compareTables(tables))).toBe('n2: extra a?b:1:7\n');
  });
});
