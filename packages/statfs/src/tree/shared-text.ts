import { Errno, NinePError } from '@xcpu/9p-protocol';
import type { OpenFile } from '@xcpu/9p-protocol/server';
import { MAX_OLD_VERSIONS } from '../limits.js';

/** One version of a text; without its bytes where they were given up. */
interface Version {
  bytes: Buffer | undefined;
}

/**
 * A long text that many read and that changes: whoever opens it sees one version to its end, and those who open it at
 * about the same time share one. The bytes of old versions are bounded, however many clients hold on to them.
 */
export class SharedText {
  readonly #make: () => string;
  readonly #age: number;
  readonly #budget: number;
  /** The oldest first; the last is the newest. */
  readonly #versions: Version[] = [];
  #bytes = 0;
  #made = Number.NEGATIVE_INFINITY;

  /**
   * @param make writes the text anew
   * @param age milliseconds for which what was written is good enough
   * @param budget bytes of all versions together; the newest is kept in any case
   */
  constructor(make: () => string, age: number, budget: number = MAX_OLD_VERSIONS) {
    this.#make = make;
    this.#age = age;
    this.#budget = budget;
  }

  /** The text as it is now. */
  bytes(): Buffer {
    return this.#current().bytes!;
  }

  /** A file opened now. */
  open(): OpenFile<string> {
    const version = this.#current();
    return {
      read: (offset, count) => {
        if (!version.bytes) throw new NinePError('changed since: open it again', Errno.EIO);
        return version.bytes.subarray(offset, offset + count);
      },
    };
  }

  #current(): Version {
    const last = this.#versions.at(-1);
    const now = performance.now();
    if (last && now - this.#made < this.#age) return last;
    this.#made = now;
    const bytes = Buffer.from(this.#make());
    if (last?.bytes?.equals(bytes)) return last;
    const version = { bytes };
    this.#versions.push(version);
    this.#bytes += bytes.length;
    this.#giveUp();
    return version;
  }

  #giveUp(): void {
    while (this.#bytes > this.#budget && this.#versions.length > 1) {
      const version = this.#versions.shift()!;
      this.#bytes -= version.bytes?.length ?? 0;
      version.bytes = undefined;
    }
  }
}
