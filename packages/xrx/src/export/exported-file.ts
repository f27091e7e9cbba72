import {
  type Attributes,
  Errno,
  type FileSystemStatistics,
  ModeBit,
  NinePError,
  type Qid,
  type Stat,
} from '@xcpu/9p-protocol';
import type {
  AttributeChanges,
  Awaitable,
  CreatedFile,
  NewFile,
  OpenFile,
  Request,
  ServerFile,
  StatChanges,
} from '@xcpu/9p-protocol/server';
import { ExportedListing } from './exported-listing.js';
import type { HiddenFiles } from './hidden-files.js';
import type { KernelFiles } from './kernel-files.js';
import type { LocalFile } from './local-file.js';
import type { Owners } from './owners.js';
import type { Place } from './places.js';
import { type StandIn, type StandInFile, standInFor } from './stand-in.js';

/** What all files share that one node sees. */
export interface View {
  readonly hidden: HiddenFiles;
  readonly kernel: KernelFiles;
  readonly owners: Owners;
  /** What nodes see of a file that is not served as it is. */
  readonly rewritten: (
    file: LocalFile,
    above: ExportedFile,
    place: Place,
  ) => ExportedFile | undefined;
  /** What nodes see where there is nothing, or something else. */
  readonly madeUp: (place: Place, above: ExportedFile) => StandIn | StandInFile | undefined;
}

/**
 * A file of this machine as a node sees it. It stands around a file of `serveDirectory`, which does the work: here is
 * decided what is there at all, and whose. A regular file once opened is that one's alone, so reads and writes cost
 * nothing more.
 *
 * What is hidden is so by name (the places) and by inode (HiddenFiles), each for what the other cannot know: a file
 * that does not exist yet has no inode, a hard link has another name. What names of hidden files lead through can be
 * neither moved nor replaced.
 */
export class ExportedFile implements ServerFile<string> {
  readonly #view: View;
  readonly #file: LocalFile;
  /** The directory that it was reached from. */
  #above: ExportedFile | undefined;
  #place: Place | undefined;

  constructor(view: View, file: LocalFile, above: ExportedFile | undefined, place?: Place) {
    this.#view = view;
    this.#file = file;
    this.#above = above;
    this.#place = place;
  }

  get qid(): Qid {
    return this.#file.qid;
  }

  get parent(): ExportedFile | undefined {
    const directory = this.#file.parent;
    if (!directory) return undefined;
    // Another fid may have moved it.
    const above = this.#above;
    if (above && above.#file === directory) return above;
    return new ExportedFile(this.#view, directory, undefined);
  }

  acquire(): void {
    this.#file.acquire();
  }

  release(): void {
    this.#file.release();
  }

  stat(): Stat {
    return this.#view.owners.stat(this.#file.stat());
  }

  getattr(): Attributes {
    return this.#view.owners.attributes(this.#file.getattr());
  }

  walk(name: string): ServerFile<string> | undefined {
    const place = this.#placeHere();
    if (place?.conceals(name)) return undefined;
    const below = place?.children.get(name);
    if (below?.emptied) return this.#view.madeUp(below, this);
    const file = this.#file.walk(name);
    if (!file) return below && this.#view.madeUp(below, this);
    const { hidden, kernel } = this.#view;
    if (hidden.has(file.qid.path)) return undefined;
    if (file.isDirectory && kernel.has(file)) {
      return standInFor({ name, key: file.qid.path }, this);
    }
    const rewritten = below && this.#view.rewritten(file, this, below);
    return rewritten ?? new ExportedFile(this.#view, file, this, below);
  }

  open(mode: number): OpenFile<string> {
    return this.#opened(this.#file, this.#file.open(mode), this.#placeHere());
  }

  create(asked: NewFile, request: Request<string>): Awaitable<CreatedFile<string>> {
    const { name, perm, exclusive } = asked;
    const place = this.#placeHere();
    const below = place?.children.get(name);
    if (place?.conceals(name)) throw keptError();
    if (below?.guarded && !(perm & ModeBit.DIR)) throw keptError();
    if (below?.emptied || (below?.wanted && !this.#file.walk(name))) throw madeUpError();
    if (!exclusive && this.#hides(name)) throw keptError();
    const gid = this.#view.owners.groupOfNew(asked.gid);
    const created = this.#file.create({ ...asked, gid }, request);
    if (created instanceof Promise) return created.then((made) => this.#created(made, below));
    return this.#created(created, below);
  }

  remove(): void {
    this.#checkMovable();
    this.#file.remove();
  }

  setattr(changes: AttributeChanges): void {
    this.#file.setattr(this.#view.owners.changes(changes));
  }

  wstat(changes: StatChanges, request: Request<string>): void {
    const { name } = changes;
    if (name !== undefined && name !== this.#file.name) {
      this.#checkMovable();
      const { parent } = this;
      if (parent) parent.#checkTarget(name);
    }
    this.#file.wstat(this.#view.owners.statChanges(changes), request);
  }

  readlink(): string {
    return this.#file.readlink();
  }

  rename(directory: ServerFile<string>, name: string): void {
    const target = this.#sameTree(directory);
    this.#checkMovable();
    target.#checkTarget(name);
    this.#file.rename(target.#file, name);
    this.#above = target;
    this.#place = undefined;
  }

  link(file: ServerFile<string>, name: string): void {
    const source = this.#sameTree(file);
    this.#checkTarget(name);
    this.#file.link(source.#file, name);
  }

  statfs(): FileSystemStatistics {
    return this.#file.statfs();
  }

  /** The place of this directory; of one that was reached by another name, that of the directory that it is. */
  #placeHere(): Place | undefined {
    return this.#place ?? this.#view.hidden.placeOf(this.#file.qid.path);
  }

  #opened(file: LocalFile, open: OpenFile<string>, place: Place | undefined): OpenFile<string> {
    if (!file.isDirectory) return open;
    const { hidden, owners } = this.#view;
    return new ExportedListing(open, owners, {
      hides: (name, { path }) =>
        (place !== undefined && (place.conceals(name) || place.children.get(name)?.emptied)) ||
        hidden.has(path),
      madeUp: () => this.#madeUp(file, place),
    });
  }

  #created({ file, open }: CreatedFile<string>, place: Place | undefined): CreatedFile<string> {
    // The only files that are made here are those of the server around.
    const made = file as LocalFile;
    return {
      file: new ExportedFile(this.#view, made, this, place),
      open: this.#opened(made, open, place),
    };
  }

  /** What is listed in a directory beside what is there. */
  #madeUp(file: LocalFile, place: Place | undefined): (StandIn | StandInFile)[] {
    const children = [...(place?.children.values() ?? [])];
    const missing = children.filter((child) => child.emptied || !file.walk(child.name));
    return missing.flatMap((child) => this.#view.madeUp(child, this) ?? []);
  }

  /** @throws NinePError (EACCES) if names of hidden files lead through this one */
  #checkMovable(): void {
    if (this.#place?.guarded || this.#view.hidden.keeps(this.#file.qid.path)) throw keptError();
  }

  /** @throws NinePError (EACCES, EEXIST) if no file may be given that name in this directory */
  #checkTarget(name: string): void {
    const place = this.#placeHere();
    if (place?.conceals(name) || place?.children.get(name)?.guarded) throw keptError();
    if (place?.children.get(name)?.wanted) throw madeUpError();
    if (this.#hides(name)) throw keptError();
  }

  /** Whether the file of that name is hidden, or leads to what is. */
  #hides(name: string): boolean {
    const file = this.#file.walk(name);
    const { hidden } = this.#view;
    return file !== undefined && (hidden.has(file.qid.path) || hidden.keeps(file.qid.path));
  }

  #sameTree(file: ServerFile<string>): ExportedFile {
    if (file instanceof ExportedFile) return file;
    throw new NinePError('this directory is made up by xrx', Errno.EXDEV);
  }
}

function keptError(): NinePError {
  return new NinePError('kept from the nodes by xrx', Errno.EACCES);
}

function madeUpError(): NinePError {
  return new NinePError('a directory made up by xrx has that name', Errno.EEXIST);
}
