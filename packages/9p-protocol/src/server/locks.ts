import { LockType } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_LOCK_RANGES, MAX_LOCK_RANGES_PER_FILE } from '../limits.js';
import type { FileLock } from './files.js';

/** A range that somebody has locked. */
interface Range {
  readonly type: number;
  readonly start: number;
  /** Behind the last byte; Infinity to the end of the file, however far that will be. */
  readonly end: number;
  readonly procId: number;
  readonly clientId: string;
  /** What it was taken through. */
  readonly holder: object;
}

/**
 * The advisory locks on the files of one file server, as fcntl(2) has them: any number of owners may read-lock a
 * byte, or one may write-lock it. An owner is a process of a client; what it locks anew takes the place of what it
 * had there, and what it gives up may cut a range in two.
 *
 * `File` is what tells files apart: the path of a qid, or an object that stands for the file.
 */
export class LockTable<File = unknown> {
  readonly #files = new Map<File, readonly Range[]>();
  readonly #limits: { readonly ranges: number; readonly perFile: number };
  #ranges = 0;

  constructor(limits = { ranges: MAX_LOCK_RANGES, perFile: MAX_LOCK_RANGES_PER_FILE }) {
    this.#limits = limits;
  }

  /** Ranges in the table. */
  get size(): number {
    return this.#ranges;
  }

  /**
   * Takes, changes or gives up a lock; answers false, and changes nothing, where another owner is in the way.
   * @param holder what the lock is taken through (the open file), for {@link release}
   * @throws NinePError (ENOLCK) beyond the limits; nothing is changed then
   */
  lock(file: File, lock: FileLock, holder: object): boolean {
    if (lock.type !== LockType.UNLCK && this.conflict(file, lock)) return false;
    const before = this.#files.get(file) ?? [];
    const after = replaced(before, rangeOf(lock, holder));
    const { ranges, perFile } = this.#limits;
    const total = this.#ranges + after.length - before.length;
    if (after.length > before.length && (total > ranges || after.length > perFile)) {
      throw new NinePError('too many locks', Errno.ENOLCK);
    }
    this.#set(file, after);
    return true;
  }

  /** A lock that is in the way of this one, undefined where none is. */
  conflict(file: File, lock: FileLock): FileLock | undefined {
    const wanted = rangeOf(lock, this);
    const inTheWay = this.#files
      .get(file)
      ?.find(
        (range) =>
          !sameOwner(range, wanted) &&
          overlap(range, wanted) &&
          (range.type === LockType.WRLCK || wanted.type === LockType.WRLCK),
      );
    if (!inTheWay) return undefined;
    const { type, start, end, procId, clientId } = inTheWay;
    return { type, start, length: end === Infinity ? 0 : end - start, procId, clientId };
  }

  /** Gives up what was taken through `holder` on a file: it is closed. */
  release(file: File, holder: object): void {
    const ranges = this.#files.get(file);
    if (!ranges) return;
    this.#set(
      file,
      ranges.filter((range) => range.holder !== holder),
    );
  }

  #set(file: File, ranges: readonly Range[]): void {
    this.#ranges += ranges.length - (this.#files.get(file)?.length ?? 0);
    if (ranges.length === 0) this.#files.delete(file);
    else this.#files.set(file, ranges);
  }
}

function rangeOf({ type, start, length, procId, clientId }: FileLock, holder: object): Range {
  return { type, start, end: length === 0 ? Infinity : start + length, procId, clientId, holder };
}

/** The ranges of a file once `added` has taken the place of what its owner had there. */
function replaced(ranges: readonly Range[], added: Range): Range[] {
  const after: Range[] = [];
  let { start, end } = added;
  for (const range of ranges) {
    if (!sameOwner(range, added) || range.end < added.start || range.start > added.end) {
      after.push(range);
    } else if (range.type === added.type && range.holder === added.holder) {
      start = Math.min(start, range.start);
      end = Math.max(end, range.end);
    } else {
      if (range.start < added.start)
        after.push({ ...range, end: Math.min(range.end, added.start) });
      if (range.end > added.end) after.push({ ...range, start: Math.max(range.start, added.end) });
    }
  }
  if (added.type !== LockType.UNLCK) after.push({ ...added, start, end });
  return after;
}

function sameOwner(a: Range, b: Range): boolean {
  return a.procId === b.procId && a.clientId === b.clientId;
}

function overlap(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}
