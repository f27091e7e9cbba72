import { posix } from 'node:path';
import type { Arch } from '@xcpu/xcpu-protocol';
import { SetupError } from '../errors.js';
import { findPath, findProgram } from './find-program.js';
import { launcherScript, type Word } from './launcher.js';
import { type FoundProgram, type Library, loadedWith } from './libraries.js';
import { takesName } from './loader-skills.js';
import { readDirectoryTree } from './local-directory.js';
import { formatName, runsOn } from './machines.js';
import { Packing, type Shipment } from './packing.js';
import { scriptStart } from './script.js';
import type { SourceTree } from './source-tree.js';

/** What is to be shipped to nodes of one kind. */
export interface ShipRequest {
  /** The program; with `inside` the directory that holds it. */
  readonly program: string;
  /** The program's path in that directory, all of which is shipped. */
  readonly inside?: string | undefined;
  /** Where programs and libraries are looked for. */
  readonly tree: SourceTree;
  /** The value of PATH. */
  readonly path?: string | undefined;
  /** The value of LD_LIBRARY_PATH, where it counts. */
  readonly libraryPath?: string | undefined;
  /** What the nodes are. */
  readonly arch: Arch;
}

/** What nodes of one kind get. */
export interface ShipPlan extends Shipment {
  /** The file in `fs/` that is to be run. */
  readonly run: string;
  /** What the user may want to know: what is not shipped. */
  readonly notes: readonly string[];
}

/** Where the parts of a shipment are in `fs/`. */
const LAUNCHER = 'run';
const PROGRAMS = 'bin';
const LIBRARIES = 'lib';
const TREE = 'tree';

/** Scripts whose interpreters are scripts, as in Linux. */
const MAX_SCRIPTS = 5;

/**
 * Finds all that a program needs to run on a node that has nothing of it.
 * @throws SetupError naming what is missing, and who needs it
 */
export function planShipment(request: ShipRequest): ShipPlan {
  const planner = new Planner(request);
  return request.inside === undefined ? planner.program() : planner.directory(request.inside);
}

class Planner {
  readonly #request: ShipRequest;
  readonly #packing = new Packing();
  readonly #notes: string[] = [];
  /** The directory that is shipped, on this machine and without links. */
  #root: string | undefined;

  constructor(request: ShipRequest) {
    this.#request = request;
  }

  program(): ShipPlan {
    const { program, tree, path } = this.#request;
    const found = findProgram(program, tree, path);
    if (isStatic(found)) {
      this.#checkMachine(found);
      // Programs of several names look at the last part of theirs, and not every node can give one.
      const name = posix.basename(program);
      const run = name.includes('\n') ? LAUNCHER : name;
      this.#packing.file(run, found.file);
      return { ...this.#packing.packed(), run, notes: [] };
    }
    return this.#launched(found, this.#placeOf(found), { text: program });
  }

  directory(inside: string): ShipPlan {
    const { program: name, tree } = this.#request;
    const found = findPath(name, tree);
    if (!found) throw new SetupError(`${name}: not found`);
    if (!found.stats.isDirectory()) throw new SetupError(`${name}: not a directory for -e`);
    if (posix.isAbsolute(inside) || posix.normalize(inside).startsWith('..')) {
      throw new SetupError(`-e ${inside}: not a path in ${name}`);
    }
    const { place } = found;
    const program = findProgram(posix.join(place.path, inside), place.tree);
    this.#root = place.tree.local(place.path);
    const { directories, files, skipped } = readDirectoryTree(place);
    for (const directory of [TREE, ...directories.map((one) => `${TREE}/${one}`)]) {
      this.#packing.directory(directory);
    }
    for (const file of files) this.#packing.file(`${TREE}/${file.name}`, file);
    if (skipped.length > 0) {
      const more = skipped.length > 1 ? ` and ${skipped.length - 1} more` : '';
      this.#notes.push(`not shipped: ${name}/${skipped[0]}${more}: no files, or links to none`);
    }
    // What is a link to it out of the directory is a copy in there, beside what it looks for.
    const copy = `${TREE}/${posix.normalize(inside)}`;
    const there = this.#inside(program.file.path) ?? copy;
    return this.#launched(program, there, { paths: [there] });
  }

  /** @param name what the program is to be called */
  #launched(found: FoundProgram, place: string, name: Word): ShipPlan {
    const command = this.#command(found, place, name, 0);
    this.#packing.script(LAUNCHER, launcherScript(command));
    return { ...this.#packing.packed(), run: LAUNCHER, notes: this.#notes };
  }

  /** How a program that is at `place` in `fs/` is started there. */
  #command(found: FoundProgram, place: string, name: Word, scripts: number): Word[] {
    if (found.file.elf) return this.#programCommand(found, place, name);
    const { path } = found.file;
    const start = scriptStart(found.file);
    if (!start) {
      throw new SetupError(`${path}: neither an ELF program nor a script that begins with #!`);
    }
    if (scripts >= MAX_SCRIPTS) {
      throw new SetupError(`${path}: too many interpreters that are scripts`);
    }
    const { tree, path: search } = this.#request;
    const interpreter = findProgram(start.interpreter, tree, search);
    this.#notes.push(
      `${posix.basename(path)} is a script: ${start.interpreter} is shipped, but not what the script itself loads or runs`,
    );
    return [
      ...this.#command(
        interpreter,
        this.#placeOf(interpreter),
        { text: start.interpreter },
        scripts + 1,
      ),
      ...start.args.map((text) => ({ text })),
      { paths: [place] },
    ];
  }

  #programCommand(found: FoundProgram, place: string, name: Word): Word[] {
    this.#checkMachine(found);
    const { tree, libraryPath } = this.#request;
    const loaded = loadedWith(found, tree, libraryPath);
    if (!loaded) return [{ paths: [place] }];
    const { loader, libraries } = loaded;
    const directories = new Set([LIBRARIES]);
    for (const library of libraries) directories.add(this.#libraryDirectory(library));
    this.#packing.file(`${LIBRARIES}/${loader.name}`, loader.file);
    for (const { file, elf } of [{ file: found.file, elf: found.file.elf! }, ...libraries]) {
      this.#packing.patch(file.path, elf.patches);
    }
    return [
      { paths: [`${LIBRARIES}/${loader.name}`] },
      ...(takesName(loader.file) ? [{ text: '--argv0' }, name] : []),
      { text: '--library-path' },
      { paths: [...directories] },
      { paths: [place] },
    ];
  }

  /**
   * Where a library is on the node: where it is in the shipped directory, or among those that are shipped by
   * themselves.
   */
  #libraryDirectory({ name, file, place: { tree, path } }: Library): string {
    const real = tree.real(posix.dirname(path)) ?? posix.dirname(path);
    const inside = this.#inside(tree.local(real));
    // The loader would take a list of directories apart at these.
    const known = inside !== undefined && !/[:;$]/.test(inside) && posix.basename(path) === name;
    if (known) return inside;
    this.#packing.file(`${LIBRARIES}/${name}`, file);
    return LIBRARIES;
  }

  #placeOf({ file }: FoundProgram): string {
    return (
      this.#inside(file.path) ?? this.#packing.place(PROGRAMS, posix.basename(file.path), file)
    );
  }

  /** Where a file or directory of the shipped directory is in `fs/`; undefined for any other. */
  #inside(local: string): string | undefined {
    if (this.#root === undefined) return undefined;
    if (local === this.#root) return TREE;
    const start = `${this.#root}/`;
    return local.startsWith(start) ? `${TREE}/${local.slice(start.length)}` : undefined;
  }

  #checkMachine({ file }: FoundProgram): void {
    const { arch, tree } = this.#request;
    if (!file.elf || runsOn(arch.machine, file.elf.format) !== false) return;
    const way =
      tree.root === '/'
        ? `there is no directory $XCPU_SYSROOT/${arch.system}/${arch.machine} with programs for it`
        : `one for it is wanted in ${tree.root}`;
    throw new SetupError(
      `${file.path} is for ${formatName(file.elf.format)}, the node is ${arch.machine}: ${way}`,
    );
  }
}

function isStatic({ file }: FoundProgram): boolean {
  return file.elf !== undefined && file.elf.interpreter === undefined;
}
