import { type Dialect, HEADER_SIZE, MAX_WALK_NAMES, MessageType, NONUNAME } from '../constants.js';
import { protocolError } from '../errors.js';
import type { AnyMessage, Rread, Twrite } from '../messages.js';
import type { Qid, Stat } from '../types.js';
import { decodeLinux } from './decode-linux.js';
import { Reader } from './reader.js';
import { readStat } from './stat.js';
import type { DecodeOptions } from './strings.js';

const NOTHING = Buffer.alloc(0);
// Decoding never yields in the middle, so one reader serves every message.
const reader = new Reader(NOTHING);

/**
 * The message in a whole frame, size field included. Payloads are views of the frame.
 * @param options whether strings have to be UTF-8: by default they do
 * @throws NinePError (protocol) if it is not a message of this dialect; the frame's tag can still be read with {@link frameTag}.
 */
export function decode(frame: Buffer, dialect: Dialect, options?: DecodeOptions): AnyMessage {
  if (frame.length < HEADER_SIZE || frame.readUInt32LE(0) !== frame.length) {
    throw protocolError('message size does not fit its frame');
  }
  const type = frame[4]!;
  const tag = frameTag(frame);
  reader.reset(frame, HEADER_SIZE, options);
  try {
    const message = decodeBody(type, tag, dialect);
    reader.finish();
    return message;
  } finally {
    reader.reset(NOTHING, 0);
  }
}

/**
 * The Rread or Twrite whose payload came in pieces.
 * @param head what is in front of the payload
 * @throws NinePError (protocol) if its count is not theirs
 */
export function decodePieces(head: Buffer, pieces: readonly Buffer[]): Rread | Twrite {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (head.readUInt32LE(head.length - 4) !== length) {
    throw protocolError('count does not fit the message');
  }
  const tag = frameTag(head);
  if (head[4] === MessageType.Rread) {
    return { type: MessageType.Rread, tag, data: NOTHING, parts: pieces };
  }
  reader.reset(head, HEADER_SIZE);
  const [fid, offset] = [reader.u32(), reader.u64()];
  reader.reset(NOTHING, 0);
  return { type: MessageType.Twrite, tag, fid, offset, data: NOTHING, parts: pieces };
}

/** The tag in a frame's header, whatever follows. */
export function frameTag(frame: Buffer): number {
  return frame[5]! | (frame[6]! << 8);
}

function decodeBody(type: number, tag: number, dialect: Dialect): AnyMessage {
  if (dialect === '9P2000.L') {
    if (type < MessageType.Tversion) return decodeLinux(reader, type, tag);
    if (isReplaced(type)) throw protocolError(`message type ${type} is not part of 9P2000.L`);
  }
  switch (type) {
    case MessageType.Tread:
      return { type, tag, fid: reader.u32(), offset: reader.u64(), count: reader.u32() };
    case MessageType.Rread:
      return { type, tag, data: reader.bytes(reader.u32()) };
    case MessageType.Twrite:
      return {
        type,
        tag,
        fid: reader.u32(),
        offset: reader.u64(),
        data: reader.bytes(reader.u32()),
      };
    case MessageType.Rwrite:
      return { type, tag, count: reader.u32() };
    case MessageType.Twalk:
      return { type, tag, fid: reader.u32(), newfid: reader.u32(), names: readNames() };
    case MessageType.Rwalk:
      return { type, tag, qids: readQids() };
    case MessageType.Topen:
      return { type, tag, fid: reader.u32(), mode: reader.u8() };
    case MessageType.Ropen:
    case MessageType.Rcreate:
      return { type, tag, qid: reader.qid(), iounit: reader.u32() };
    case MessageType.Tclunk:
    case MessageType.Tremove:
    case MessageType.Tstat:
      return { type, tag, fid: reader.u32() };
    case MessageType.Rclunk:
    case MessageType.Rremove:
    case MessageType.Rwstat:
    case MessageType.Rflush:
      return { type, tag };
    case MessageType.Rstat:
      return { type, tag, stat: readSizedStat(dialect) };
    case MessageType.Twstat:
      return { type, tag, fid: reader.u32(), stat: readSizedStat(dialect) };
    case MessageType.Tflush:
      return { type, tag, oldtag: reader.u16() };
    case MessageType.Tversion:
    case MessageType.Rversion:
      return { type, tag, msize: reader.u32(), version: reader.string() };
    case MessageType.Tauth:
      return {
        type,
        tag,
        afid: reader.u32(),
        uname: reader.string(),
        aname: reader.string(),
        nUname: readUserNumber(dialect),
      };
    case MessageType.Rauth:
      return { type, tag, aqid: reader.qid() };
    case MessageType.Tattach:
      return {
        type,
        tag,
        fid: reader.u32(),
        afid: reader.u32(),
        uname: reader.string(),
        aname: reader.string(),
        nUname: readUserNumber(dialect),
      };
    case MessageType.Rattach:
      return { type, tag, qid: reader.qid() };
    case MessageType.Rerror:
      return {
        type,
        tag,
        ename: reader.string(),
        errno: readErrorNumber(dialect),
      };
    case MessageType.Tcreate:
      return {
        type,
        tag,
        fid: reader.u32(),
        name: reader.string(),
        perm: reader.u32(),
        mode: reader.u8(),
        extension: dialect === '9P2000.u' ? reader.string() : '',
      };
    default:
      throw protocolError(`unknown message type ${type}`);
  }
}

/** .L has messages of its own for what the open, create, stat and wstat of 9P2000 do. */
function isReplaced(type: number): boolean {
  return (
    (type >= MessageType.Topen && type <= MessageType.Rcreate) ||
    (type >= MessageType.Tstat && type <= MessageType.Rwstat)
  );
}

/** In .L, whose own error is Rlerror, an Rerror is that of a server that looked at no dialect yet. */
function readErrorNumber(dialect: Dialect): number {
  if (dialect === '9P2000') return 0;
  return dialect === '9P2000.u' || reader.remaining > 0 ? reader.u32() : 0;
}

/** The C statfs client leaves the number out although 9P2000.u was agreed: both forms are understood. */
function readUserNumber(dialect: Dialect): number {
  return dialect !== '9P2000' && reader.remaining > 0 ? reader.u32() : NONUNAME;
}

/** In messages a stat has its length in front a second time: stat(5), "BUGS". */
function readSizedStat(dialect: Dialect): Stat {
  if (reader.u16() !== reader.remaining) throw protocolError('stat size does not fit its message');
  return readStat(reader, dialect);
}

function readNames(): string[] {
  const count = reader.u16();
  if (count > MAX_WALK_NAMES) throw protocolError(`walk of more than ${MAX_WALK_NAMES} names`);
  const names: string[] = [];
  for (let index = 0; index < count; index++) names.push(reader.string());
  return names;
}

function readQids(): Qid[] {
  const count = reader.u16();
  if (count > MAX_WALK_NAMES) throw protocolError(`walk of more than ${MAX_WALK_NAMES} names`);
  const qids: Qid[] = [];
  for (let index = 0; index < count; index++) qids.push(reader.qid());
  return qids;
}
