import { linkSync, lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { GraphNode } from './graph-node.js';
import { entryPath } from './paths.js';

const EXACT_IF_ANY = { bigint: true, throwIfNoEntry: false } as const;

/**
 * Moves a file as rename(2) does; the nodes, and so the fids, follow.
 * @returns whether a file of the new name had to make room
 * @throws NinePError (EROFS, EBUSY for the root, ENOENT and ESTALE if it is no longer there, EINVAL into what is below it,
 *   ELOOP), Node's system errors
 */
export function renameFile<N extends GraphNode>(file: N, directory: N, name: string): boolean {
  file.tree.checkWritable();
  if (!file.parent) throw rootError();
  if (file.parent !== directory) {
    directory.checkRoom();
    checkNotBelow(directory, file);
  }
  return keepingOpen(file.parent, () => {
    const to = entryPath(directory.descriptor(), name);
    return keepingOpen(directory, () => {
      const from = file.checkedPath();
      const replaced = lstatSync(to, EXACT_IF_ANY);
      renameSync(from, to);
      // Two names of one file: rename(2) leaves both.
      if (replaced && file.matches(replaced)) return false;
      file.moved(directory, name);
      return replaced !== undefined;
    });
  });
}

/**
 * A directory that others have moved out of the file is still below it in the graph, which would become a ring.
 * @throws NinePError (ENOENT, ESTALE) where that has happened, EINVAL where it has not
 */
function checkNotBelow(directory: GraphNode, file: GraphNode): void {
  // That the kernel refuses by itself.
  if (directory === file) return;
  const way: GraphNode[] = [];
  for (let node = directory; node !== file; node = node.parent) {
    if (!node.parent) return;
    way.push(node);
  }
  for (const step of way) step.checkedPath();
  throw new NinePError('a directory cannot be moved below itself', Errno.EINVAL);
}

/**
 * Makes `name` in the directory another name of the file; a symbolic link's own.
 * @throws NinePError (EROFS, EPERM for a directory, EEXIST), Node's system errors
 */
export function linkFile(file: GraphNode, directory: GraphNode, name: string): void {
  directory.tree.checkWritable();
  if (!file.parent) throw new NinePError('a directory has one name', Errno.EPERM);
  keepingOpen(file.parent, () => {
    const to = entryPath(directory.descriptor(), name);
    keepingOpen(directory, () => linkSync(file.checkedPath(), to));
  });
}

/**
 * Removes a file, or a directory that is empty.
 * @throws NinePError (EROFS, EBUSY for the root, ENOENT and ESTALE if it is no longer there), Node's system errors
 */
export function removeFile(file: GraphNode): void {
  file.tree.checkWritable();
  if (!file.parent) throw rootError();
  const path = file.checkedPath();
  if (file.isDirectory) rmdirSync(path);
  else unlinkSync(path);
  file.unlinked();
}

/** Whether a file of that name is in the directory. */
export function exists(directory: GraphNode, name: string): boolean {
  return lstatSync(entryPath(directory.descriptor(), name), EXACT_IF_ANY) !== undefined;
}

/** Keeps the directory's descriptor open while another is got. */
function keepingOpen<T>(directory: GraphNode, use: () => T): T {
  const before = directory.held;
  directory.descriptor();
  directory.held = true;
  try {
    return use();
  } finally {
    directory.held = before;
  }
}

function rootError(): NinePError {
  return new NinePError('the root stays where it is', Errno.EBUSY);
}
