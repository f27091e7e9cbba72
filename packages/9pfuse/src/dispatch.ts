import { Errno, LinuxOpen, NinePError } from '@xcpu/9p-protocol';
import { openFlags } from './open-flags.js';
import { access } from './operations/access.js';
import * as attributes from './operations/attributes.js';
import * as directories from './operations/directories.js';
import * as files from './operations/files.js';
import * as locks from './operations/locks.js';
import * as names from './operations/names.js';
import * as opening from './operations/opening.js';
import * as xattrs from './operations/xattrs.js';
import { Opcode } from './protocol/constants.js';
import type { FuseRequest, Release, Releasedir } from './protocol/requests.js';
import { type Answer, DONE, type Volume } from './volume.js';

/**
 * Does what a request asks for: every one that has an answer, INIT apart.
 * @throws NinePError, also through the promise; ENOSYS tells the kernel to do without, and not to ask again
 */
export function dispatch(
  volume: Volume,
  request: FuseRequest,
  signal: AbortSignal,
): Answer | Promise<Answer> {
  if (!isChange(request)) return perform(volume, request, signal);
  return volume.changes.during(() => perform(volume, request, signal));
}

const CHANGES: ReadonlySet<number> = new Set([
  ...[Opcode.SETATTR, Opcode.SYMLINK, Opcode.MKNOD, Opcode.MKDIR, Opcode.UNLINK, Opcode.RMDIR],
  ...[Opcode.RENAME, Opcode.RENAME2, Opcode.LINK, Opcode.CREATE, Opcode.WRITE],
  ...[Opcode.SETXATTR, Opcode.REMOVEXATTR],
]);

/** Whether what the server told before may be wrong after it. */
function isChange(request: FuseRequest): boolean {
  if (request.opcode === Opcode.OPEN) return (openFlags(request.flags) & LinuxOpen.TRUNC) !== 0;
  return CHANGES.has(request.opcode);
}

function perform(
  volume: Volume,
  request: FuseRequest,
  signal: AbortSignal,
): Answer | Promise<Answer> {
  switch (request.opcode) {
    case Opcode.LOOKUP:
      return names.lookup(volume, request, signal);
    case Opcode.GETATTR:
      return attributes.getattr(volume, request, signal);
    case Opcode.SETATTR:
      return attributes.setattr(volume, request, signal);
    case Opcode.READLINK:
      return attributes.readlink(volume, request, signal);
    case Opcode.SYMLINK:
      return names.symlink(volume, request, signal);
    case Opcode.MKNOD:
      return names.mknod(volume, request, signal);
    case Opcode.MKDIR:
      return names.mkdir(volume, request, signal);
    case Opcode.UNLINK:
    case Opcode.RMDIR:
      return names.remove(volume, request, signal);
    case Opcode.RENAME:
    case Opcode.RENAME2:
      return names.rename(volume, request, signal);
    case Opcode.LINK:
      return names.link(volume, request, signal);
    case Opcode.OPEN:
      return opening.open(volume, request, signal);
    case Opcode.CREATE:
      return opening.create(volume, request, signal);
    case Opcode.READ:
      return files.read(volume, request, signal);
    case Opcode.WRITE:
      return files.write(volume, request, signal);
    case Opcode.FSYNC:
      return files.fsync(volume, request, signal);
    case Opcode.RELEASE:
    case Opcode.RELEASEDIR:
      return release(volume, request);
    case Opcode.FLUSH:
      return locks.flush(volume, request);
    case Opcode.GETLK:
      return locks.getlk(volume, request, signal);
    case Opcode.SETLK:
      return locks.setlk(volume, request, signal, false);
    case Opcode.SETLKW:
      return locks.setlk(volume, request, signal, true);
    case Opcode.OPENDIR:
      return directories.opendir(volume, request, signal);
    case Opcode.READDIR:
    case Opcode.READDIRPLUS:
      return directories.readdir(volume, request, signal);
    case Opcode.FSYNCDIR:
      return directories.fsyncdir(volume, request, signal);
    case Opcode.STATFS:
      return attributes.statfs(volume, request, signal);
    case Opcode.GETXATTR:
      return xattrs.getxattr(volume, request, signal);
    case Opcode.LISTXATTR:
      return xattrs.listxattr(volume, request, signal);
    case Opcode.SETXATTR:
      return xattrs.setxattr(volume, request, signal);
    case Opcode.REMOVEXATTR:
      return xattrs.removexattr(volume, request, signal);
    case Opcode.ACCESS:
      return access(volume, request, signal);
    case Opcode.DESTROY:
      return DONE;
    default:
      // What 9P has no request for. The kernel copies, allocates and seeks by other means, or tells the process.
      throw new NinePError('not in 9P', Errno.ENOSYS);
  }
}

async function release(volume: Volume, request: Release | Releasedir): Promise<Answer> {
  if (request.opcode === Opcode.RELEASEDIR) return directories.release(volume, request);
  // What cannot be given back by itself goes with the fid.
  await locks.unlockReleased(volume, request).catch(() => {});
  return files.release(volume, request);
}
