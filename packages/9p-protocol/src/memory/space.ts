import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';

/** What a volume's files, names and attributes take together, in bytes, and how much they may. */
export class Space {
  readonly limit: number;
  used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** @throws NinePError (ENOSPC) if there is less left. */
  take(bytes: number): void {
    if (this.used + bytes > this.limit) {
      throw new NinePError('no space left on device', Errno.ENOSPC);
    }
    this.used += bytes;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}
