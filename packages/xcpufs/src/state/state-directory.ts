import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StartError, systemText } from '../errors.js';
import { processStart } from '../process-stat.js';

/**
 * The directory in which one daemon keeps its state: one file, replaced as a whole, so that whatever ends the daemon or
 * the machine, it is either what it was or what it became. A link tells which daemon has the directory.
 */
export class StateDirectory {
  readonly path: string;

  /**
   * Makes the directory if only that is missing, and takes it.
   * @throws StartError if it cannot be, others could write there, or a daemon that runs has it
   */
  constructor(path: string) {
    if (path === '') throw new StartError('--state-dir: the directory is missing');
    this.path = resolve(path);
    makeDirectory(this.path);
    checkOwner(this.path);
    this.#lock();
    // Of a daemon that ended while it wrote.
    rmSync(this.#newFile, { force: true });
  }

  get file(): string {
    return join(this.path, 'state');
  }

  get #newFile(): string {
    return join(this.path, 'state.new');
  }

  get #lockFile(): string {
    return join(this.path, 'lock');
  }

  /** What was saved last, undefined if nothing ever was. @throws StartError if it is there and cannot be read */
  load(): Buffer | undefined {
    try {
      return readFileSync(this.file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new StartError(`${this.file}: cannot be read: ${systemText(error)}`);
    }
  }

  /**
   * Moves a file that is not what was saved out of the way.
   * @returns where it is now
   * @throws StartError if that fails: the next save would be the end of it
   */
  setAside(now = new Date()): string {
    const aside = `${this.file}.damaged-${now.toISOString().replaceAll(':', '-')}`;
    try {
      renameSync(this.file, aside);
      syncDirectory(this.path);
    } catch (error) {
      throw new StartError(`${this.file}: cannot be set aside: ${systemText(error)}`);
    }
    return aside;
  }

  /**
   * Replaces what was saved; when this is done, it is on the disk.
   * @throws a system error; the file is then what it was, or as a whole what it was to become
   */
  async save(bytes: Uint8Array): Promise<void> {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    try {
      const file = await open(this.#newFile, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
      await closing(file, async () => {
        await file.writeFile(bytes);
        await file.sync();
      });
      await rename(this.#newFile, this.file);
    } catch (error) {
      // The room that it takes may be what others lack.
      await rm(this.#newFile, { force: true }).catch(() => {});
      throw error;
    }
    const directory = await open(this.path, constants.O_RDONLY);
    await closing(directory, () => directory.sync());
  }

  /** Lets others have the directory. */
  close(): void {
    try {
      rmSync(this.#lockFile, { force: true });
    } catch {
      // On a disk that takes no changes any more: the next daemon sees that this one is gone.
    }
  }

  /** A link needs no room on the disk for its contents, and only one daemon can make it. */
  #lock(): void {
    const own = `${process.pid} ${processStart(process.pid)}`;
    try {
      if (this.#holderIsGone()) unlinkSync(this.#lockFile);
      symlinkSync(own, this.#lockFile);
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`${this.path}: cannot be written to: ${systemText(error)}`);
    }
  }

  /** Whether there is a link, and the daemon that made it ended without taking it away. */
  #holderIsGone(): boolean {
    let holder: string;
    try {
      holder = readlinkSync(this.#lockFile);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    const [pid = '', started] = holder.split(' ');
    if (!/^\d+$/.test(pid) || processStart(Number(pid)) !== started) return true;
    throw new StartError(
      `${this.path}: in use by another xcpufs (process ${pid}): each needs a directory of its own`,
    );
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    syncDirectory(dirname(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    throw new StartError(`${path}: cannot be made: ${systemText(error)}`);
  }
}

/** Puts names that came and went on the disk. */
function syncDirectory(path: string): void {
  const directory = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Whoever can write there could make himself the node's administrator. */
function checkOwner(path: string): void {
  const { uid, mode, isDirectory } = statOf(path);
  if (!isDirectory) throw new StartError(`${path}: not a directory`);
  const self = process.geteuid?.();
  if (uid !== self) {
    throw new StartError(
      `${path}: belongs to user ${uid}, who could change what is saved there: give one of user ${self}'s`,
    );
  }
  if ((mode & 0o022) !== 0) {
    throw new StartError(
      `${path}: others may write there, and so change what is saved: chmod go-w ${path}`,
    );
  }
}

function statOf(path: string) {
  try {
    const stats = statSync(path);
    return { uid: stats.uid, mode: stats.mode, isDirectory: stats.isDirectory() };
  } catch (error) {
    throw new StartError(`${path}: cannot be looked at: ${systemText(error)}`);
  }
}

async function closing(file: FileHandle, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    await file.close();
  }
}
