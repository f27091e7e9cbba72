import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import type { Patch } from './elf.js';

/** What a session's `fs/` is to hold. */
export interface Shipment {
  /** Parents first. */
  readonly directories: readonly string[];
  readonly files: readonly ShippedFile[];
  /** Of all files. */
  readonly bytes: number;
}

/** A file for a session's `fs/`. */
export interface ShippedFile {
  /** Its path there. */
  readonly name: string;
  /** Permissions, without set-id bits. */
  readonly mode: number;
  readonly size: number;
  readonly source: FileSource;
}

/** Where a file's bytes are: here, or in a file of this machine of which some are to be changed. */
export type FileSource = Buffer | SourceFile;

/** A file of this machine, and what is sent otherwise of it. */
export interface SourceFile {
  readonly path: string;
  /** As it was when the shipment was planned: what has changed since is not sent. */
  readonly stats: Stats;
  readonly patches: readonly Patch[];
}

const PERMISSIONS = 0o777;
/** For its owner: what was read here can be read there. */
const READABLE = 0o400;

/** Collects the files of a shipment: each of this machine's once in each directory. */
export class Packing {
  readonly #directories = new Set<string>();
  readonly #files = new Map<string, ShippedFile>();

  /** Adds a directory, and those on the way to it. */
  directory(name: string): void {
    if (name === '.' || this.#directories.has(name)) return;
    this.directory(posix.dirname(name));
    this.#directories.add(name);
  }

  /**
   * Adds a file of this machine to a directory, under its own name or, where another file has that, below one more
   * directory. Answers its path.
   */
  place(directory: string, name: string, file: Omit<SourceFile, 'patches'>): string {
    for (let number = 1; ; number++) {
      const path = number === 1 ? `${directory}/${name}` : `${directory}/${number}/${name}`;
      const there = this.#files.get(path)?.source;
      if (there === undefined) {
        this.file(path, file);
        return path;
      }
      if ('path' in there && there.path === file.path) return path;
    }
  }

  /** Adds a file of this machine as `name`. */
  file(name: string, { path, stats }: Omit<SourceFile, 'patches'>): void {
    this.directory(posix.dirname(name));
    const mode = (stats.mode & PERMISSIONS) | READABLE;
    this.#files.set(name, { name, mode, size: stats.size, source: { path, stats, patches: [] } });
  }

  /** Adds a text that may be run. */
  script(name: string, text: string): void {
    const source = Buffer.from(text);
    this.#files.set(name, { name, mode: 0o755, size: source.length, source });
  }

  /** Changes bytes of a file of this machine, under whatever names it was added. */
  patch(path: string, patches: readonly Patch[]): void {
    if (patches.length === 0) return;
    for (const [name, file] of this.#files) {
      if (!('path' in file.source) || file.source.path !== path) continue;
      this.#files.set(name, { ...file, source: { ...file.source, patches } });
    }
  }

  packed(): Shipment {
    const files = [...this.#files.values()];
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return { directories: [...this.#directories], files, bytes };
  }
}
