import { encodeStat } from '../codec/stat.js';
import type { Dialect } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_ENTRIES_PER_READ, MAX_MISSES_PER_TURN } from '../limits.js';
import type { Stat } from '../types.js';
import { afterOthers } from './awaitable.js';
import type { Fid } from './fids.js';
import type { Awaitable, OpenFile } from './files.js';
import type { FidKeeper } from './keeper.js';
import type { Request } from './request.js';

/** Turns a directory's entries into what Tread wants: whole entries only, in order, from 0: read(5). */
export class DirectoryReader<User> {
  readonly #keeper: FidKeeper<User>;
  readonly #fid: Fid<User>;
  readonly #open: OpenFile<User>;
  readonly #dialect: Dialect;
  #entries: Iterator<Stat | undefined> | undefined;
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
  read(offset: number, count: number, request: Request<User>): Awaitable<Buffer[]> {
    if (offset === 0) {
      const entries = this.#open.entries!(request);
      if (entries instanceof Promise) {
        return entries.then((list) => this.#restart(list, count, request));
      }
      return this.#restart(entries, count, request);
    }
    if (offset !== this.#offset) {
      throw new NinePError('directories are read in order', Errno.EINVAL);
    }
    return this.#fill(count, request);
  }

  #restart(
    entries: Iterable<Stat | undefined>,
    count: number,
    request: Request<User>,
  ): Awaitable<Buffer[]> {
    if (Array.isArray(entries)) this.#keeper.chargeListing(this.#fid, entries.length);
    this.#entries = entries[Symbol.iterator]();
    this.#held = undefined;
    this.#offset = 0;
    return this.#fill(count, request);
  }

  #fill(count: number, request: Request<User>): Awaitable<Buffer[]> {
    const pieces: Buffer[] = [];
    let length = 0;
    let misses = 0;
    while (pieces.length < MAX_ENTRIES_PER_READ) {
      const entry = this.#next();
      if (entry === END) break;
      if (!entry) {
        if (++misses < MAX_MISSES_PER_TURN) continue;
        if (length > 0) break;
        return afterOthers(request, () => this.#fill(count, request));
      }
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

  /** undefined for an entry that is gone by now. */
  #next(): Buffer | typeof END | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held) return held;
    const next = this.#entries?.next();
    if (!next || next.done) return END;
    return next.value && encodeStat(next.value, this.#dialect);
  }
}

/** Behind the last entry. */
const END = 'end';
