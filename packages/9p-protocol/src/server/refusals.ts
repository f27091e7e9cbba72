import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';

/** The file does not support what would change something, or this user may not do it. */
export function denied(): NinePError {
  return new NinePError('permission denied', Errno.EPERM);
}

/** The file does not support it, and there is nothing to make it of. */
export function unsupported(): NinePError {
  return new NinePError('operation not supported', Errno.EOPNOTSUPP);
}

export function notDirectory(): NinePError {
  return new NinePError('not a directory', Errno.ENOTDIR);
}

export function isDirectory(): NinePError {
  return new NinePError('is a directory', Errno.EISDIR);
}

export function notFound(): NinePError {
  return new NinePError('file not found', Errno.ENOENT);
}

export function notOpenFor(what: string): NinePError {
  return new NinePError(`file not open for ${what}`, Errno.EBADF);
}

export function invalid(what: string): NinePError {
  return new NinePError(what, Errno.EINVAL);
}

export function countTooLarge(): NinePError {
  return new NinePError('i/o count too large', Errno.EIO);
}
