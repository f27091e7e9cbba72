import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { SetupError, systemText } from '../errors.js';
import { ElfError, type ElfFile, type ReadAt, readElf } from './elf.js';

/** A file of this machine, as it was looked at. */
export interface LocalFile {
  /** Its path, without links. */
  readonly path: string;
  readonly stats: Stats;
  /** Its beginning: enough for the first line of a script. */
  readonly head: Buffer;
  /** What it is if it is an ELF file. */
  readonly elf: ElfFile | undefined;
}

/** What Linux reads of a file to see what it is (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;

/**
 * Looks what a file is.
 * @throws SetupError naming it and the reason: it cannot be read, is no file, or a damaged ELF file
 */
export function inspectFile(path: string): LocalFile {
  const fd = attempt(path, () => openSync(path, 'r'));
  try {
    return attempt(path, () => {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw new SetupError(`${path}: not a file`);
      const read = reader(fd);
      return { path, stats, head: read(0, HEAD_BYTES), elf: readElf(read) };
    });
  } finally {
    closeSync(fd);
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const reason =
      error instanceof ElfError
        ? `a damaged ELF file: ${error.message}`
        : `cannot be read: ${systemText(error)}`;
    throw new SetupError(`${path}: ${reason}`, { cause: error });
  }
}

function reader(fd: number): ReadAt {
  return (offset, length) => {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(fd, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  };
}
