import { NOFID, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { DirectoryReader } from './directory.js';
import type { AuthFile, OpenFile, ServerFile } from './files.js';
import type { ListingReader } from './listing.js';
import type { Durability } from './modes.js';
import { denied, notDirectory } from './refusals.js';
import type { Request } from './request.js';
import type { AttributeWriter } from './xattr.js';

/** What a fid stands for. Exactly one of `file` and `auth` is set once the request that makes it was answered. */
export class Fid<User = unknown> {
  readonly number: number;
  file: ServerFile<User> | undefined;
  auth: AuthFile | undefined;
  user!: User;
  open: OpenFile<User> | undefined;
  /** What it writes to, if it is an extended attribute's. */
  attribute: AttributeWriter<User> | undefined;
  /** In bits of OpenMode, while open. */
  mode = 0;
  /** What has to be on the disk before its writes are answered. */
  durability: Durability | undefined;
  directory: DirectoryReader<User> | undefined;
  /** The same for Treaddir. */
  listing: ListingReader<User> | undefined;
  /** Entries that these two remember, as counted against the limit. */
  listed = 0;
  /**
   * While a request decides what the fid is (walk, open, create …) the later ones about it wait here, in order:
   * a client may send walk, open and read without waiting for answers.
   */
  gate: Set<() => void> | undefined;
  /** Reads and writes that wait. */
  waiting: Set<Request<User>> | undefined;
  /** Called when the last of them has ended. */
  onIdle: (() => void) | undefined;
  /** A Tclunk or Tremove is on its way: no other request gets through to it. */
  ending = false;
  /** Clunked, or its connection is over. */
  gone = false;

  constructor(number: number) {
    this.number = number;
  }
}

/** The fids of one connection. */
export class FidTable<User> {
  readonly #fids = new Map<number, Fid<User>>();
  /** The most that there may be; more than that stay if it is lowered. */
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#fids.size;
  }

  /** @throws NinePError (EBADF) `unknown fid`. */
  get(number: number): Fid<User> {
    const fid = this.#fids.get(number);
    if (!fid) throw unknownFid();
    return fid;
  }

  find(number: number): Fid<User> | undefined {
    return this.#fids.get(number);
  }

  /** Takes the number for a request that will say what it stands for; its gate is closed until then. */
  reserve(number: number): Fid<User> {
    if (number === NOFID) throw new NinePError('invalid fid', Errno.EINVAL);
    if (this.#fids.has(number)) throw new NinePError('fid already exists', Errno.EIO);
    if (this.#fids.size >= this.limit) {
      throw new NinePError(`too many fids (limit ${this.limit})`, Errno.EMFILE);
    }
    const fid = new Fid<User>(number);
    fid.gate = new Set();
    this.#fids.set(number, fid);
    return fid;
  }

  /** Frees the number, unless another fid has it by now: after a Tversion, old walks may still end. */
  delete(fid: Fid<User>): void {
    if (this.#fids.get(fid.number) === fid) this.#fids.delete(fid.number);
  }

  /** Empties the table. */
  takeAll(): Fid<User>[] {
    const all = [...this.#fids.values()];
    this.#fids.clear();
    return all;
  }
}

/**
 * What a fid names.
 * @throws NinePError (EPERM) if that is no file of the tree.
 */
export function fileOf<User>(fid: Fid<User>): ServerFile<User> {
  if (!fid.file) throw denied();
  return fid.file;
}

/** @throws NinePError (ENOTDIR) if the fid names no directory. */
export function directoryOf<User>(fid: Fid<User>): ServerFile<User> {
  const file = fileOf(fid);
  if (!(file.qid.type & QidType.DIR)) throw notDirectory();
  return file;
}

/** @throws NinePError (EBADF) unless the fid is open. */
export function openOf<User>(fid: Fid<User>): OpenFile<User> {
  const open = fid.open ?? (fid.auth as OpenFile<User> | undefined);
  if (!open) throw new NinePError('file not open', Errno.EBADF);
  return open;
}

/** @throws NinePError (EBUSY) if the fid is open. */
export function checkClosed(fid: Fid): void {
  if (fid.open) throw new NinePError('fid is open already', Errno.EBUSY);
}

export function unknownFid(): NinePError {
  return new NinePError('unknown fid', Errno.EIO);
}
