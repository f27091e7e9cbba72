import { QID_SIZE } from '../constants.js';
import type { Qid, Uint64 } from '../types.js';
import { Reader } from './reader.js';
import { type DecodeOptions, encodedLength } from './strings.js';
import { stringRoom, Writer } from './writer.js';

/** Bytes of an entry's fixed fields, the length of its name included. */
const FIXED = QID_SIZE + 8 + 1 + 2;

/** One entry of an Rreaddir: qid[13] offset[8] type[1] name[s]. */
export interface DirectoryEntry {
  readonly qid: Qid;
  /** What a Treaddir names to go on behind this entry; never 0. */
  readonly offset: Uint64;
  /** One of DirentType. */
  readonly type: number;
  readonly name: string;
}

/**
 * One entry as the bytes of an Rreaddir's data.
 * @throws NinePError (ENAMETOOLONG) if the name is longer than 65535 bytes.
 */
export function encodeDirent(entry: DirectoryEntry): Buffer {
  const writer = new Writer(Buffer.allocUnsafe(direntRoom(entry)));
  writeDirent(writer, entry);
  return writer.buffer.subarray(0, writer.at);
}

/**
 * Writes one entry. The writer has {@link direntRoom} for it, which may be more than {@link direntSize}.
 * @throws NinePError (ENAMETOOLONG) if the name is longer than 65535 bytes.
 */
export function writeDirent(writer: Writer, entry: DirectoryEntry): void {
  writer.qid(entry.qid);
  writer.u64(entry.offset);
  writer.u8(entry.type);
  writer.string(entry.name);
}

/** The most bytes that an entry can take; costs less to know than {@link direntSize}. */
export function direntRoom(entry: { readonly name: string }): number {
  return FIXED - 2 + stringRoom(entry.name);
}

/** The bytes that an entry takes. */
export function direntSize(entry: { readonly name: string }): number {
  return FIXED + encodedLength(entry.name);
}

/**
 * The entries in an Rreaddir's data.
 * @throws NinePError (protocol) if the bytes are not whole entries.
 */
export function decodeDirents(bytes: Uint8Array, options?: DecodeOptions): DirectoryEntry[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(buffer, options);
  const entries: DirectoryEntry[] = [];
  while (reader.remaining > 0) {
    entries.push({
      qid: reader.qid(),
      offset: reader.u64(),
      type: reader.u8(),
      name: reader.string(),
    });
  }
  return entries;
}
