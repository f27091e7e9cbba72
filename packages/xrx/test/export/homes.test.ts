import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { homesBelow } from '../../src/export/homes.js';
import { directory, mounted, names } from './support.js';

describe('homesBelow', () => {
  const below = (links: Readonly<Record<string, string>>, trees: readonly string[] = []) => {
    const root = directory({
      'data/home/ann/file': '',
      's/arm64/etc': null,
      's/riscv64/home': null,
    });
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
    return { root, homes: homesBelow(root, trees) };
  };

  it.each([
    [{}, '/home', false],
    [{ home: 'data/home' }, '/data/home', false],
    [{ home: '/data/home' }, '/data/home', true],
    [{ home: '/../../data/./home/' }, '/data/home', true],
    [{ home: 'h', h: '/data/home' }, '/data/home', true],
    [{ home: 'h/home', h: 'data' }, '/data/home', false],
  ])('%j: the directory, and whether a link is in its way', (links, path, inTheWay) => {
    const { homes } = below(links);
    expect(homes).toEqual({ directory: path, emptied: inTheWay ? ['/home'] : [] });
  });

  it.each([
    { home: '/none' },
    { home: 'home' },
    { home: 'a', a: 'home' },
    { home: '/data/home/ann/file' },
  ])('%j: nowhere', (links) => {
    expect(below(links).homes).toBeUndefined();
  });

  it('looks at the trees of other machines, too', () => {
    const trees = ['/s/arm64', '/s/riscv64', '/s/none'];
    const { homes } = below({ 's/arm64/home': '/data/home' }, trees);
    expect(homes).toEqual({ directory: '/home', emptied: ['/s/arm64/home'] });
  });

  it('what it names is an empty directory for nodes', async () => {
    const { root, homes } = below({ home: '/data/home' });
    mkdirSync(join(root, 'etc'));
    const { files } = await mounted({ root, mountPoints: ['/home'], emptied: homes!.emptied });
    expect(await files.stat('/home')).toMatchObject({ kind: 'directory' });
    expect(await names(files, '/home')).toEqual([]);
    expect(await names(files, '/data/home')).toEqual(['ann']);
    expect(await names(files, '/')).toContain('home');
  });
});
