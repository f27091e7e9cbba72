import { NOFID } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { DirectoryReader } from './directory.js';
import type { AuthFile, OpenFile, ServerFile } from './files.js';
import type { Request } from './request.js';

/** What a fid stands for. Exactly one of `file` and `auth` is set once the request that makes it was answered. */
export class Fid<User = unknown> {
  readonly number: number;
  file: ServerFile<User> | undefined;
  auth: AuthFile | undefined;
  user!: User;
  open: OpenFile<User> | undefined;
  /** Topen's mode, while open. */
  mode = 0;
  directory: DirectoryReader<User> | undefined;
  /**
   * While a request decides what the fid is (walk, open, create …) the later ones about it wait here, in order:
   * a client may send walk, open and read without waiting for answers.
   */
  gate: Set<() => void> | undefined;
  /** Reads and writes that wait. */
  waiting: Set<Request<User>> | undefined;
  /** Called when the last of them has ended. */
  onIdle: (() => void) | undefined;
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

export function unknownFid(): NinePError {
  return new NinePError('unknown fid', Errno.EIO);
}
