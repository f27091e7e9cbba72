import { encodeStat } from '../codec/stat.js';
import type { Dialect } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_ENTRIES_PER_READ } from '../limits.js';
import type { Stat } from '../types.js';
import type { Fid } from './fids.js';
import type { OpenFile } from './files.js';
import type { FidKeeper } from './keeper.js';
import type { Request } from './request.js';

/** Turns a directory's entries into what Tread wants: whole entries only, in order, from 0: read(5). */
export class DirectoryReader<User> {
  readonly #keeper: FidKeeper<User>;
  readonly #fid: Fid<User>;
  readonly #open: OpenFile<User>;
  readonly #dialect: Dialect;
  #entries: Iterator<Stat> | undefined;
  /** An entry that did not fit into the last answer. */
  #held: Buffer | undefined;
  #offset = 0;

  constructor(keeper: FidKeeper<User>, fid: Fid<User>, open: OpenFile<User>, dialect: Dialect) {
    this.#keeper = keeper;
    this.#fid = fid;
    this.#open = open;
    this.#dialect = dialect;
  }

  /**
   * Entries for at most `count` bytes, none where the next does not fit.
   * @throws NinePError (EINVAL) unless `offset` is 0 or where the last read ended.
   */
  read(offset: number, count: number, request: Request<User>): Buffer[] | Promise<Buffer[]> {
    if (offset === 0) {
      const entries = this.#open.entries!(request);
      if (entries instanceof Promise) return entries.then((list) => this.#restart(list, count));
      return this.#restart(entries, count);
    }
    if (offset !== this.#offset) {
      throw new NinePError('directories are read in order', Errno.EINVAL);
    }
    return this.#fill(count);
  }

  #restart(entries: Iterable<Stat>, count: number): Buffer[] {
    if (Array.isArray(entries)) this.#keeper.chargeListing(this.#fid, entries.length);
    this.#entries = entries[Symbol.iterator]();
    this.#held = undefined;
    this.#offset = 0;
    return this.#fill(count);
  }

  #fill(count: number): Buffer[] {
    const pieces: Buffer[] = [];
    let length = 0;
    while (pieces.length < MAX_ENTRIES_PER_READ) {
      const entry = this.#next();
      if (!entry) break;
      if (length + entry.length > count) {
        this.#held = entry;
        break;
      }
      pieces.push(entry);
      length += entry.length;
    }
    this.#offset += length;
    return pieces;
  }

  #next(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held) return held;
    const next = this.#entries?.next();
    return next && !next.done ? encodeStat(next.value, this.#dialect) : undefined;
  }
}
