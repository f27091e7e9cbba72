import { getSystemErrorMap } from 'node:util';
import { Errno, NinePError } from '@xcpu/9p-protocol';
import { XcpuFormatError } from '@xcpu/xcpu-protocol';

/** An error as the C node answers it: its text, errno 5 (wire document, section 5). */
export function nodeError(text: string): NinePError {
  return new NinePError(text, Errno.EIO);
}

/** What a client is answered where a parser refused his text; other errors as they are. */
export function refusedText(error: unknown): unknown {
  return error instanceof XcpuFormatError ? nodeError(error.message) : error;
}

export function permissionDenied(): NinePError {
  return new NinePError('permission denied', Errno.EPERM);
}

/** What a system error says, in words and without the path: `no such file or directory`. */
export function systemText(error: unknown): string {
  const { errno = 0, message } = error as NodeJS.ErrnoException;
  return getSystemErrorMap().get(errno)?.[1] ?? message;
}

/** The operator asked for something that cannot be: printed without a stack trace, exit 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
