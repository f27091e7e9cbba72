import { Errno, NinePError } from '@xcpu/9p-protocol';

/** An error as the C node answers it: its text, errno 5 (wire document, section 5). */
export function nodeError(text: string): NinePError {
  return new NinePError(text, Errno.EIO);
}

export function permissionDenied(): NinePError {
  return new NinePError('permission denied', Errno.EPERM);
}

export function fileNotFound(): NinePError {
  return new NinePError('file not found', Errno.ENOENT);
}

/** The operator asked for something that cannot be: printed without a stack trace, exit 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
