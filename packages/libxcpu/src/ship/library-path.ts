import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { ElfFile, ElfFormat } from './elf.js';
import { parseLoaderCache } from './loader-cache.js';
import { configuredDirectories } from './loader-conf.js';
import { formatName, tripletsOf } from './machines.js';
import type { SourceTree } from './source-tree.js';

/** A directory of a tree, where a library may be. */
export interface Place {
  readonly tree: SourceTree;
  readonly path: string;
}

/** A program or library that needs others, as far as it says where these are. */
export interface Needer {
  readonly elf: ElfFile;
  /** For messages. */
  readonly name: string;
  /** The directory that `$ORIGIN` stands for. */
  readonly origin: Place;
  /** Which one needed it; undefined for the program itself. */
  readonly neededBy: Needer | undefined;
}

/** The directories that loaders of both kinds know by themselves. */
const DEFAULT_DIRECTORIES = ['/lib64', '/usr/lib64', '/lib', '/usr/lib'];
const MUSL_DIRECTORIES = ['/lib', '/usr/local/lib', '/usr/lib'];

/** Directories of one list: LD_LIBRARY_PATHs of a hundred exist. */
const MAX_DIRECTORIES = 4096;

/**
 * Where a loader looks for the libraries of one program. Sources: ld.so(8) for glibc, ldso/dynlink.c of musl. What is
 * made for some processors of a kind only (glibc-hwcaps) is never looked for: the node may have another one.
 */
export class LibraryPath {
  readonly #tree: SourceTree;
  readonly #format: ElfFormat;
  readonly #musl: boolean;
  /** `$LD_LIBRARY_PATH` */
  readonly #given: readonly string[];
  #system:
    | { readonly cache: ReturnType<typeof parseLoaderCache>; directories: string[] }
    | undefined;

  /**
   * @param interpreter the program's loader, as the program names it
   * @param given the value of LD_LIBRARY_PATH, where it counts
   */
  constructor(tree: SourceTree, format: ElfFormat, interpreter: string, given = '') {
    this.#tree = tree;
    this.#format = format;
    this.#musl = isMusl(interpreter);
    this.#given = given === '' ? [] : given.split(/[:;]/);
  }

  /** The paths at which a library of a plain name may be, best first. */
  *candidates(name: string, needer: Needer): Generator<Place> {
    const environment = this.#given.map((path) => this.#place(path));
    const places = this.#musl
      ? [
          environment,
          ...chain(needer).map((one) => this.#listed(one, one.elf.runpath ?? one.elf.rpath)),
        ]
      : [this.#rpaths(needer), environment, this.#listed(needer, needer.elf.runpath)];
    for (const { tree, path } of places.flat()) yield { tree, path: posix.join(path, name) };
    if (needer.elf.noDefaultPath && !this.#musl) return;
    this.#system ??= this.#readSystem();
    for (const path of this.#system.cache?.get(name) ?? []) yield { tree: this.#tree, path };
    for (const directory of this.#system.directories) {
      yield { tree: this.#tree, path: posix.join(directory, name) };
    }
  }

  /** The paths at which a library may be that is needed by its place: `/opt/lib/libx.so`, `$ORIGIN/libx.so`. */
  named(path: string, needer: Needer): Place[] {
    return this.#expanded(needer, path);
  }

  /** RPATH counts for all that is needed by what it is in, unless RUNPATH is there. */
  #rpaths(needer: Needer): Place[] {
    if (needer.elf.runpath !== undefined) return [];
    return chain(needer)
      .filter(({ elf }) => elf.runpath === undefined)
      .flatMap((one) => this.#listed(one, one.elf.rpath));
  }

  #listed(needer: Needer, list: string | undefined): Place[] {
    if (list === undefined || list === '') return [];
    const directories = list.split(':').slice(0, MAX_DIRECTORIES);
    return directories.flatMap((directory) => this.#expanded(needer, directory));
  }

  #expanded({ origin }: Needer, path: string): Place[] {
    return this.#spelled(path).map((spelled) => {
      const [token] = /^\$(?:ORIGIN|\{ORIGIN\})(?=\/|$)/.exec(spelled) ?? [];
      if (token === undefined) return this.#place(spelled);
      return { ...origin, path: posix.join(origin.path, spelled.slice(token.length)) };
    });
  }

  /** What `$LIB` and `$PLATFORM` may stand for: that is for each system to say. */
  #spelled(directory: string): string[] {
    const triplets = tripletsOf(this.#format);
    const libs = [...triplets.map((triplet) => `lib/${triplet}`), `lib${this.#format.bits}`, 'lib'];
    const platform = formatName(this.#format);
    const spelled = directory.replace(/\$(?:PLATFORM|\{PLATFORM\})/g, platform);
    return /\$(?:LIB|\{LIB\})/.test(spelled)
      ? libs.map((lib) => spelled.replace(/\$(?:LIB|\{LIB\})/g, lib))
      : [spelled];
  }

  /** What is not absolute counts from the directory that the user is in. */
  #place(path: string): Place {
    if (path.startsWith('/')) return { tree: this.#tree, path };
    const local = posix.resolve(path);
    return { tree: this.#tree, path: this.#tree.named(local) ?? local };
  }

  #readSystem() {
    const triplets = tripletsOf(this.#format);
    const own = triplets.flatMap((triplet) => [`/lib/${triplet}`, `/usr/lib/${triplet}`]);
    if (this.#musl) {
      const told = this.#muslPath();
      return { cache: undefined, directories: told ?? [...MUSL_DIRECTORIES, ...own] };
    }
    const cache = parseLoaderCache(this.#read('/etc/ld.so.cache'), this.#format.littleEndian);
    // A tree that was only unpacked has no cache: then what it would be made of counts.
    const configured = cache ? [] : configuredDirectories(this.#tree);
    return { cache, directories: [...configured, ...own, ...DEFAULT_DIRECTORIES] };
  }

  /** `/etc/ld-musl-ARCH.path` takes the place of the directories that musl knows by itself. */
  #muslPath(): string[] | undefined {
    const text = this.#read(`/etc/ld-musl-${formatName(this.#format)}.path`).toString();
    return text === '' ? undefined : text.split(/[:\n]/).filter((path) => path.startsWith('/'));
  }

  #read(path: string): Buffer {
    const real = this.#tree.real(path);
    try {
      return real === undefined ? Buffer.alloc(0) : readFileSync(this.#tree.local(real));
    } catch {
      return Buffer.alloc(0);
    }
  }
}

/** Whether a program is musl's, by the name of the loader that it asks for. */
export function isMusl(interpreter: string): boolean {
  return posix.basename(interpreter).startsWith('ld-musl-');
}

/** It, and what it was needed by, up to the program. */
function chain(needer: Needer): Needer[] {
  const all: Needer[] = [];
  for (let one: Needer | undefined = needer; one; one = one.neededBy) all.push(one);
  return all;
}
