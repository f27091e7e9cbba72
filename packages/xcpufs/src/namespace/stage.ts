import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A directory, for nobody but the daemon's user, in which a namespace takes shape: the copy of the node's tree, and
 * what is mounted before it is put in its place. Mounts on it are seen in that namespace only; here it stays empty.
 */
export class Stage {
  readonly directory: string;

  /** @param imports how many places to mount are needed */
  constructor(directory: string, imports: number) {
    this.directory = directory;
    mkdirSync(directory, { mode: 0o700 });
    for (const name of [AROUND_COPY, COPY, 'empty', 'directory']) {
      mkdirSync(join(directory, name), { mode: 0o700 });
    }
    for (let index = 0; index < imports; index++) mkdirSync(this.importPlace(index));
    writeFileSync(join(directory, FILE), '');
  }

  /** Where the import of this number is mounted first. */
  importPlace(index: number): string {
    return join(this.directory, `import-${index}`);
  }

  /** Removes it; nothing that somebody may have mounted on it goes with it. */
  remove(): void {
    Stage.remove(this.directory);
  }

  /** Removes one that was left behind. */
  static remove(directory: string): void {
    try {
      rmSync(join(directory, FILE), { force: true });
      if (existsSync(join(directory, COPY))) rmdirSync(join(directory, COPY));
      for (const name of readdirSync(directory)) rmdirSync(join(directory, name));
      rmdirSync(directory);
    } catch {
      // It goes with the daemon's own directory, if at all.
    }
  }
}

/** Whoever gets out of the copy is here, can go no further, and do no harm: see `scripts.ts`. */
const AROUND_COPY = 'tree';
/** Where the copy of the node's tree is. */
const COPY = `${AROUND_COPY}/root`;
/** What a file is mounted on; the rest are directories. */
const FILE = 'file';
