import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
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
    for (const name of ['root', 'empty', 'directory']) mkdirSync(join(directory, name));
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
      for (const name of readdirSync(directory)) rmdirSync(join(directory, name));
      rmdirSync(directory);
    } catch {
      // It goes with the daemon's own directory, if at all.
    }
  }
}

/** What a file is mounted on; the rest are directories. */
const FILE = 'file';
