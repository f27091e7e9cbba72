import { posix } from 'node:path';
import { SetupError } from '../errors.js';
import { type ElfFile, type ElfFormat, sameFormat } from './elf.js';
import { isMusl, LibraryPath, type Needer, type Place } from './library-path.js';
import { inspectFile, type LocalFile } from './local-file.js';
import { formatName } from './machines.js';
import type { SourceTree } from './source-tree.js';

/** Something that is loaded with a program. */
export interface Library {
  /** How the loader asks for it: no `/` is in it. */
  readonly name: string;
  readonly file: LocalFile;
  readonly elf: ElfFile;
  /** Where it was found, links included. */
  readonly place: Place;
}

/** What a dynamic program is started with. */
export interface Loaded {
  readonly loader: Library;
  /** Without the loader. */
  readonly libraries: readonly Library[];
}

/** A program, and where it is. */
export interface FoundProgram {
  readonly file: LocalFile;
  readonly tree: SourceTree;
  /** Its path in the tree, without links. */
  readonly path: string;
}

/** Libraries of one program: the largest have some hundred. */
const MAX_LIBRARIES = 4096;

/** Names that musl's loader answers itself: it is all of these libraries. */
const WITHIN_MUSL = /^lib(c|pthread|rt|m|dl|util|xnet)\./;

/**
 * Finds the loader of a dynamic program and every library that it would load, in the order in which it does; of two
 * libraries of one name the first one counts, as there. Undefined for a program that needs no loader.
 *
 * @param tree where absolute names are looked up, which may be another tree than the program's own
 * @param libraryPath the value of LD_LIBRARY_PATH, where it counts
 * @throws SetupError naming what is missing, and who needs it
 */
export function loadedWith(
  program: FoundProgram,
  tree: SourceTree,
  libraryPath?: string,
): Loaded | undefined {
  const { elf } = program.file;
  if (elf?.interpreter === undefined) return undefined;
  const loader = loaderOf(program.file, elf.interpreter, tree);
  const search = new Search(tree, elf.format, elf.interpreter, libraryPath);
  search.loaded(loader);
  const libraries: Library[] = [];
  const origin = { tree: program.tree, path: posix.dirname(program.path) };
  const waiting: Needer[] = [{ elf, origin, name: program.file.path, neededBy: undefined }];
  for (let needer = waiting.shift(); needer; needer = waiting.shift()) {
    for (const wanted of needer.elf.needed) {
      const library = search.find(wanted, needer);
      if (!library) continue;
      search.loaded(library);
      libraries.push(library);
      if (libraries.length > MAX_LIBRARIES) {
        throw new SetupError(`${program.file.path}: more than ${MAX_LIBRARIES} libraries`);
      }
      const { file, place, elf: its } = library;
      const from = { ...place, path: posix.dirname(place.path) };
      waiting.push({ elf: its, origin: from, name: file.path, neededBy: needer });
    }
  }
  return { loader, libraries };
}

function loaderOf(program: LocalFile, interpreter: string, tree: SourceTree): Library {
  const path = tree.real(posix.resolve('/', interpreter));
  if (path === undefined) {
    throw new SetupError(
      `${program.path}: its loader ${interpreter} is not there${whereOf(tree)}: it is of another system`,
    );
  }
  const file = inspectFile(tree.local(path));
  if (!file.elf)
    throw new SetupError(`${file.path}: no ELF file, and the loader of ${program.path}`);
  return { name: posix.basename(interpreter), file, elf: file.elf, place: { tree, path } };
}

/** Which libraries of one program are loaded, and where the others are. */
class Search {
  readonly #tree: SourceTree;
  readonly #format: ElfFormat;
  readonly #musl: boolean;
  readonly #path: LibraryPath;
  /** By the names and sonames of what is loaded. */
  readonly #known = new Map<string, LocalFile>();

  constructor(tree: SourceTree, format: ElfFormat, interpreter: string, libraryPath?: string) {
    this.#tree = tree;
    this.#format = format;
    this.#musl = isMusl(interpreter);
    this.#path = new LibraryPath(tree, format, interpreter, libraryPath);
  }

  loaded({ name, file, elf }: Library): void {
    this.#known.set(name, file);
    if (elf.soname !== undefined && !this.#known.has(elf.soname)) this.#known.set(elf.soname, file);
  }

  /** The library that is to be loaded next; undefined if it is loaded already. */
  find(wanted: string, needer: Needer): Library | undefined {
    const name = posix.basename(wanted);
    if (this.#musl && WITHIN_MUSL.test(name)) return undefined;
    const known = this.#known.get(name);
    if (known && !wanted.includes('/')) return undefined;
    const others: LocalFile[] = [];
    for (const place of this.#places(wanted, needer)) {
      const file = libraryAt(place);
      if (!file?.elf) continue;
      if (!sameFormat(file.elf.format, this.#format)) others.push(file);
      else if (!known) return { name, file, elf: file.elf, place };
      else if (known.path === file.path) return undefined;
      else {
        throw new SetupError(
          `${needer.name}: needs ${file.path} beside ${known.path}, and only one of them can be shipped as ${name}`,
        );
      }
    }
    const other = others[0];
    const found = other ? `; ${other.path} is for ${formatName(other.elf!.format)}` : '';
    throw new SetupError(
      `${wanted}: no such library${whereOf(this.#tree)}; ${needer.name} needs it${found}`,
    );
  }

  #places(wanted: string, needer: Needer): Iterable<Place> {
    if (!wanted.includes('/')) return this.#path.candidates(wanted, needer);
    return this.#path.named(wanted, needer);
  }
}

/** Loaders go on where they cannot read a file, or it is no library. */
function libraryAt({ tree, path }: Place): LocalFile | undefined {
  const real = tree.real(path);
  if (real === undefined) return undefined;
  try {
    return inspectFile(tree.local(real));
  } catch {
    return undefined;
  }
}

function whereOf({ root }: SourceTree): string {
  return root === '/' ? '' : ` in ${root}`;
}
