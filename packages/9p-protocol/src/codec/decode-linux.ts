import { MessageType } from '../constants.js';
import { protocolError } from '../errors.js';
import type { AnyMessage } from '../messages.js';
import type { Attributes, FileSystemStatistics } from '../types.js';
import type { Reader } from './reader.js';

/**
 * The message of 9P2000.L's own whose body `reader` stands at.
 * @throws NinePError (protocol) if there is none of that type, or it ends too early.
 */
export function decodeLinux(reader: Reader, type: number, tag: number): AnyMessage {
  switch (type) {
    case MessageType.Tgetattr:
      return { type, tag, fid: reader.u32(), requestMask: reader.u64() };
    case MessageType.Rgetattr:
      return {
        type,
        tag,
        valid: reader.u64(),
        qid: reader.qid(),
        attributes: readAttributes(reader),
      };
    case MessageType.Tlopen:
      return { type, tag, fid: reader.u32(), flags: reader.u32() };
    case MessageType.Rlopen:
    case MessageType.Rlcreate:
      return { type, tag, qid: reader.qid(), iounit: reader.u32() };
    case MessageType.Treaddir:
      return { type, tag, fid: reader.u32(), offset: reader.u64(), count: reader.u32() };
    case MessageType.Rreaddir:
      return { type, tag, data: reader.bytes(reader.u32()) };
    case MessageType.Rlerror:
      return { type, tag, ecode: reader.u32() };
    case MessageType.Tlcreate:
      return {
        type,
        tag,
        fid: reader.u32(),
        name: reader.string(),
        flags: reader.u32(),
        mode: reader.u32(),
        gid: reader.u32(),
      };
    case MessageType.Tsetattr:
      return {
        type,
        tag,
        fid: reader.u32(),
        valid: reader.u32(),
        mode: reader.u32(),
        uid: reader.u32(),
        gid: reader.u32(),
        size: reader.u64(),
        atimeSec: reader.u64(),
        atimeNsec: reader.nanoseconds(),
        mtimeSec: reader.u64(),
        mtimeNsec: reader.nanoseconds(),
      };
    case MessageType.Tunlinkat:
      return {
        type,
        tag,
        dirfid: reader.u32(),
        name: reader.string(),
        flags: reader.u32(),
      };
    case MessageType.Tmkdir:
      return {
        type,
        tag,
        fid: reader.u32(),
        name: reader.string(),
        mode: reader.u32(),
        gid: reader.u32(),
      };
    case MessageType.Rmkdir:
    case MessageType.Rsymlink:
    case MessageType.Rmknod:
      return { type, tag, qid: reader.qid() };
    case MessageType.Rsetattr:
    case MessageType.Rrename:
    case MessageType.Rrenameat:
    case MessageType.Runlinkat:
    case MessageType.Rlink:
    case MessageType.Rfsync:
    case MessageType.Rxattrcreate:
      return { type, tag };
    case MessageType.Tstatfs:
    case MessageType.Treadlink:
      return { type, tag, fid: reader.u32() };
    case MessageType.Rstatfs:
      return { type, tag, statistics: readStatistics(reader) };
    case MessageType.Rreadlink:
      return { type, tag, target: reader.string() };
    case MessageType.Tsymlink:
      return {
        type,
        tag,
        fid: reader.u32(),
        name: reader.string(),
        target: reader.string(),
        gid: reader.u32(),
      };
    case MessageType.Tmknod:
      return {
        type,
        tag,
        fid: reader.u32(),
        name: reader.string(),
        mode: reader.u32(),
        major: reader.u32(),
        minor: reader.u32(),
        gid: reader.u32(),
      };
    case MessageType.Tlink:
      return { type, tag, dfid: reader.u32(), fid: reader.u32(), name: reader.string() };
    case MessageType.Trename:
      return { type, tag, fid: reader.u32(), dfid: reader.u32(), name: reader.string() };
    case MessageType.Trenameat:
      return {
        type,
        tag,
        olddirfid: reader.u32(),
        oldname: reader.string(),
        newdirfid: reader.u32(),
        newname: reader.string(),
      };
    case MessageType.Txattrwalk:
      return { type, tag, fid: reader.u32(), newfid: reader.u32(), name: reader.string() };
    case MessageType.Rxattrwalk:
      return { type, tag, size: reader.u64() };
    case MessageType.Txattrcreate:
      return {
        type,
        tag,
        fid: reader.u32(),
        name: reader.string(),
        size: reader.u64(),
        flags: reader.u32(),
      };
    case MessageType.Tfsync:
      return { type, tag, fid: reader.u32(), datasync: readDatasync(reader) };
    case MessageType.Tlock:
      return {
        type,
        tag,
        fid: reader.u32(),
        lockType: reader.u8(),
        flags: reader.u32(),
        start: reader.u64(),
        length: reader.u64(),
        procId: reader.u32(),
        clientId: reader.string(),
      };
    case MessageType.Rlock:
      return { type, tag, status: reader.u8() };
    case MessageType.Tgetlock:
      return {
        type,
        tag,
        fid: reader.u32(),
        lockType: reader.u8(),
        start: reader.u64(),
        length: reader.u64(),
        procId: reader.u32(),
        clientId: reader.string(),
      };
    case MessageType.Rgetlock:
      return {
        type,
        tag,
        lockType: reader.u8(),
        start: reader.u64(),
        length: reader.u64(),
        procId: reader.u32(),
        clientId: reader.string(),
      };
    default:
      throw protocolError(`unknown message type ${type}`);
  }
}

function readAttributes(reader: Reader): Attributes {
  return {
    mode: reader.u32(),
    uid: reader.u32(),
    gid: reader.u32(),
    nlink: reader.u64(),
    rdev: reader.u64(),
    size: reader.u64(),
    blksize: reader.u64(),
    blocks: reader.u64(),
    atimeSec: reader.u64(),
    atimeNsec: reader.nanoseconds(),
    mtimeSec: reader.u64(),
    mtimeNsec: reader.nanoseconds(),
    ctimeSec: reader.u64(),
    ctimeNsec: reader.nanoseconds(),
    btimeSec: reader.u64(),
    btimeNsec: reader.nanoseconds(),
    gen: reader.u64(),
    dataVersion: reader.u64(),
  };
}

function readStatistics(reader: Reader): FileSystemStatistics {
  return {
    type: reader.u32(),
    bsize: reader.u32(),
    blocks: reader.u64(),
    bfree: reader.u64(),
    bavail: reader.u64(),
    files: reader.u64(),
    ffree: reader.u64(),
    fsid: reader.u64(),
    namelen: reader.u32(),
  };
}

/** The first clients of .L leave it out: both forms are understood. */
function readDatasync(reader: Reader): number {
  return reader.remaining > 0 ? reader.u32() : 0;
}
