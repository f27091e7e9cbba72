import { readdirSync } from 'node:fs';
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
  const below = posix.relative(root, posix.resolve(top));
  if (below.startsWith('..')) return [];
  const found = directoriesIn(top).flatMap((system) =>
    directoriesIn(join(top, system)).map((machine) => posix.join('/', below, system, machine)),
  );
  return found.slice(0, MAX_SYSROOTS);
}

function directoriesIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}
