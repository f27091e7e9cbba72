import type { Uint64 } from '@xcpu/9p-protocol';
import { Errno, NinePError, OpenMode } from '@xcpu/9p-protocol';
import {
  type OpenFile,
  type ServerFile,
  SyntheticDirectory,
  SyntheticFile,
  snapshot,
} from '@xcpu/9p-protocol/server';
import type { Place } from './places.js';

/** Below the largest that JavaScript counts exactly: no inode of a disk is so large, nor one of the first mounts. */
let lastPath = Number.MAX_SAFE_INTEGER;
/** What is made up is so anew for each walk, always as the same files. As many as there are places and kernel mounts. */
const qidPaths = new Map<Place | Uint64, number>();

/** A directory that is made up: for a node to mount something over. It holds only the way to others. */
export class StandIn extends SyntheticDirectory<string> {
  constructor(name: string, qidPath: number, parent: ServerFile<string>) {
    super({ name, mode: 0o555, uid: 'root', gid: 'root', nUid: 0, nGid: 0 }, qidPath);
    this.mtime = 0;
    this.parent = parent;
  }
}

/** A file that is made up, and cannot be written. */
export class StandInFile extends SyntheticFile<string> {
  readonly #contents: Buffer;

  constructor(name: string, qidPath: number, parent: ServerFile<string>, contents: Buffer) {
    super({ name, mode: 0o444, uid: 'root', gid: 'root', nUid: 0, nGid: 0 }, qidPath);
    this.mtime = 0;
    this.parent = parent;
    this.#contents = contents;
  }

  override length(): number {
    return this.#contents.length;
  }

  override open(mode: number): OpenFile<string> {
    const access = mode & OpenMode.ACCESS_MASK;
    if (access === OpenMode.READ && !(mode & OpenMode.TRUNCATE)) return snapshot(this.#contents);
    throw new NinePError('made up by xrx', Errno.EACCES);
  }
}

/** What is made up for one node beside directories. */
export interface Furnishing {
  /** What is in the file that is made up here; undefined for no file. */
  contentsAt(place: Place): Buffer | undefined;
  /** Whether such a file is in the directory here. */
  leadsFrom(place: Place): boolean;
}

/** What is made up for a place, and below it; undefined if nothing is. */
export function standInAt(
  place: Place,
  parent: ServerFile<string>,
  furnishing: Furnishing,
): StandIn | StandInFile | undefined {
  if (!place.visible) return undefined;
  const { name } = place;
  if (place.emptied) return standInFor({ name, key: place }, parent);
  const contents = furnishing.contentsAt(place);
  if (contents) return new StandInFile(name, qidPathFor(place), parent, contents);
  if (!place.wanted && !furnishing.leadsFrom(place)) return undefined;
  const directory = standInFor({ name, key: place }, parent);
  for (const child of place.children.values()) {
    const made = standInAt(child, directory, furnishing);
    if (made) directory.add(made);
  }
  return directory;
}

/** An empty directory in place of another. */
export function standInFor(
  { name, key }: { readonly name: string; readonly key: Place | Uint64 },
  parent: ServerFile<string>,
): StandIn {
  return new StandIn(name, qidPathFor(key), parent);
}

function qidPathFor(key: Place | Uint64): number {
  let path = qidPaths.get(key);
  if (path === undefined) {
    path = --lastPath;
    qidPaths.set(key, path);
  }
  return path;
}
