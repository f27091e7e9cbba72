import { UsageError } from '@xcpu/libxcpu';

const LEAST_MSIZE = 4096;
const MOST_MSIZE = 64 * 1024 * 1024;

/**
 * The largest message, in bytes.
 * @throws UsageError
 */
export function msizeOf(text: string): number {
  const msize = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (msize < LEAST_MSIZE || msize > MOST_MSIZE) {
    throw new UsageError(`-m ${text}: not between ${LEAST_MSIZE} and ${MOST_MSIZE} bytes`);
  }
  return msize;
}

/**
 * Permissions in octal.
 * @param name what the user knows them as
 * @throws UsageError
 */
export function permissionsOf(name: string, text: unknown): number {
  if (!/^[0-7]{1,4}$/.test(String(text))) {
    throw new UsageError(`${name} ${text}: octal permissions are wanted, such as 644`);
  }
  return Number.parseInt(String(text), 8);
}

/**
 * A number of bytes, if there is one.
 * @param name what the user knows it as
 * @throws UsageError
 */
export function bytesOf(name: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(String(text))) {
    throw new UsageError(`${name} ${text}: a number of bytes is wanted`);
  }
  return Number(text);
}
