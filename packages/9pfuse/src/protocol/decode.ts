import { IN_HEADER_SIZE, Opcode, SetattrValid } from './constants.js';
import type { FuseLock, FuseRequest, RequestHeader } from './requests.js';
import { readNames, readU64, truncated } from './words.js';

const AT = IN_HEADER_SIZE;
const GETATTR_HANDLE = 1;

/**
 * One request as it was read from /dev/fuse. `data` of WRITE and `value` of SETXATTR are views of the message,
 * everything else is a copy. Fields that nothing of ours looks at are left out.
 * @throws NinePError (protocol) if the message is shorter than its kind is
 */
export function decodeRequest(message: Buffer): FuseRequest {
  if (message.length < AT || message.readUInt32LE(0) !== message.length) throw truncated();
  const header: RequestHeader = {
    unique: readU64(message, 8),
    node: readU64(message, 16),
    uid: message.readUInt32LE(24),
    gid: message.readUInt32LE(28),
    pid: message.readUInt32LE(32),
  };
  try {
    return decodeBody(message.readUInt32LE(4), header, message);
  } catch (error) {
    if (error instanceof RangeError) throw truncated();
    throw error;
  }
}

function decodeBody(code: number, header: RequestHeader, b: Buffer): FuseRequest {
  switch (code) {
    case Opcode.INIT:
      return {
        opcode: code,
        ...header,
        major: b.readUInt32LE(AT),
        minor: b.readUInt32LE(AT + 4),
        maxReadahead: b.readUInt32LE(AT + 8),
        flags: b.readUInt32LE(AT + 12),
      };
    case Opcode.LOOKUP:
    case Opcode.UNLINK:
    case Opcode.RMDIR:
    case Opcode.REMOVEXATTR:
      return { opcode: code, ...header, name: nameAt(b, AT) };
    case Opcode.FORGET:
      return { opcode: code, ...header, count: readU64(b, AT) };
    case Opcode.BATCH_FORGET:
      return { opcode: code, ...header, forgets: forgetsOf(b) };
    case Opcode.GETATTR:
      return {
        opcode: code,
        ...header,
        handle: b.readUInt32LE(AT) & GETATTR_HANDLE ? readU64(b, AT + 8) : undefined,
      };
    case Opcode.SETATTR:
      return { opcode: code, ...header, ...setattrOf(b) };
    case Opcode.READLINK:
    case Opcode.STATFS:
    case Opcode.DESTROY:
      return { opcode: code, ...header };
    case Opcode.SYMLINK: {
      const [name = '', target = ''] = readNames(b, AT, 2);
      return { opcode: code, ...header, name, target };
    }
    case Opcode.MKNOD:
      return {
        opcode: code,
        ...header,
        mode: b.readUInt32LE(AT),
        rdev: b.readUInt32LE(AT + 4),
        umask: b.readUInt32LE(AT + 8),
        name: nameAt(b, AT + 16),
      };
    case Opcode.MKDIR:
      return {
        opcode: code,
        ...header,
        mode: b.readUInt32LE(AT),
        umask: b.readUInt32LE(AT + 4),
        name: nameAt(b, AT + 8),
      };
    case Opcode.RENAME: {
      const [name = '', newName = ''] = readNames(b, AT + 8, 2);
      return { opcode: code, ...header, newParent: readU64(b, AT), name, newName };
    }
    case Opcode.RENAME2: {
      const [name = '', newName = ''] = readNames(b, AT + 16, 2);
      const flags = b.readUInt32LE(AT + 8);
      return { opcode: code, ...header, newParent: readU64(b, AT), flags, name, newName };
    }
    case Opcode.LINK:
      return { opcode: code, ...header, target: readU64(b, AT), name: nameAt(b, AT + 8) };
    case Opcode.OPEN:
    case Opcode.OPENDIR:
      return { opcode: code, ...header, flags: b.readUInt32LE(AT) };
    case Opcode.CREATE:
      return {
        opcode: code,
        ...header,
        flags: b.readUInt32LE(AT),
        mode: b.readUInt32LE(AT + 4),
        umask: b.readUInt32LE(AT + 8),
        name: nameAt(b, AT + 16),
      };
    case Opcode.READ:
    case Opcode.READDIR:
    case Opcode.READDIRPLUS:
      return {
        opcode: code,
        ...header,
        handle: readU64(b, AT),
        offset: readU64(b, AT + 8),
        size: b.readUInt32LE(AT + 16),
      };
    case Opcode.WRITE:
      return {
        opcode: code,
        ...header,
        handle: readU64(b, AT),
        offset: readU64(b, AT + 8),
        writeFlags: b.readUInt32LE(AT + 20),
        data: bytesAt(b, AT + 40, b.readUInt32LE(AT + 16)),
      };
    case Opcode.RELEASE:
    case Opcode.RELEASEDIR:
      return {
        opcode: code,
        ...header,
        handle: readU64(b, AT),
        flags: b.readUInt32LE(AT + 8),
        releaseFlags: b.readUInt32LE(AT + 12),
        lockOwner: readU64(b, AT + 16),
      };
    case Opcode.FLUSH:
      return {
        opcode: code,
        ...header,
        handle: readU64(b, AT),
        lockOwner: readU64(b, AT + 16),
      };
    case Opcode.FSYNC:
    case Opcode.FSYNCDIR:
      return { opcode: code, ...header, handle: readU64(b, AT), flags: b.readUInt32LE(AT + 8) };
    case Opcode.SETXATTR: {
      const name = nameAt(b, AT + 8);
      const start = b.indexOf(0, AT + 8) + 1;
      const flags = b.readUInt32LE(AT + 4);
      return { opcode: code, ...header, flags, name, value: bytesAt(b, start, b.readUInt32LE(AT)) };
    }
    case Opcode.GETXATTR:
      return { opcode: code, ...header, size: b.readUInt32LE(AT), name: nameAt(b, AT + 8) };
    case Opcode.LISTXATTR:
      return { opcode: code, ...header, size: b.readUInt32LE(AT) };
    case Opcode.GETLK:
    case Opcode.SETLK:
    case Opcode.SETLKW:
      return {
        opcode: code,
        ...header,
        handle: readU64(b, AT),
        owner: readU64(b, AT + 8),
        lock: lockAt(b, AT + 16),
        flags: b.readUInt32LE(AT + 40),
      };
    case Opcode.ACCESS:
      return { opcode: code, ...header, mask: b.readUInt32LE(AT) };
    case Opcode.INTERRUPT:
      return { opcode: code, ...header, target: readU64(b, AT) };
    default:
      return { opcode: 0, ...header, code };
  }
}

function setattrOf(b: Buffer) {
  const valid = b.readUInt32LE(AT);
  return {
    valid,
    handle: valid & SetattrValid.HANDLE ? readU64(b, AT + 8) : undefined,
    size: readU64(b, AT + 16),
    atime: readU64(b, AT + 32),
    mtime: readU64(b, AT + 40),
    atimeNsec: b.readUInt32LE(AT + 56),
    mtimeNsec: b.readUInt32LE(AT + 60),
    mode: b.readUInt32LE(AT + 68),
    newUid: b.readUInt32LE(AT + 76),
    newGid: b.readUInt32LE(AT + 80),
  };
}

function forgetsOf(b: Buffer) {
  const count = b.readUInt32LE(AT);
  if (b.length < AT + 8 + count * 16) throw truncated();
  return Array.from({ length: count }, (_, index) => {
    const at = AT + 8 + index * 16;
    return { node: readU64(b, at), count: readU64(b, at + 8) };
  });
}

function lockAt(b: Buffer, at: number): FuseLock {
  return {
    start: readU64(b, at),
    end: readU64(b, at + 8),
    type: b.readUInt32LE(at + 16),
    pid: b.readUInt32LE(at + 20),
  };
}

function nameAt(b: Buffer, at: number): string {
  return readNames(b, at, 1)[0]!;
}

function bytesAt(b: Buffer, at: number, length: number): Buffer {
  if (b.length < at + length) throw truncated();
  return b.subarray(at, at + length);
}
