import { Errno, NinePError } from '@xcpu/9p-protocol';
import type { OpenFile } from '@xcpu/9p-protocol/server';
import { MAX_OLD_VERSIONS } from '../limits.js';

/** One version of a text; without its bytes where they were given up. */
interface Version {
  bytes: Buffer | undefined;
  /** Open files that read it. */
  readers: number;
}

/**
 * A long text that many read and that changes: whoever opens it sees one version to its end, and those who open it at
 * about the same time share one. The bytes of old versions are bounded, however many clients hold on to them.
 */
export class SharedText {
  readonly #make: () => string;
  readonly #age: number;
  readonly #budget: number;
  /** Those that are read, and the newest, which comes last. */
  readonly #versions = new Set<Version>();
  #newest: Version | undefined;
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
    version.readers++;
    return {
      read: (offset, count) => {
        if (!version.bytes) throw new NinePError('changed since: open it again', Errno.EIO);
        return version.bytes.subarray(offset, offset + count);
      },
      close: () => {
        version.readers--;
        if (version !== this.#newest) this.#dropUnread(version);
      },
    };
  }

  #current(): Version {
    const last = this.#newest;
    const now = performance.now();
    if (last && now - this.#made < this.#age) return last;
    this.#made = now;
    const bytes = Buffer.from(this.#make());
    if (last?.bytes?.equals(bytes)) return last;
    this.#newest = { bytes, readers: 0 };
    this.#versions.add(this.#newest);
    this.#bytes += bytes.length;
    if (last) this.#dropUnread(last);
    this.#keepBudget(this.#newest);
    return this.#newest;
  }

  #dropUnread(version: Version): void {
    if (version.readers === 0) this.#drop(version);
  }

  #keepBudget(newest: Version): void {
    for (const oldest of this.#versions) {
      if (this.#bytes <= this.#budget || oldest === newest) return;
      this.#drop(oldest);
    }
  }

  #drop(version: Version): void {
    if (!this.#versions.delete(version)) return;
    this.#bytes -= version.bytes?.length ?? 0;
    version.bytes = undefined;
  }
}
