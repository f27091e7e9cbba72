import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Where homes are in every tree. */
const HOME = '/home';
/** Symbolic links on the way to one file: as in Linux. */
const MAX_LINKS = 40;

/** How homes come into trees that have none of their own. Paths are those that the nodes see. */
export interface Homes {
  /** The directory itself, without symbolic links. */
  readonly directory: string;
  /** What has to be an empty directory to be mounted over: there is a link that would lead the node into its own tree. */
  readonly emptied: readonly string[];
}

/**
 * Where the homes are below an exported root, and what is in their way there and in other trees; undefined if `/home`
 * is a link that leads nowhere.
 * @param root of this machine, without symbolic links
 * @param trees those that get the homes, as the nodes see them; the root itself is one
 */
export function homesBelow(root: string, trees: readonly string[]): Homes | undefined {
  const home = follow(root, HOME);
  if (!home) return undefined;
  const places = ['', ...trees].map((tree) => tree + HOME);
  return {
    directory: home.path,
    emptied: places.filter((path) => follow(root, path)?.outside !== false),
  };
}

interface Followed {
  readonly path: string;
  /** By a link that names a path from `/` on: whoever has the root mounted elsewhere misses it. */
  readonly outside: boolean;
}

/** Where a path below a root leads that is `/` for the links in it; undefined for nowhere. */
function follow(root: string, path: string): Followed | undefined {
  let at = '/';
  let outside = false;
  let links = 0;
  for (const names = path.split('/'); names.length > 0; ) {
    const name = names.shift()!;
    if (name === '' || name === '.') continue;
    const next = name === '..' ? dirname(at) : posix.join(at, name);
    const target = linkAt(join(root, next));
    if (target === undefined) {
      at = next;
      continue;
    }
    if (target === '' || ++links > MAX_LINKS) return undefined;
    if (target.startsWith('/')) {
      at = '/';
      outside = true;
    }
    names.unshift(...target.split('/'));
  }
  // Where there is nothing at all something is made up; not where a link leads.
  return links > 0 && !isDirectory(join(root, at)) ? undefined : { path: at, outside };
}

/** What a symbolic link says; undefined for what is none. */
function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
      ? readlinkSync(path)
      : undefined;
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}
