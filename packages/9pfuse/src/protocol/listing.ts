import { nameToBytes, type Uint64 } from '@xcpu/9p-protocol';
import { ENTRY_SIZE, type FuseEntry, writeEntry } from './replies.js';
import { writeU64 } from './words.js';

/** One name in a directory. */
export interface FuseDirent {
  readonly ino: Uint64;
  /** Where a READDIR goes on behind this name. */
  readonly offset: Uint64;
  /** readdir(3)'s d_type. */
  readonly type: number;
  readonly name: string;
}

/** Bytes of fuse_dirent in front of the name. */
const DIRENT_SIZE = 24;

/** The body of a reply to READDIR or READDIRPLUS: names are added until one has no room. */
export class ListingWriter {
  readonly #body: Buffer;
  #at = 0;

  /** @param size bytes that the kernel has room for */
  constructor(size: number) {
    this.#body = Buffer.alloc(size);
  }

  /** What was added. */
  get bytes(): Buffer {
    return this.#body.subarray(0, this.#at);
  }

  /** Whether a name of that many bytes has room, with its attributes in READDIRPLUS. */
  hasRoom(nameLength: number, plus: boolean): boolean {
    return this.#at + recordSize(nameLength, plus) <= this.#body.length;
  }

  /** Adds a name, with its file where READDIRPLUS is answered; false, and nothing added, where it has no room. */
  add(dirent: FuseDirent, entry?: FuseEntry): boolean {
    const name = nameToBytes(dirent.name);
    if (!this.hasRoom(name.length, entry !== undefined)) return false;
    const body = this.#body;
    const start = this.#at;
    if (entry) writeEntry(body, entry, start);
    const at = entry ? start + ENTRY_SIZE : start;
    writeU64(body, dirent.ino, at);
    writeU64(body, dirent.offset, at + 8);
    body.writeUInt32LE(name.length, at + 16);
    body.writeUInt32LE(dirent.type, at + 20);
    body.set(name, at + DIRENT_SIZE);
    this.#at = start + recordSize(name.length, entry !== undefined);
    return true;
  }
}

/** Records begin at multiples of 8. */
function recordSize(nameLength: number, plus: boolean): number {
  return ((plus ? ENTRY_SIZE : 0) + DIRENT_SIZE + nameLength + 7) & ~7;
}
