import { Errno, NinePError } from '@xcpu/9p-protocol';
import { XcpuFormatError } from '@xcpu/xcpu-protocol';

export { StartError, systemText } from '@xcpu/daemon';

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
