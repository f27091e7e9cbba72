import {
  type Dialect,
  type DirectoryEntry,
  DirentType,
  decodeStats,
  Errno,
  FileMode,
  ModeBit,
  NinePError,
  type Stat,
  type Uint64,
} from '@xcpu/9p-protocol';
import type { Fid, RequestOptions } from '@xcpu/9p-protocol/client';
import type { Listing } from './remote.js';

/** The names of one directory that are held: ten times the directories that people call large. */
const MAX_NAMES = 1024 * 1024;
/** Names told of at once: several times what the kernel has room for in the page that it mostly asks for. */
const MAX_TOLD = 1024;

/** Directories are read in one go from the beginning: the offsets of names are where they stand in what was read. */
export class Plan9Listing implements Listing {
  readonly #fid: Fid;
  readonly #dialect: Dialect;
  #entries: DirectoryEntry[] = [];
  #bytes = 0;

  constructor(fid: Fid, dialect: Dialect) {
    this.#fid = fid;
    this.#dialect = dialect;
  }

  async from(offset: Uint64, options: RequestOptions): Promise<readonly DirectoryEntry[]> {
    const at = Number(offset);
    if (at === 0) this.#restart();
    while (at >= this.#entries.length) {
      const data = await this.#fid.read(this.#bytes, this.#fid.chunk, options);
      if (data.length === 0) return [];
      this.#bytes += data.length;
      for (const stat of decodeStats(data, this.#dialect, { strings: 'bytes' })) this.#add(stat);
    }
    return this.#entries.slice(at, at + MAX_TOLD);
  }

  /** Plan 9's directories list neither themselves nor what they are in. */
  #restart(): void {
    const { qid } = this.#fid;
    const type = DirentType.DIRECTORY;
    this.#bytes = 0;
    this.#entries = [
      { qid, offset: 1, type, name: '.' },
      { qid, offset: 2, type, name: '..' },
    ];
  }

  #add({ qid, mode, name, extension = '' }: Stat): void {
    if (this.#entries.length >= MAX_NAMES) {
      throw new NinePError(`directory of more than ${MAX_NAMES} files`, Errno.EFBIG);
    }
    const kind = mode & ModeBit.DIR ? FileMode.DIRECTORY : kindOf(mode, extension);
    this.#entries.push({ qid, offset: this.#entries.length + 1, type: kind >>> 12, name });
  }
}

/** The kind of a file that is no directory, as bits of FileMode. */
export function kindOf(mode: number, extension: string): number {
  if (mode & ModeBit.SYMLINK) return FileMode.SYMLINK;
  if (mode & ModeBit.NAMED_PIPE) return FileMode.FIFO;
  if (mode & ModeBit.SOCKET) return FileMode.SOCKET;
  if (!(mode & ModeBit.DEVICE)) return FileMode.REGULAR;
  return extension.startsWith('b') ? FileMode.BLOCK_DEVICE : FileMode.CHARACTER_DEVICE;
}
