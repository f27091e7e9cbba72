import { type BigIntStats, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Uint64 } from '@xcpu/9p-protocol';
import type { Place } from './places.js';

/** How old what is known of the disk may be, in milliseconds. */
const FRESH_MS = 1000;
/** How long a directory must have been left alone for its time of change to tell of every further one. */
const SETTLED_MS = 2000n;
/** Files below one hidden directory that are looked for under other names. */
const MAX_FILES = 1000;
/** Symbolic links on the way to one file: as in Linux. */
const MAX_LINKS = 40;
const EXACT = { bigint: true, throwIfNoEntry: false } as const;

/**
 * The inodes of what is hidden, for files are reached by other names too: hard links, bind mounts, the targets of
 * symbolic links. Known are the hidden files and directories, and what is below a hidden directory (the first
 * {@link MAX_FILES}, of which a user has fewer keys than that), as they were within the last second.
 */
export class HiddenFiles {
  readonly #root: Place;
  readonly #pathOf: (stats: BigIntStats) => Uint64;
  readonly #now: () => number;
  #scanned = Number.NEGATIVE_INFINITY;
  /** By the paths of qids. */
  #hidden = new Set<Uint64>();
  #places = new Map<Uint64, Place>();
  #kept = new Set<Uint64>();
  /** What is listed below hidden directories, and what was looked for by name, by path. */
  #directories = new Map<string, Directory>();
  #searched = new Map<string, Searched>();

  /**
   * @param root the places of hidden and shown files, from `/` down
   * @param pathOf the path that the qid of a file has
   * @param now milliseconds on a clock that never goes back
   */
  constructor(root: Place, pathOf: (stats: BigIntStats) => Uint64, now: () => number) {
    this.#root = root;
    this.#pathOf = pathOf;
    this.#now = now;
  }

  /** Whether the file is hidden. Whoever is told so can rely on it: inode numbers are used again. */
  has(qidPath: Uint64): boolean {
    this.#refresh();
    if (!this.#hidden.has(qidPath)) return false;
    this.#scan();
    return this.#hidden.has(qidPath);
  }

  /** The place of a directory, by whatever name it was reached. */
  placeOf(qidPath: Uint64): Place | undefined {
    this.#refresh();
    return this.#places.get(qidPath);
  }

  /** Whether names of hidden files lead through this directory or symbolic link: it must stay what and where it is. */
  keeps(qidPath: Uint64): boolean {
    this.#refresh();
    return this.#kept.has(qidPath);
  }

  #refresh(): void {
    if (this.#now() - this.#scanned >= FRESH_MS) this.#scan();
  }

  #scan(): void {
    this.#scanned = this.#now();
    const before = { directories: this.#directories, searched: this.#searched };
    this.#hidden = new Set();
    this.#places = new Map();
    this.#kept = new Set();
    this.#directories = new Map();
    this.#searched = new Map();
    const stats = statsOf('/');
    if (stats) this.#visit(this.#root, { path: '/', stats }, before);
  }

  /** @param directory the place, where it really is */
  #visit(place: Place, directory: Found, before: Before): void {
    const { path } = directory;
    const absent = this.#absentIn(directory, before);
    for (const child of place.children.values()) {
      // Where root runs xrx there are a thousand names, and most are not there.
      if (!child.guarded || absent.has(child.name)) continue;
      const found = this.#follow(path, child.name, absent);
      if (!found) continue;
      // A link that leads up must not take the directory that it stands in with it.
      if (`${path}/`.startsWith(`${found.path}/`)) continue;
      const qidPath = this.#pathOf(found.stats);
      if (!child.visible) this.#hidden.add(qidPath);
      if (!found.stats.isDirectory()) continue;
      this.#places.set(qidPath, child);
      if (child.hidden) this.#hideBelow(found.path, child, before);
      this.#visit(child, found, before);
    }
  }

  /** Names that are not in a directory, as far as is known: none if it has changed since they were looked for. */
  #absentIn({ path, stats }: Found, { searched }: Before): Set<string> {
    const known = searched.get(path);
    const absent = known && isAsBefore(known, stats) ? known.absent : new Set<string>();
    this.#searched.set(path, { ...stampOf(stats), absent });
    return absent;
  }

  /**
   * The file that a name in a directory leads to, through symbolic links; undefined if it leads nowhere.
   * @param absent where to put the name if there is no such file
   */
  #follow(directory: string, name: string, absent: Set<string>): Found | undefined {
    let found: Found | undefined;
    let at = directory;
    let links = 0;
    for (const names = [name]; names.length > 0; ) {
      const next = names.shift()!;
      if (next === '' || next === '.') continue;
      const path = next === '..' ? dirname(at) : at === '/' ? `/${next}` : `${at}/${next}`;
      const stats = statsOf(path, () => links === 0 && !found && absent.add(name));
      if (!stats) return undefined;
      this.#kept.add(this.#pathOf(stats));
      if (!stats.isSymbolicLink()) {
        found = { path, stats };
        at = path;
        continue;
      }
      const target = attempt(() => readlinkSync(path));
      if (target === undefined || ++links > MAX_LINKS) return undefined;
      if (target.startsWith('/')) {
        at = '/';
        found = undefined;
      }
      names.unshift(...target.split('/'));
    }
    return found;
  }

  /** What has a place of its own is visited for itself. */
  #hideBelow(top: string, place: Place, before: Before): void {
    const queue: [path: string, places: Place | undefined][] = [[top, place]];
    let left = MAX_FILES;
    for (let next = queue.shift(); next && left > 0; next = queue.shift()) {
      const [path, places] = next;
      for (const entry of this.#list(path, left, before)) {
        if (places?.children.has(entry.name)) continue;
        left--;
        for (const qidPath of this.#pathsOf(path, entry)) this.#hidden.add(qidPath);
        if (entry.directory) queue.push([`${path}/${entry.name}`, undefined]);
      }
    }
  }

  /** A link's target is hidden with it if it is a file: that of a directory may hold anything. */
  #pathsOf(directory: string, { name, qidPath, link }: Entry): Uint64[] {
    if (!link) return [qidPath];
    const target = attempt(() => statSync(`${directory}/${name}`, EXACT));
    return target?.isFile() ? [qidPath, this.#pathOf(target)] : [qidPath];
  }

  /** Entries of a directory; looked for anew only if it has changed. */
  #list(path: string, most: number, { directories }: Before): readonly Entry[] {
    const stats = statsOf(path);
    if (!stats) return [];
    const known = directories.get(path);
    const directory = known && isAsBefore(known, stats) ? known : this.#read(path, stats, most);
    this.#directories.set(path, directory);
    return directory.entries;
  }

  #read(path: string, stats: BigIntStats, most: number): Directory {
    const entries: Entry[] = [];
    for (const name of (attempt(() => readdirSync(path)) ?? []).slice(0, most)) {
      const file = statsOf(`${path}/${name}`);
      if (!file) continue;
      const [directory, link] = [file.isDirectory(), file.isSymbolicLink()];
      entries.push({ name, qidPath: this.#pathOf(file), directory, link });
    }
    return { ...stampOf(stats), entries };
  }
}

interface Found {
  readonly path: string;
  readonly stats: BigIntStats;
}

interface Entry {
  readonly name: string;
  readonly qidPath: Uint64;
  readonly directory: boolean;
  readonly link: boolean;
}

/** A directory as it was at one time. */
interface Stamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly changed: bigint;
  /** The time of change is long enough ago. */
  readonly settled: boolean;
}

interface Directory extends Stamp {
  readonly entries: readonly Entry[];
}

interface Searched extends Stamp {
  readonly absent: Set<string>;
}

/** What was known when it was last looked. */
interface Before {
  readonly directories: ReadonlyMap<string, Directory>;
  readonly searched: ReadonlyMap<string, Searched>;
}

function stampOf({ dev, ino, ctimeNs }: BigIntStats): Stamp {
  const settled = BigInt(Date.now()) - ctimeNs / 1_000_000n > SETTLED_MS;
  return { dev, ino, changed: ctimeNs, settled };
}

/** Nothing was made in a directory since, nor removed or replaced. */
function isAsBefore({ dev, ino, changed, settled }: Stamp, stats: BigIntStats): boolean {
  return settled && dev === stats.dev && ino === stats.ino && changed === stats.ctimeNs;
}

/** @param missing called if there is no such file, and not if it is out of reach */
function statsOf(path: string, missing?: () => void): BigIntStats | undefined {
  return attempt(() => {
    const stats = lstatSync(path, EXACT);
    if (!stats) missing?.();
    return stats;
  });
}

/** What is out of reach for the user is out of reach for the nodes. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
