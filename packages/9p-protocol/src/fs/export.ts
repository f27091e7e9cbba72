import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { DirectoryLimits } from '../limits.js';
import { LockTable } from '../server/locks.js';
import type { Uint64 } from '../types.js';
import { DescriptorCache } from './descriptors.js';
import { readonlyError } from './errors.js';
import type { OwnerNames } from './owner-names.js';
import { Qids } from './qids.js';

/** What all files of one exported directory share. */
export class Export {
  readonly readonly: boolean;
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

  constructor(rootDevice: bigint, settings: Pick<Export, 'readonly' | 'owners' | 'limits'>) {
    this.readonly = settings.readonly;
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
}
