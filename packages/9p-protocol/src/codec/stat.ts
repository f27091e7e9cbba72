import { type Dialect, NONUNAME, QID_SIZE } from '../constants.js';
import { protocolError } from '../errors.js';
import type { Stat } from '../types.js';
import { Reader } from './reader.js';
import type { DecodeOptions } from './strings.js';
import { stringRoom, Writer } from './writer.js';

/** Bytes of a stat's fixed fields, its own size field included. */
const FIXED = 2 + 2 + 4 + QID_SIZE + 4 + 4 + 4 + 8;
/** What 9P2000.u adds beside the extension string. */
const FIXED_U = 12;

/** Reads a stat, size field included: stat(5). */
export function readStat(reader: Reader, dialect: Dialect): Stat {
  const size = reader.u16();
  const rest = reader.remaining - size;
  if (rest < 0) throw protocolError('stat ends in the middle of a field');
  const type = reader.u16();
  const dev = reader.u32();
  const qid = reader.qid();
  const mode = reader.u32();
  const atime = reader.u32();
  const mtime = reader.u32();
  const length = reader.u64();
  const name = reader.string();
  const uid = reader.string();
  const gid = reader.string();
  const muid = reader.string();
  const plain = { type, dev, qid, mode, atime, mtime, length, name, uid, gid, muid };
  const stat =
    dialect === '9P2000.u'
      ? {
          ...plain,
          extension: reader.string(),
          nUid: reader.u32(),
          nGid: reader.u32(),
          nMuid: reader.u32(),
        }
      : plain;
  if (reader.remaining !== rest) throw protocolError('stat size does not fit its fields');
  return stat;
}

/**
 * Writes a stat, size field included.
 * @throws NinePError (ENAMETOOLONG) if its strings together are too long for 9P.
 */
export function writeStat(writer: Writer, stat: Stat, dialect: Dialect): void {
  const start = writer.at;
  writer.u16(0);
  writer.u16(stat.type);
  writer.u32(stat.dev);
  writer.qid(stat.qid);
  writer.u32(stat.mode);
  writer.u32(stat.atime);
  writer.u32(stat.mtime);
  writer.u64(stat.length);
  writer.string(stat.name);
  writer.string(stat.uid);
  writer.string(stat.gid);
  writer.string(stat.muid);
  if (dialect === '9P2000.u') {
    writer.string(stat.extension ?? '');
    writer.u32(stat.nUid ?? NONUNAME);
    writer.u32(stat.nGid ?? NONUNAME);
    writer.u32(stat.nMuid ?? NONUNAME);
  }
  writer.patch16(start, writer.at - start - 2);
}

/** The most bytes that a stat can take on the wire, its size field included. */
export function statRoom(stat: Stat): number {
  const { name, uid, gid, muid, extension = '' } = stat;
  return (
    FIXED +
    FIXED_U +
    stringRoom(name) +
    stringRoom(uid) +
    stringRoom(gid) +
    stringRoom(muid) +
    stringRoom(extension)
  );
}

/** One directory entry as the bytes that reading a directory yields. */
export function encodeStat(stat: Stat, dialect: Dialect): Buffer {
  const writer = new Writer(Buffer.allocUnsafe(statRoom(stat)));
  writeStat(writer, stat, dialect);
  return writer.buffer.subarray(0, writer.at);
}

/**
 * The entries in what was read from a directory.
 * @throws NinePError (protocol) if the bytes are not whole entries.
 */
export function decodeStats(bytes: Uint8Array, dialect: Dialect, options?: DecodeOptions): Stat[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(buffer, options);
  const stats: Stat[] = [];
  while (reader.remaining > 0) stats.push(readStat(reader, dialect));
  return stats;
}
