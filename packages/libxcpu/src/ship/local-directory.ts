import { accessSync, constants, lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { posix } from 'node:path';
import { SetupError, systemText } from '../errors.js';
import type { Place } from './library-path.js';

/** Everything in a directory. Symbolic links are followed: a session's `fs/` has none. */
export interface DirectoryContents {
  /** Relative paths, parents first, without the directory itself. */
  readonly directories: readonly string[];
  readonly files: readonly DirectoryFile[];
  /** Relative paths of what cannot be copied: links that lead nowhere or in a circle, devices, pipes, sockets. */
  readonly skipped: readonly string[];
}

/** A file of such a directory. */
export interface DirectoryFile {
  /** Its path in the directory. */
  readonly name: string;
  /** Its path on this machine, without links. */
  readonly path: string;
  readonly stats: Stats;
}

/** Files and directories of one tree: all of them are held in memory, for each node to be sent. */
const MAX_ENTRIES = 250_000;

/**
 * @param root without links
 * @throws SetupError naming what cannot be read, or when there is too much
 */
export function readDirectoryTree({ tree, path: root }: Place): DirectoryContents {
  const directories: string[] = [];
  const files: DirectoryFile[] = [];
  const skipped: string[] = [];
  let entries = 0;
  const enter = (real: string, name: string, above: readonly string[]) => {
    for (const entry of list(tree.local(real))) {
      if (++entries > MAX_ENTRIES) {
        throw new SetupError(`${root}: more than ${MAX_ENTRIES} files, which are too many to ship`);
      }
      const inside = posix.join(name, entry);
      const path = followed({ tree, path: posix.join(real, entry) });
      const local = path === undefined ? undefined : tree.local(path);
      const stats = local === undefined ? undefined : look(local);
      if (stats?.isFile()) files.push({ name: inside, path: local!, stats });
      else if (!stats?.isDirectory() || above.includes(path!)) skipped.push(inside);
      else {
        directories.push(inside);
        enter(path!, inside, [...above, path!]);
      }
    }
  };
  enter(root, '', [root]);
  return { directories, files, skipped };
}

function list(path: string): string[] {
  return attempt(path, () => readdirSync(path).sort());
}

/** The path to the file itself; undefined if there is none. */
function followed({ tree, path }: Place): string | undefined {
  const local = tree.local(path);
  return attempt(local, () => lstatSync(local)).isSymbolicLink() ? tree.real(path) : path;
}

function look(path: string): Stats {
  return attempt(path, () => {
    const stats = statSync(path);
    if (stats.isFile()) accessSync(path, constants.R_OK);
    return stats;
  });
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new SetupError(`${path}: cannot be read: ${systemText(error)}`);
  }
}
