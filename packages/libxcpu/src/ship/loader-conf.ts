import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { SourceTree } from './source-tree.js';

/** Files that may include each other: a file in a circle is read once, and a chain ends here. */
const MAX_FILES = 1024;

/**
 * The directories that a tree's `/etc/ld.so.conf` and what it includes name, in order. Source: ldconfig(8): one
 * directory in a line, `include PATTERN…`, comments behind `#`; old lines may end in `=TYPE`.
 */
export function configuredDirectories(tree: SourceTree, file = '/etc/ld.so.conf'): string[] {
  const directories: string[] = [];
  const read = new Set<string>();
  const readOne = (path: string) => {
    const real = tree.real(path);
    if (real === undefined || read.has(real) || read.size >= MAX_FILES) return;
    read.add(real);
    for (const line of linesOf(tree.local(real))) {
      const words = line
        .replace(/#.*/, '')
        .trim()
        .split(/[\s,:]+/);
      if (words[0] === 'include') {
        const patterns = words.slice(1).map((word) => posix.resolve(posix.dirname(path), word));
        for (const included of patterns.flatMap((pattern) => matches(tree, pattern))) {
          readOne(included);
        }
      } else if (words[0] !== 'hwcap') {
        const named = words.map((word) => word.replace(/=.*/, ''));
        directories.push(...named.filter((word) => word.startsWith('/')));
      }
    }
  };
  readOne(file);
  return directories;
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/**
 * The files of a glob(7) pattern, which may have `*`, `?` and `[…]` in its last name, as every one that is in use has.
 */
function matches(tree: SourceTree, pattern: string): string[] {
  const name = posix.basename(pattern);
  if (!/[*?[]/.test(name)) return [pattern];
  const directory = posix.dirname(pattern);
  const real = tree.real(directory);
  if (real === undefined) return [];
  const source = name
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
  try {
    const wanted = new RegExp(`^${source}$`, 's');
    return readdirSync(tree.local(real))
      .filter((entry) => wanted.test(entry) && !entry.startsWith('.'))
      .sort()
      .map((entry) => posix.join(directory, entry));
  } catch {
    return [];
  }
}
