import type { Qid, Stat } from '@xcpu/9p-protocol';
import { DirentType, QidType } from '@xcpu/9p-protocol';
import type {
  Awaitable,
  DirectoryItem,
  DirectoryListing,
  OpenFile,
  Request,
} from '@xcpu/9p-protocol/server';
import type { Owners } from './owners.js';
import type { StandIn, StandInFile } from './stand-in.js';

/** How a directory that is listed differs from what is on the disk. */
export interface Differences {
  /** Whether an entry is left out. */
  hides(name: string, qid: Qid): boolean;
  /** What is listed behind the others. */
  madeUp(): (StandIn | StandInFile)[];
}

/** An open directory, as a node sees it. */
export class ExportedListing implements OpenFile<string> {
  readonly #open: OpenFile<string>;
  readonly #owners: Owners;
  readonly #differences: Differences;

  /** @param open one of `serveDirectory`, which can be listed either way */
  constructor(open: OpenFile<string>, owners: Owners, differences: Differences) {
    this.#open = open;
    this.#owners = owners;
    this.#differences = differences;
  }

  list(request: Request<string>): Awaitable<DirectoryListing> {
    const listing = this.#open.list!(request);
    return listing instanceof Promise
      ? listing.then((names) => this.#shown(names))
      : this.#shown(listing);
  }

  entries(request: Request<string>): Awaitable<Iterable<Stat | undefined>> {
    const entries = this.#open.entries!(request);
    return entries instanceof Promise
      ? entries.then((stats) => this.#stats(stats, request))
      : this.#stats(entries, request);
  }

  close(): Awaitable<void> {
    return this.#open.close?.();
  }

  #shown(listing: DirectoryListing): DirectoryListing {
    const madeUp = this.#differences.madeUp().map(itemOf);
    const { length } = listing;
    return {
      length: length + madeUp.length,
      at: (index) => (index < length ? this.#item(listing, index) : madeUp[index - length]),
    };
  }

  #item(listing: DirectoryListing, index: number): DirectoryItem | undefined {
    const item = listing.at(index);
    return item && this.#differences.hides(item.name, item.qid) ? undefined : item;
  }

  *#stats(stats: Iterable<Stat | undefined>, request: Request<string>): Iterable<Stat | undefined> {
    for (const stat of stats) {
      const hidden = stat && this.#differences.hides(stat.name, stat.qid);
      yield stat && !hidden ? this.#owners.stat(stat) : undefined;
    }
    for (const file of this.#differences.madeUp()) yield file.stat(request);
  }
}

function itemOf({ attributes: { name }, qid }: StandIn | StandInFile): DirectoryItem {
  const type = qid.type === QidType.DIR ? DirentType.DIRECTORY : DirentType.REGULAR;
  return { name, qid, type };
}
