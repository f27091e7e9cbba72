import { direntSize, writeDirent } from '../codec/dirent.js';
import { Writer } from '../codec/writer.js';
import { MessageType } from '../constants.js';
import { MAX_ENTRIES_PER_READDIR, MAX_MISSES_PER_TURN } from '../limits.js';
import type { Stat, Uint64 } from '../types.js';
import { afterOthers, chain } from './awaitable.js';
import type { Fid } from './fids.js';
import type { Awaitable, DirectoryItem, OpenFile, ServerFile } from './files.js';
import type { FidKeeper } from './keeper.js';
import { direntType, linuxMode } from './modes.js';
import { invalid, notDirectory } from './refusals.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';

/** Room for an entry with a name of usual length, in bytes. */
const USUAL_ENTRY = 64;

/**
 * Turns a directory's entries into what Treaddir wants. An entry's offset is the number of entries up to it, `.` and
 * `..` being the first two, so that any offset ever told can be gone back to: telldir(3).
 */
export class ListingReader<User> {
  readonly #keeper: FidKeeper<User>;
  readonly #fid: Fid<User>;
  readonly #open: OpenFile<User>;
  readonly #directory: ServerFile<User>;
  #listing: Listing | undefined;

  constructor(
    keeper: FidKeeper<User>,
    fid: Fid<User>,
    open: OpenFile<User>,
    directory: ServerFile<User>,
  ) {
    this.#keeper = keeper;
    this.#fid = fid;
    this.#open = open;
    this.#directory = directory;
  }

  /**
   * Whole entries, at most `count` bytes of them; the directory is listed anew at offset 0.
   * @throws NinePError (EINVAL) if not even the next entry fits, as getdents(2) does.
   */
  read(offset: Uint64, count: number, request: Request<User>): Awaitable<Reply> {
    // What JavaScript cannot count is beyond the end of every directory.
    const start = typeof offset === 'number' ? offset : Number.MAX_SAFE_INTEGER;
    const listing = this.#listing;
    if (listing && start > 0) return this.#fill(listing, start, count, request);
    return chain(this.#list(request), (taken) => {
      this.#listing = taken;
      return this.#fill(taken, start, count, request);
    });
  }

  #list(request: Request<User>): Awaitable<Listing> {
    const open = this.#open;
    const charge = (entries: number) => this.#keeper.chargeListing(this.#fid, entries);
    if (open.list) {
      return chain(open.list(request), (listing) => {
        charge(listing.length);
        return listing;
      });
    }
    if (!open.entries) throw notDirectory();
    return chain(open.entries(request), (entries) => new DerivedListing(entries, charge));
  }

  #fill(listing: Listing, start: number, count: number, request: Request<User>): Awaitable<Reply> {
    const expected = listing.length === undefined ? 0 : (listing.length + 2 - start) * USUAL_ENTRY;
    const room = Math.max(Math.min(expected, MAX_ENTRIES_PER_READDIR * USUAL_ENTRY, count), 512);
    const writer = new Writer(Buffer.allocUnsafe(room));
    let entries = 0;
    let misses = 0;
    for (let index = start; entries < MAX_ENTRIES_PER_READDIR; index++) {
      const item = this.#item(listing, index);
      if (item === END) break;
      if (!item) {
        if (++misses < MAX_MISSES_PER_TURN) continue;
        if (entries > 0) break;
        return afterOthers(request, () => this.#fill(listing, index + 1, count, request));
      }
      if (writer.at + direntSize(item) > count) {
        if (entries === 0) throw invalid('count too small for the next entry');
        break;
      }
      makeRoom(writer, item);
      const { qid, type = direntType(qid), name } = item;
      writeDirent(writer, { qid, offset: index + 1, type, name });
      entries++;
    }
    return { type: MessageType.Rreaddir, tag: 0, data: writer.buffer.subarray(0, writer.at) };
  }

  #item(listing: Listing, index: number): DirectoryItem | typeof END | undefined {
    if (index >= 2)
      return listing.length !== undefined && index - 2 >= listing.length
        ? END
        : listing.at(index - 2);
    const directory = this.#directory;
    if (index === 0) return { name: '.', qid: directory.qid };
    return { name: '..', qid: (directory.parent ?? directory).qid };
  }
}

/** Behind the last entry. */
const END = 'end';

/** Entries by number; how many there are may not be known before the end. */
interface Listing {
  readonly length: number | undefined;
  at(index: number): DirectoryItem | typeof END | undefined;
}

/** A listing made of stats, taken from where they come from as they are asked for. */
class DerivedListing implements Listing {
  readonly length = undefined;
  readonly #items: DirectoryItem[] = [];
  readonly #entries: Iterator<Stat | undefined>;
  readonly #charge: (entries: number) => void;

  constructor(entries: Iterable<Stat | undefined>, charge: (entries: number) => void) {
    this.#entries = entries[Symbol.iterator]();
    this.#charge = charge;
    charge(0);
  }

  at(index: number): DirectoryItem | typeof END {
    const items = this.#items;
    while (items.length <= index) {
      const next = this.#entries.next();
      if (next.done) return END;
      if (!next.value) continue;
      this.#charge(items.length + 1);
      items.push(itemOf(next.value));
    }
    return items[index]!;
  }
}

function itemOf({ name, qid, mode, extension }: Stat): DirectoryItem {
  return { name, qid, type: linuxMode(mode, extension) >>> 12 };
}

/** A string is written with room for three bytes for each of its units. */
function makeRoom(writer: Writer, { name }: DirectoryItem): void {
  const needed = writer.at + USUAL_ENTRY + 3 * name.length;
  if (needed <= writer.buffer.length) return;
  const larger = Buffer.allocUnsafe(2 * needed);
  writer.buffer.copy(larger, 0, 0, writer.at);
  writer.buffer = larger;
}
