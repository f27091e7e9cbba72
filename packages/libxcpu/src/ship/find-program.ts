import { type Stats, statSync } from 'node:fs';
import { posix } from 'node:path';
import { ProgramError } from '../errors.js';
import { NOT_EXECUTABLE, NOT_FOUND } from '../job/exit-status.js';
import type { FoundProgram } from './libraries.js';
import type { Place } from './library-path.js';
import { inspectFile } from './local-file.js';
import { SourceTree } from './source-tree.js';

const HOST = new SourceTree('/');
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ANY_EXECUTE = 0o111;

/**
 * Finds a program: a name on the PATH of a tree; a path in the tree or, if it is not there, on this machine, since what
 * a user built for another machine is among his own files.
 * @param path the value of PATH
 * @throws ProgramError naming it: there is none, or it cannot be run; SetupError if it cannot be read
 */
export function findProgram(program: string, tree: SourceTree, path = DEFAULT_PATH): FoundProgram {
  const found = program.includes('/')
    ? findPath(program, tree)
    : onPath(program, tree, path).find(({ stats }) => stats.isFile() && isExecutable(stats));
  if (!found) {
    const own = tree.root === '/';
    const reason = program.includes('/')
      ? `not found${own ? '' : `, nor in ${tree.root}`}`
      : `not found on the PATH${own ? '' : ` in ${tree.root}`}`;
    throw new ProgramError(`${program}: ${reason}`, NOT_FOUND);
  }
  const { place, stats } = found;
  const local = place.tree.local(place.path);
  if (stats.isDirectory()) {
    const reason = 'is a directory: -e PROGRAM names the program in it';
    throw new ProgramError(`${program}: ${reason}`, NOT_EXECUTABLE);
  }
  const file = inspectFile(local);
  if (!isExecutable(stats)) {
    throw new ProgramError(`${program}: not executable: see chmod +x`, NOT_EXECUTABLE);
  }
  return { file, tree: place.tree, path: place.path };
}

/** A file or directory, by its path without links. */
export interface Found {
  readonly place: Place;
  readonly stats: Stats;
}

/** What a path leads to: in the tree, else on this machine; relative ones count from the working directory. */
export function findPath(path: string, tree: SourceTree): Found | undefined {
  const local = posix.resolve(path);
  const own = tree.named(local);
  const inTree = path.startsWith('/') ? path : own;
  return (
    (inTree === undefined ? undefined : lookAt({ tree, path: inTree })) ??
    lookAt({ tree: HOST, path: local })
  );
}

function onPath(program: string, tree: SourceTree, path: string): Found[] {
  return path.split(':').flatMap((directory) => {
    const absolute = posix.resolve(directory);
    return lookAt({ tree, path: posix.join(absolute, program) }) ?? [];
  });
}

function lookAt({ tree, path }: Place): Found | undefined {
  const real = tree.real(path);
  if (real === undefined) return undefined;
  try {
    return { place: { tree, path: real }, stats: statSync(tree.local(real)) };
  } catch {
    return undefined;
  }
}

function isExecutable({ mode }: Stats): boolean {
  return (mode & ANY_EXECUTE) !== 0;
}
