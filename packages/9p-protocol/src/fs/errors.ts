import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';

/** Whether Node says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** The file was there, and is no longer under the name by which it was reached. */
export function goneError(): NinePError {
  return new NinePError('file was removed', Errno.ENOENT);
}

/** Another file has taken the name by which this one was reached. */
export function staleError(): NinePError {
  return new NinePError('file was replaced by another', Errno.ESTALE);
}

export function readonlyError(): NinePError {
  return new NinePError('read-only file system', Errno.EROFS);
}

export function permissionError(): NinePError {
  return new NinePError('operation not permitted', Errno.EPERM);
}
