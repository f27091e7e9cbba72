import { type Dialect, HEADER_SIZE, MessageType, QID_SIZE } from '../constants.js';
import type { AnyMessage } from '../messages.js';
import { isLinux, linuxRoom, writeLinux } from './encode-linux.js';
import { statRoom, writeStat } from './stat.js';
import { stringRoom, Writer } from './writer.js';

/** No message has more bytes than this beside its strings, qid lists, stats and payload. */
const FIXED_ROOM = 64;

/** A whole frame, payload included (copied); see FrameWriter for the way without a copy. */
export function encode(message: AnyMessage, dialect: Dialect): Buffer {
  const payload = payloadOf(message);
  const extra = payload?.length ?? 0;
  const writer = new Writer(Buffer.allocUnsafe(messageRoom(message) + extra));
  writeMessage(writer, message, dialect, extra);
  if (payload) writer.buffer.set(payload, writer.at);
  return writer.buffer.subarray(0, writer.at + extra);
}

/** The bytes at the end of a message that need not be copied into it. */
export function payloadOf(message: AnyMessage): Uint8Array | undefined {
  switch (message.type) {
    case MessageType.Rread:
    case MessageType.Twrite:
    case MessageType.Rreaddir:
      return message.data;
    default:
      return undefined;
  }
}

/** The most bytes that a message takes, its payload left out. */
export function messageRoom(message: AnyMessage): number {
  switch (message.type) {
    case MessageType.Tversion:
    case MessageType.Rversion:
      return FIXED_ROOM + stringRoom(message.version);
    case MessageType.Tauth:
    case MessageType.Tattach:
      return FIXED_ROOM + stringRoom(message.uname) + stringRoom(message.aname);
    case MessageType.Rerror:
      return FIXED_ROOM + stringRoom(message.ename);
    case MessageType.Twalk: {
      let room = FIXED_ROOM;
      for (const name of message.names) room += stringRoom(name);
      return room;
    }
    case MessageType.Rwalk:
      return FIXED_ROOM + message.qids.length * QID_SIZE;
    case MessageType.Tcreate:
      return FIXED_ROOM + stringRoom(message.name) + stringRoom(message.extension);
    case MessageType.Rstat:
    case MessageType.Twstat:
      return FIXED_ROOM + statRoom(message.stat);
    default:
      return isLinux(message) ? linuxRoom(message) : FIXED_ROOM;
  }
}

/**
 * Writes a message without its payload, whose length the size and count fields allow for.
 * @throws NinePError (ENAMETOOLONG) if a string is longer than 65535 bytes.
 */
export function writeMessage(
  writer: Writer,
  message: AnyMessage,
  dialect: Dialect,
  payloadLength: number,
): void {
  const start = writer.at;
  writer.at = start + 4;
  writer.u8(message.type);
  writer.u16(message.tag);
  writeBody(writer, message, dialect, payloadLength);
  writer.patch32(start, writer.at - start + payloadLength);
}

/** Writes the header of an Rread whose data is sent as separate pieces. */
export function writeReadHeader(writer: Writer, tag: number, count: number): void {
  writer.u32(HEADER_SIZE + 4 + count);
  writer.u8(MessageType.Rread);
  writer.u16(tag);
  writer.u32(count);
}

function writeBody(
  writer: Writer,
  message: AnyMessage,
  dialect: Dialect,
  payloadLength: number,
): void {
  switch (message.type) {
    case MessageType.Tread:
      writer.u32(message.fid);
      writer.u64(message.offset);
      return writer.u32(message.count);
    case MessageType.Twrite:
      writer.u32(message.fid);
      writer.u64(message.offset);
      return writer.u32(payloadLength);
    case MessageType.Rread:
      return writer.u32(payloadLength);
    case MessageType.Rwrite:
      return writer.u32(message.count);
    case MessageType.Twalk:
      writer.u32(message.fid);
      writer.u32(message.newfid);
      writer.u16(message.names.length);
      for (const name of message.names) writer.string(name);
      return;
    case MessageType.Rwalk:
      writer.u16(message.qids.length);
      for (const qid of message.qids) writer.qid(qid);
      return;
    case MessageType.Topen:
      writer.u32(message.fid);
      return writer.u8(message.mode);
    case MessageType.Ropen:
    case MessageType.Rcreate:
      writer.qid(message.qid);
      return writer.u32(message.iounit);
    case MessageType.Tclunk:
    case MessageType.Tremove:
    case MessageType.Tstat:
      return writer.u32(message.fid);
    case MessageType.Rclunk:
    case MessageType.Rremove:
    case MessageType.Rwstat:
    case MessageType.Rflush:
      return;
    case MessageType.Twstat:
      writer.u32(message.fid);
      return writeSizedStat(writer, message, dialect);
    case MessageType.Rstat:
      return writeSizedStat(writer, message, dialect);
    case MessageType.Tflush:
      return writer.u16(message.oldtag);
    case MessageType.Tversion:
    case MessageType.Rversion:
      writer.u32(message.msize);
      return writer.string(message.version);
    case MessageType.Tauth:
      writer.u32(message.afid);
      return writeLogin(writer, message, dialect);
    case MessageType.Rauth:
      return writer.qid(message.aqid);
    case MessageType.Tattach:
      writer.u32(message.fid);
      writer.u32(message.afid);
      return writeLogin(writer, message, dialect);
    case MessageType.Rattach:
      return writer.qid(message.qid);
    case MessageType.Rerror:
      writer.string(message.ename);
      if (dialect !== '9P2000') writer.u32(message.errno);
      return;
    case MessageType.Tcreate:
      writer.u32(message.fid);
      writer.string(message.name);
      writer.u32(message.perm);
      writer.u8(message.mode);
      if (dialect === '9P2000.u') writer.string(message.extension);
      return;
    default:
      return writeLinux(writer, message, payloadLength);
  }
}

function writeLogin(
  writer: Writer,
  login: { uname: string; aname: string; nUname: number },
  dialect: Dialect,
): void {
  writer.string(login.uname);
  writer.string(login.aname);
  if (dialect !== '9P2000') writer.u32(login.nUname);
}

/** In messages a stat has its length in front a second time: stat(5), "BUGS". */
function writeSizedStat(
  writer: Writer,
  message: { stat: Parameters<typeof writeStat>[1] },
  dialect: Dialect,
): void {
  const start = writer.at;
  writer.u16(0);
  writeStat(writer, message.stat, dialect);
  writer.patch16(start, writer.at - start - 2);
}
