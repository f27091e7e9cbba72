import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { type DirectoryLimits, MAX_WAITING_SPECIALS } from '../limits.js';
import { LockTable } from '../server/locks.js';
import type { Uint64 } from '../types.js';
import { DescriptorCache } from './descriptors.js';
import { readonlyError } from './errors.js';
import type { OwnerNames } from './owner-names.js';
import { Qids } from './qids.js';

/** What all files of one exported directory share. */
export class Export {
  readonly readonly: boolean;
  readonly specials: boolean;
  readonly owners: OwnerNames;
  readonly limits: DirectoryLimits;
  readonly descriptors: DescriptorCache;
  readonly qids: Qids;
  /** By the paths of qids. */
  readonly locks = new LockTable<Uint64>();
  /** Files in the graph of nodes. */
  nodes = 0;
  #openFiles = 0;
  #listingBytes = 0;
  #making = Promise.resolve();
  #toBeMade = 0;

  constructor(
    rootDevice: bigint,
    settings: Pick<Export, 'readonly' | 'specials' | 'owners' | 'limits'>,
  ) {
    this.readonly = settings.readonly;
    this.specials = settings.specials;
    this.owners = settings.owners;
    this.limits = settings.limits;
    this.descriptors = new DescriptorCache(this.limits.descriptors);
    this.qids = new Qids(rootDevice);
  }

  /** @throws NinePError (EROFS) where nothing may be changed. */
  checkWritable(): void {
    if (this.readonly) throw readonlyError();
  }

  /**
   * Opens what takes a descriptor for as long as the client likes.
   * @throws NinePError (EMFILE) beyond the limit
   */
  opening(open: () => number): number {
    const { openFiles } = this.limits;
    if (this.#openFiles >= openFiles) {
      throw new NinePError(`too many open files (limit ${openFiles})`, Errno.EMFILE);
    }
    const fd = open();
    this.#openFiles++;
    return fd;
  }

  /** A descriptor of {@link opening} is given back. */
  closed(): void {
    this.#openFiles--;
  }

  /**
   * Notes memory that a directory listing takes, or, below 0, gives back.
   * @throws NinePError (ENOBUFS) beyond the limit
   */
  chargeListing(bytes: number): void {
    const { listingBytes } = this.limits;
    if (bytes > 0 && this.#listingBytes + bytes > listingBytes) {
      throw new NinePError('too many directories are being read', Errno.ENOBUFS);
    }
    this.#listingBytes += bytes;
  }

  /**
   * Makes pipes and sockets one after the other: each takes a process, or a socket that listens.
   * @throws NinePError (EAGAIN) beyond the limit
   */
  makingSpecial<T>(make: () => Promise<T>): Promise<T> {
    if (this.#toBeMade >= MAX_WAITING_SPECIALS) {
      const text = `too many pipes and sockets to be made (limit ${MAX_WAITING_SPECIALS})`;
      throw new NinePError(text, Errno.EAGAIN);
    }
    this.#toBeMade++;
    const made = this.#making.then(make);
    const end = () => {
      this.#toBeMade--;
    };
    this.#making = made.then(end, end);
    return made;
  }
}
