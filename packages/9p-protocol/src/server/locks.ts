import { LockType } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import {
  MAX_LOCK_RANGES,
  MAX_LOCK_RANGES_PER_CLIENT,
  MAX_LOCK_RANGES_PER_FILE,
} from '../limits.js';
import type { FileLock } from './files.js';

/** Ranges that a LockTable holds at the most. */
export interface LockLimits {
  /** In all. */
  readonly ranges: number;
  readonly perFile: number;
  /** Of one client. */
  readonly perClient: number;
}

const defaultLockLimits: LockLimits = {
  ranges: MAX_LOCK_RANGES,
  perFile: MAX_LOCK_RANGES_PER_FILE,
  perClient: MAX_LOCK_RANGES_PER_CLIENT,
};

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
  /** Whose process it is. */
  readonly client: object;
}

/**
 * The advisory locks on the files of one file server, as fcntl(2) has them: any number of owners may read-lock a
 * byte, or one may write-lock it. An owner is a process of a client, which is told apart by its connection, and not by
 * what it says of itself alone: two machines may have the same name. What an owner locks anew takes the place of what it
 * had there, and what it gives up may cut a range in two.
 *
 * A write lock may be taken through a file that is open for reading, which fcntl(2) refuses: Linux makes one of a
 * flock(2), which may.
 *
 * `File` is what tells files apart: the path of a qid, or an object that stands for the file.
 */
export class LockTable<File = unknown> {
  readonly #files = new Map<File, readonly Range[]>();
  readonly #limits: LockLimits;
  /** Ranges by client, of those who have any. */
  readonly #perClient = new Map<object, number>();
  #ranges = 0;

  constructor(limits: Partial<LockLimits> = {}) {
    this.#limits = { ...defaultLockLimits, ...limits };
  }

  /** Ranges in the table. */
  get size(): number {
    return this.#ranges;
  }

  /**
   * Takes, changes or gives up a lock; answers false, and changes nothing, where another owner is in the way.
   * @param holder what the lock is taken through (the open file), for {@link release}
   * @param client whose process it is: the connection
   * @throws NinePError (ENOLCK) beyond the limits; nothing is changed then
   */
  lock(file: File, lock: FileLock, holder: object, client: object): boolean {
    if (lock.type !== LockType.UNLCK && this.conflict(file, lock, client)) return false;
    const before = this.#files.get(file) ?? [];
    const after = replaced(before, rangeOf(lock, holder, client));
    const { ranges, perFile, perClient } = this.#limits;
    const more = after.length - before.length;
    const ofClient = (this.#perClient.get(client) ?? 0) + more;
    if (
      more > 0 &&
      (this.#ranges + more > ranges || after.length > perFile || ofClient > perClient)
    ) {
      throw new NinePError('too many locks', Errno.ENOLCK);
    }
    this.#set(file, after);
    return true;
  }

  /** A lock that is in the way of this one, which a process of `client` wants; undefined where none is. */
  conflict(file: File, lock: FileLock, client: object): FileLock | undefined {
    const wanted = rangeOf(lock, this, client);
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
    const before = this.#files.get(file) ?? [];
    this.#ranges += ranges.length - before.length;
    // Nearly all of them are the same as before, in the same order.
    let same = 0;
    for (const range of before) {
      if (range === ranges[same]) same++;
      else this.#count(range.client, -1);
    }
    for (let index = same; index < ranges.length; index++) this.#count(ranges[index]!.client, 1);
    if (ranges.length === 0) this.#files.delete(file);
    else this.#files.set(file, ranges);
  }

  #count(client: object, change: number): void {
    const count = (this.#perClient.get(client) ?? 0) + change;
    if (count === 0) this.#perClient.delete(client);
    else this.#perClient.set(client, count);
  }
}

function rangeOf(lock: FileLock, holder: object, client: object): Range {
  const { type, start, length, procId, clientId } = lock;
  const end = length === 0 ? Infinity : start + length;
  return { type, start, end, procId, clientId, holder, client };
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
  return a.procId === b.procId && a.clientId === b.clientId && a.client === b.client;
}

function overlap(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}
