import { getSystemErrorMap } from 'node:util';

/** The operator asked for something that cannot be: printed without a stack trace, exit 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What a system error says, in words and without the path: `no such file or directory`. */
export function systemText(error: unknown): string {
  const { errno = 0, message } = error as NodeJS.ErrnoException;
  return getSystemErrorMap().get(errno)?.[1] ?? message;
}
