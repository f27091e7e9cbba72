import { type Dir, opendirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeString } from '../codec/strings.js';
import type { Awaitable } from '../server/files.js';

/** Names that the kernel is asked for at a time, and after which other work gets its turn. */
const SLICE = 1024;
const FIRST_BYTES = 4096;

/**
 * The names in a directory, without `.` and `..`. One system call's worth of them is there at once; a larger
 * directory is read in slices between which other requests are served.
 * @param charge is told beforehand of each growth of the list's memory, in bytes, and may refuse
 */
export function readNames(path: string, charge: (bytes: number) => void): Awaitable<NameList> {
  const names = new NameList(charge);
  // The types do not know that names can be had as they are.
  const encoding = 'buffer' as BufferEncoding;
  const directory = opendirSync(path, { encoding, bufferSize: SLICE });
  let done = false;
  try {
    done = readSlice(directory, names);
    if (!done) return readRest(directory, names);
  } catch (error) {
    done = true;
    throw error;
  } finally {
    if (done) directory.closeSync();
  }
  return names;
}

/** Names in one piece of memory: a hundred thousand of them as objects would take ten times as much. */
export class NameList {
  readonly #charge: (bytes: number) => void;
  #bytes = Buffer.alloc(0);
  #ends = new Uint32Array(0);
  #length = 0;

  constructor(charge: (bytes: number) => void) {
    this.#charge = charge;
  }

  get length(): number {
    return this.#length;
  }

  /** The index must be below the length. */
  at(index: number): string {
    return decodeString(this.#bytes, this.#end(index), this.#end(index + 1), true);
  }

  push(name: Uint8Array): void {
    const start = this.#end(this.#length);
    const end = start + name.length;
    if (end > this.#bytes.length) this.#growBytes(end);
    if (this.#length === this.#ends.length) this.#growEnds();
    this.#bytes.set(name, start);
    this.#ends[this.#length++] = end;
  }

  /** Where the names before this one end. */
  #end(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }

  #growBytes(least: number): void {
    const size = Math.max(least, 2 * this.#bytes.length, FIRST_BYTES);
    this.#charge(size - this.#bytes.length);
    const bytes = Buffer.allocUnsafeSlow(size);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  #growEnds(): void {
    const count = Math.max(2 * this.#ends.length, FIRST_BYTES / 16);
    this.#charge((count - this.#ends.length) * Uint32Array.BYTES_PER_ELEMENT);
    const ends = new Uint32Array(count);
    ends.set(this.#ends);
    this.#ends = ends;
  }
}

async function readRest(directory: Dir, names: NameList): Promise<NameList> {
  try {
    do await nextTurn();
    while (!readSlice(directory, names));
    return names;
  } finally {
    directory.closeSync();
  }
}

/** Whether that was all. */
function readSlice(directory: Dir, names: NameList): boolean {
  for (let count = 0; count < SLICE; count++) {
    const entry = directory.readSync();
    if (!entry) return true;
    names.push(entry.name as unknown as Uint8Array);
  }
  return false;
}
