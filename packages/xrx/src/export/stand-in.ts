import type { Uint64 } from '@xcpu/9p-protocol';
import { type ServerFile, SyntheticDirectory } from '@xcpu/9p-protocol/server';
import type { Place } from './places.js';

/** Below the largest that JavaScript counts exactly: no inode of a disk is so large, nor one of the first mounts. */
let lastPath = Number.MAX_SAFE_INTEGER;
/** Directories are made up anew for each walk, always as the same files. As many as there are places and kernel mounts. */
const qidPaths = new Map<Place | Uint64, number>();

/** A directory that is made up: for a node to mount something over. It holds only the way to others. */
export class StandIn extends SyntheticDirectory<string> {
  constructor(name: string, qidPath: number, parent: ServerFile<string>) {
    super({ name, mode: 0o555, uid: 'root', gid: 'root', nUid: 0, nGid: 0 }, qidPath);
    this.mtime = 0;
    this.parent = parent;
  }
}

/** What is made up for a place, and below it. */
export function standInAt(place: Place, parent: ServerFile<string>): StandIn {
  const directory = standInFor({ name: place.name, key: place }, parent);
  if (place.emptied) return directory;
  for (const child of place.children.values()) {
    if (child.wanted && child.visible) directory.add(standInAt(child, directory));
  }
  return directory;
}

/** An empty directory in place of another. */
export function standInFor(
  { name, key }: { readonly name: string; readonly key: Place | Uint64 },
  parent: ServerFile<string>,
): StandIn {
  let path = qidPaths.get(key);
  if (path === undefined) {
    path = --lastPath;
    qidPaths.set(key, path);
  }
  return new StandIn(name, path, parent);
}
