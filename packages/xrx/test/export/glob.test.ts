import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { glob, literally } from '../../src/export/glob.js';
import { directory } from './support.js';

describe('glob', () => {
  const found = (pattern: string, most = 100) => {
    const top = directory({
      'a/x.conf': '',
      'a/y.conf': '',
      'a/.z.conf': '',
      'b/x.conf': '',
      'b/[x]': '',
    });
    return glob(`${literally(top)}/${pattern}`, most)
      .map((path) => path.slice(top.length + 1))
      .sort();
  };

  it.each([
    ['a/x.conf', ['a/x.conf']],
    ['none/x', ['none/x']],
    ['a/*', ['a/x.conf', 'a/y.conf']],
    ['a/*.conf', ['a/x.conf', 'a/y.conf']],
    ['a/.*', ['a/.z.conf']],
    ['a/?.conf', ['a/x.conf', 'a/y.conf']],
    ['*/x.conf', ['a/x.conf', 'b/x.conf']],
    ['*/none', ['a/none', 'b/none']],
    ['a/[y-z].conf', ['a/y.conf']],
    ['a/[!x]*', ['a/y.conf']],
    ['a/[^a-wz].co[n]f', ['a/x.conf', 'a/y.conf']],
    ['b/\\[x]', ['b/[x]']],
    ['b/[[]x[]]', ['b/[x]']],
    ['b/[*', ['b/[x]']],
    ['a/*x*o*f', ['a/x.conf']],
    ['c/*', []],
  ])('%s', (pattern, paths) => {
    expect(found(pattern)).toEqual(paths);
  });

  it('finds no more than it is to, and takes its time for no pattern', () => {
    expect(found('*/*', 3)).toHaveLength(3);
    const top = directory({ ['a'.repeat(250)]: '' });
    expect(glob(`${top}/${'*a'.repeat(200)}*b`, 10)).toEqual([]);
  });

  it('finds by the literal form of a path that path and no other', () => {
    const name = fc.stringMatching(/^[-a\\*?[\]!^]{1,8}$/);
    fc.assert(
      fc.property(name, (name) => {
        expect(glob(join('/', literally(name)), 10)).toEqual([`/${name}`]);
      }),
    );
  });

  it('finds nothing for a relative pattern', () => {
    expect(glob('*', 10)).toEqual([]);
    expect(glob('', 10)).toEqual([]);
  });
});
