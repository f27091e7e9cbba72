import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Kinds of machine that are looked for: a cluster has a handful. */
const MAX_SYSROOTS = 64;

/**
 * The trees for other kinds of machine that `$XCPU_SYSROOT` holds (`Linux/aarch64`, …), as the nodes see them: a
 * program on such a node sees that tree as its `/`. None if the variable is not set, or names nothing below the
 * exported root.
 */
export function sysroots(
  env: Readonly<Record<string, string | undefined>>,
  root = '/',
): readonly string[] {
  const { XCPU_SYSROOT: top } = env;
  if (!top?.startsWith('/')) return [];
  const found = directoriesIn(top).flatMap(directoriesIn);
  const trees = found.filter((path) => path.startsWith(root === '/' ? root : `${root}/`));
  const seen = trees.map((path) => posix.join('/', posix.relative(root, path)));
  return [...new Set(seen)].slice(0, MAX_SYSROOTS);
}

/** The directories in one, without symbolic links: by these names nodes walk to them. */
function directoriesIn(path: string): string[] {
  return listed(path).flatMap((name) => {
    try {
      const real = realpathSync(join(path, name));
      return statSync(real).isDirectory() ? [real] : [];
    } catch {
      return [];
    }
  });
}

function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
