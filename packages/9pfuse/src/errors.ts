import { Errno, NinePError } from '@xcpu/9p-protocol';

/** What servers of 9P2000, which has no numbers, say in words. */
const MEANINGS: readonly (readonly [RegExp, number])[] = [
  [/not found|does not exist|no such file/i, Errno.ENOENT],
  [/already exists|file exists/i, Errno.EEXIST],
  [/not a directory/i, Errno.ENOTDIR],
  [/is a directory/i, Errno.EISDIR],
  [/not empty/i, Errno.ENOTEMPTY],
  [/read.?only/i, Errno.EROFS],
  [/permission|denied/i, Errno.EACCES],
];

/** The Linux number that a process on the mount is told of whatever an operation failed with. */
export function errnoOf(error: unknown): number {
  if (!(error instanceof NinePError)) return Errno.EIO;
  if (error.kind === 'aborted') return Errno.EINTR;
  if (error.kind !== 'file') return Errno.EIO;
  if (error.errno !== 0) return error.errno;
  return MEANINGS.find(([text]) => text.test(error.ename))?.[1] ?? Errno.EIO;
}

/** The reason that an interrupted request ends with. */
export function interrupted(): NinePError {
  return new NinePError('interrupted', Errno.EINTR, { kind: 'aborted' });
}

/** A file that the server no longer has under the name, or at all: the kernel looks the name up again. */
export function stale(): NinePError {
  return new NinePError('stale file handle', Errno.ESTALE);
}
