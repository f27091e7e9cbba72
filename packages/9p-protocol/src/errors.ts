import { getSystemErrorMap } from 'node:util';
import { Errno } from './errno.js';

/**
 * Where an error comes from:
 * - `file`: the operation failed (what Rerror carries), the connection goes on;
 * - `protocol`: a peer broke the protocol;
 * - `closed`: the connection ended before the answer came;
 * - `aborted`: the caller's AbortSignal, or a Tflush, cancelled the request.
 */
export type NinePErrorKind = 'file' | 'protocol' | 'closed' | 'aborted';

/** The one error of this library: what Rerror carries, and why a conversation ended. */
export class NinePError extends Error {
  override readonly name = 'NinePError';
  /** The text of Rerror. */
  readonly ename: string;
  /** Linux error number, as 9P2000.u sends it; 0 where the peer gave none. */
  readonly errno: number;
  readonly kind: NinePErrorKind;

  constructor(
    ename: string,
    errno: number = Errno.EIO,
    options: { kind?: NinePErrorKind; cause?: unknown } = {},
  ) {
    super(ename, options.cause === undefined ? undefined : { cause: options.cause });
    this.ename = ename;
    this.errno = errno;
    this.kind = options.kind ?? 'file';
  }

  /**
   * Any thrown value as a NinePError. Node's system errors keep their number and the system's words
   * (`no such file or directory`), without the path: a path may tell a peer more than it should know.
   */
  static from(error: unknown): NinePError {
    if (error instanceof NinePError) return error;
    const number = systemErrorNumber(error);
    if (number !== undefined) {
      const text = getSystemErrorMap().get(-number)?.[1] ?? 'i/o error';
      return new NinePError(text, number, { cause: error });
    }
    return new NinePError('internal error', Errno.EIO, { cause: error });
  }
}

/** The peer broke the protocol. */
export function protocolError(text: string): NinePError {
  return new NinePError(text, Errno.EPROTO, { kind: 'protocol' });
}

function systemErrorNumber(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return undefined;
  return typeof error.errno === 'number' && error.errno < 0 ? -error.errno : undefined;
}
