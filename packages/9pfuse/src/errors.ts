import { Errno, NinePError } from '@xcpu/9p-protocol';
import { errnoOf as told } from '@xcpu/9p-protocol/client';

/** The Linux number that a process on the mount is told of whatever an operation failed with. */
export function errnoOf(error: unknown): number {
  if (!(error instanceof NinePError)) return Errno.EIO;
  if (error.kind === 'aborted') return Errno.EINTR;
  if (error.kind !== 'file') return Errno.EIO;
  return told(error) || Errno.EIO;
}

/** The reason that an interrupted request ends with. */
export function interrupted(): NinePError {
  return new NinePError('interrupted', Errno.EINTR, { kind: 'aborted' });
}

/** A file that the server no longer has under the name, or at all: the kernel looks the name up again. */
export function stale(): NinePError {
  return new NinePError('stale file handle', Errno.ESTALE);
}
