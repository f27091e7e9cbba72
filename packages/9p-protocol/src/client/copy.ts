import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { clientLimits } from '../limits.js';
import type { RequestOptions } from './fid.js';
import type { FileKind } from './file-stat.js';
import { Pool } from './pool.js';

/** How `copyIn` and `copyOut` copy. */
export interface CopyOptions extends RequestOptions {
  /**
   * Keeps permissions exactly, and the times of files and directories as far as the dialect can. Without it files get
   * the permissions of their originals less what the system or the server takes away. Set-id bits and owners are
   * never copied.
   */
  readonly preserve?: boolean | undefined;
  /** Files copied at once. */
  readonly parallel?: number | undefined;
  /** Told of every file when it is done, and of large ones with every piece. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** The most files and directories to copy: a server can invent them without end. */
  readonly maxEntries?: number | undefined;
  /** The most bytes to copy. Default: no limit. */
  readonly maxBytes?: number | undefined;
}

/** How far a copy is. */
export interface CopyProgress {
  /** The file's path on the server. */
  readonly path: string;
  readonly kind: FileKind;
  /** Bytes of this file that were copied. */
  readonly bytes: number;
  /** Whether this file is complete. */
  readonly done: boolean;
  /** It is of a kind that is not copied. */
  readonly skipped: boolean;
}

/** What a copy did. */
export interface CopySummary {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  /** Of files. */
  readonly bytes: number;
  /** Devices, pipes and sockets, and symbolic links where the dialect has none. */
  readonly skipped: number;
}

/** What the two directions share: limits, counts, progress, and files copied at the same time. */
export class CopyRun {
  readonly options: CopyOptions;
  readonly pool: Pool;
  readonly #counts = { files: 0, directories: 0, symlinks: 0, bytes: 0, skipped: 0 };
  #entries = 0;

  constructor(options: CopyOptions) {
    this.options = options;
    this.pool = new Pool(options.parallel ?? clientLimits.copiedFiles);
  }

  get summary(): CopySummary {
    return { ...this.#counts };
  }

  /** @throws NinePError (EFBIG) beyond the limit of files, the signal's reason if it aborted */
  enter(): void {
    const { maxEntries = clientLimits.treeEntries, signal } = this.options;
    signal?.throwIfAborted();
    this.pool.check();
    if (++this.#entries > maxEntries) {
      throw new NinePError(`more than ${maxEntries} files to copy`, Errno.EFBIG);
    }
  }

  /**
   * Counts a piece of a file as copied.
   * @throws NinePError (EFBIG) beyond the limit of bytes
   */
  moved(path: string, length: number, bytes: number): void {
    const { maxBytes = Infinity, onProgress } = this.options;
    this.#counts.bytes += length;
    if (this.#counts.bytes > maxBytes) {
      throw new NinePError(`more than ${maxBytes} bytes to copy`, Errno.EFBIG);
    }
    onProgress?.({ path, kind: 'file', bytes, done: false, skipped: false });
  }

  done(path: string, kind: FileKind, bytes = 0): void {
    if (kind === 'directory') this.#counts.directories++;
    else if (kind === 'symlink') this.#counts.symlinks++;
    else this.#counts.files++;
    this.options.onProgress?.({ path, kind, bytes, done: true, skipped: false });
  }

  skipped(path: string, kind: FileKind): void {
    this.#counts.skipped++;
    this.options.onProgress?.({ path, kind, bytes: 0, done: true, skipped: true });
  }
}
