import { MessageType } from '../constants.js';
import type { AnyMessage, LinuxRMessage, LinuxTMessage } from '../messages.js';
import type { Attributes, FileSystemStatistics } from '../types.js';
import { stringRoom, type Writer } from './writer.js';

type LinuxMessage = LinuxTMessage | LinuxRMessage;

/** An Rgetattr; no other message has more bytes beside its strings and payload. */
const FIXED_ROOM = 160;

/** Whether it is a message of 9P2000.L's own. */
export function isLinux(message: AnyMessage): message is LinuxMessage {
  return message.type < MessageType.Tversion;
}

/** The most bytes that a message of 9P2000.L's own takes, its payload left out. */
export function linuxRoom(message: LinuxMessage): number {
  switch (message.type) {
    case MessageType.Tlcreate:
    case MessageType.Tmknod:
    case MessageType.Trename:
    case MessageType.Txattrwalk:
    case MessageType.Txattrcreate:
    case MessageType.Tlink:
    case MessageType.Tmkdir:
    case MessageType.Tunlinkat:
      return FIXED_ROOM + stringRoom(message.name);
    case MessageType.Tsymlink:
      return FIXED_ROOM + stringRoom(message.name) + stringRoom(message.target);
    case MessageType.Rreadlink:
      return FIXED_ROOM + stringRoom(message.target);
    case MessageType.Trenameat:
      return FIXED_ROOM + stringRoom(message.oldname) + stringRoom(message.newname);
    case MessageType.Tlock:
    case MessageType.Tgetlock:
    case MessageType.Rgetlock:
      return FIXED_ROOM + stringRoom(message.clientId);
    default:
      return FIXED_ROOM;
  }
}

/**
 * Writes what follows the header of such a message, its payload left out.
 * @throws NinePError (ENAMETOOLONG) if a string is longer than 65535 bytes.
 */
export function writeLinux(writer: Writer, message: LinuxMessage, payloadLength: number): void {
  switch (message.type) {
    case MessageType.Tgetattr:
      writer.u32(message.fid);
      return writer.u64(message.requestMask);
    case MessageType.Rgetattr:
      writer.u64(message.valid);
      writer.qid(message.qid);
      return writeAttributes(writer, message.attributes);
    case MessageType.Tlopen:
      writer.u32(message.fid);
      return writer.u32(message.flags);
    case MessageType.Rlopen:
    case MessageType.Rlcreate:
      writer.qid(message.qid);
      return writer.u32(message.iounit);
    case MessageType.Treaddir:
      writer.u32(message.fid);
      writer.u64(message.offset);
      return writer.u32(message.count);
    case MessageType.Rreaddir:
      return writer.u32(payloadLength);
    case MessageType.Rlerror:
      return writer.u32(message.ecode);
    case MessageType.Tlcreate:
      writer.u32(message.fid);
      writer.string(message.name);
      writer.u32(message.flags);
      writer.u32(message.mode);
      return writer.u32(message.gid);
    case MessageType.Tsetattr:
      writer.u32(message.fid);
      writer.u32(message.valid);
      writer.u32(message.mode);
      writer.u32(message.uid);
      writer.u32(message.gid);
      writer.u64(message.size);
      writer.u64(message.atimeSec);
      writer.u64(message.atimeNsec);
      writer.u64(message.mtimeSec);
      return writer.u64(message.mtimeNsec);
    case MessageType.Tunlinkat:
      writer.u32(message.dirfid);
      writer.string(message.name);
      return writer.u32(message.flags);
    case MessageType.Tmkdir:
      writer.u32(message.fid);
      writer.string(message.name);
      writer.u32(message.mode);
      return writer.u32(message.gid);
    case MessageType.Rmkdir:
    case MessageType.Rsymlink:
    case MessageType.Rmknod:
      return writer.qid(message.qid);
    case MessageType.Rsetattr:
    case MessageType.Rrename:
    case MessageType.Rrenameat:
    case MessageType.Runlinkat:
    case MessageType.Rlink:
    case MessageType.Rfsync:
    case MessageType.Rxattrcreate:
      return;
    case MessageType.Tstatfs:
    case MessageType.Treadlink:
      return writer.u32(message.fid);
    case MessageType.Rstatfs:
      return writeStatistics(writer, message.statistics);
    case MessageType.Rreadlink:
      return writer.string(message.target);
    case MessageType.Tsymlink:
      writer.u32(message.fid);
      writer.string(message.name);
      writer.string(message.target);
      return writer.u32(message.gid);
    case MessageType.Tmknod:
      writer.u32(message.fid);
      writer.string(message.name);
      writer.u32(message.mode);
      writer.u32(message.major);
      writer.u32(message.minor);
      return writer.u32(message.gid);
    case MessageType.Tlink:
      writer.u32(message.dfid);
      writer.u32(message.fid);
      return writer.string(message.name);
    case MessageType.Trename:
      writer.u32(message.fid);
      writer.u32(message.dfid);
      return writer.string(message.name);
    case MessageType.Trenameat:
      writer.u32(message.olddirfid);
      writer.string(message.oldname);
      writer.u32(message.newdirfid);
      return writer.string(message.newname);
    case MessageType.Txattrwalk:
      writer.u32(message.fid);
      writer.u32(message.newfid);
      return writer.string(message.name);
    case MessageType.Rxattrwalk:
      return writer.u64(message.size);
    case MessageType.Txattrcreate:
      writer.u32(message.fid);
      writer.string(message.name);
      writer.u64(message.size);
      return writer.u32(message.flags);
    case MessageType.Tfsync:
      writer.u32(message.fid);
      return writer.u32(message.datasync);
    case MessageType.Tlock:
      writer.u32(message.fid);
      writer.u8(message.lockType);
      writer.u32(message.flags);
      return writeRange(writer, message);
    case MessageType.Rlock:
      return writer.u8(message.status);
    case MessageType.Tgetlock:
      writer.u32(message.fid);
      writer.u8(message.lockType);
      return writeRange(writer, message);
    case MessageType.Rgetlock:
      writer.u8(message.lockType);
      return writeRange(writer, message);
  }
}

function writeAttributes(writer: Writer, attributes: Attributes): void {
  writer.u32(attributes.mode);
  writer.u32(attributes.uid);
  writer.u32(attributes.gid);
  writer.u64(attributes.nlink);
  writer.u64(attributes.rdev);
  writer.u64(attributes.size);
  writer.u64(attributes.blksize);
  writer.u64(attributes.blocks);
  writer.u64(attributes.atimeSec);
  writer.u64(attributes.atimeNsec);
  writer.u64(attributes.mtimeSec);
  writer.u64(attributes.mtimeNsec);
  writer.u64(attributes.ctimeSec);
  writer.u64(attributes.ctimeNsec);
  writer.u64(attributes.btimeSec);
  writer.u64(attributes.btimeNsec);
  writer.u64(attributes.gen);
  writer.u64(attributes.dataVersion);
}

function writeStatistics(writer: Writer, statistics: FileSystemStatistics): void {
  writer.u32(statistics.type);
  writer.u32(statistics.bsize);
  writer.u64(statistics.blocks);
  writer.u64(statistics.bfree);
  writer.u64(statistics.bavail);
  writer.u64(statistics.files);
  writer.u64(statistics.ffree);
  writer.u64(statistics.fsid);
  writer.u32(statistics.namelen);
}

/** The end of each message about a lock. */
function writeRange(
  writer: Writer,
  lock: Pick<
    Extract<LinuxMessage, { clientId: string }>,
    'start' | 'length' | 'procId' | 'clientId'
  >,
): void {
  writer.u64(lock.start);
  writer.u64(lock.length);
  writer.u32(lock.procId);
  writer.string(lock.clientId);
}
