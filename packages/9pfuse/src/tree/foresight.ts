/** Names that are remembered: those that a few programs look up when they start. */
const MAX_NAMES = 128;
/** Files of which it is remembered what is read: a program, its loader and its libraries. */
const MAX_FILES = 16;
/** Parts of one such file, and bytes in all: a C library, and as much again. */
const MAX_PARTS = 8;
const MAX_BYTES = 4 * 1024 * 1024;

/** How long after it began a mount is watched, in milliseconds: until its first program runs. */
const WATCHED_MS = 1000;

/** A part of a file. */
export interface Range {
  readonly offset: number;
  readonly size: number;
}

/** What is told of one mount, as it happens. */
export interface Watch {
  lookedUp(path: string): void;
  /** What was looked up there is a symbolic link, and was followed. */
  followed(path: string): void;
  read(path: string, range: Range): void;
}

/**
 * What programs looked up and read first when a tree was mounted before, to be asked for at once, all together, when it
 * is mounted again: the kernel asks for one thing after the other, which costs a round trip each. What was foreseen is
 * believed half as long before the kernel asks as after.
 *
 * Paths go from the root on, without a slash in front. One is for one program of one user: what he uses is nobody else's
 * business.
 */
export class Foresight {
  /** The one that was looked up longest ago first. */
  readonly #paths = new Set<string>();
  /** Those of them that are links, and were followed. */
  readonly #links = new Set<string>();
  /** The file that was read longest ago first. */
  readonly #reads = new Map<string, readonly Range[]>();

  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /** Whether a path is that of a link that was followed: where it leads is going to be asked for. */
  isLink(path: string): boolean {
    return this.#links.has(path);
  }

  get reads(): ReadonlyMap<string, readonly Range[]> {
    return new Map(this.#reads);
  }

  /** Takes note of what one mount is asked for, from now on for a while. */
  watch(now: () => number = () => performance.now()): Watch {
    const end = now() + WATCHED_MS;
    return {
      lookedUp: (path) => {
        if (now() <= end) this.#lookedUp(path);
      },
      followed: (path) => {
        if (this.#paths.has(path)) this.#links.add(path);
      },
      read: (path, range) => {
        if (now() <= end) this.#read(path, range);
      },
    };
  }

  #lookedUp(path: string): void {
    this.#paths.delete(path);
    this.#paths.add(path);
    const [oldest] = this.#paths;
    if (this.#paths.size <= MAX_NAMES || oldest === undefined) return;
    this.#paths.delete(oldest);
    this.#links.delete(oldest);
  }

  #read(path: string, range: Range): void {
    const known = this.#reads.get(path) ?? [];
    const bytes = this.#bytes();
    this.#reads.delete(path);
    const isNew = !known.some(
      ({ offset, size }) => offset <= range.offset && range.offset + range.size <= offset + size,
    );
    const fits = known.length < MAX_PARTS && bytes + range.size <= MAX_BYTES;
    this.#reads.set(path, isNew && fits ? [...known, range] : known);
    const [oldest] = this.#reads.keys();
    if (this.#reads.size > MAX_FILES && oldest !== undefined) this.#reads.delete(oldest);
  }

  #bytes(): number {
    let bytes = 0;
    for (const ranges of this.#reads.values()) for (const { size } of ranges) bytes += size;
    return bytes;
  }
}
