import { isDeepStrictEqual } from 'node:util';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';

const names = new Map<number, string>(Object.entries(Errno).map(([name, errno]) => [errno, name]));

/** A server does not do what it should. */
export class Unmet extends Error {
  override readonly name = 'Unmet';
}

/** @throws Unmet unless it is so. */
export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Unmet(otherwise);
}

/** @throws Unmet unless both are the same; buffers and strings are compared as what they hold. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(plain(actual), plain(expected))) return;
  throw new Unmet(`${what}: ${show(actual)} in place of ${show(expected)}`);
}

/** @throws Unmet unless they differ. */
export function different(actual: unknown, other: unknown, what: string): void {
  if (isDeepStrictEqual(plain(actual), plain(other))) {
    throw new Unmet(`${what}: ${show(actual)} twice`);
  }
}

/**
 * Waits for the server's refusal.
 * @param errnos any of which will do; none: any will. Where the dialect has no numbers they are not looked at
 * @throws Unmet unless it refuses so.
 */
export async function refused(
  request: Promise<unknown>,
  what: string,
  ...errnos: readonly number[]
): Promise<void> {
  let error: unknown;
  try {
    await request;
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) throw new Unmet(`${what} is not refused`);
  if (!(error instanceof NinePError) || error.kind !== 'file') throw error;
  if (error.errno === 0 || errnos.length === 0 || errnos.includes(error.errno)) return;
  throw new Unmet(`${what} is refused with ${show(error)}, not ${errnos.map(nameOf).join(' or ')}`);
}

/** Waits for the server's refusal of a fid that means nothing. Servers have never agreed on a number for it. */
export async function unknown(request: Promise<unknown>, what: string): Promise<void> {
  await refused(request, what, Errno.EBADF, Errno.EIO, Errno.EINVAL, Errno.ENOENT);
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

function show(value: unknown): string {
  if (value instanceof NinePError) return `${nameOf(value.errno)} (${value.ename})`;
  if (value instanceof Uint8Array) return show(plain(value));
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
  return text === undefined ? String(value) : text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function nameOf(errno: number): string {
  return names.get(errno) ?? `error ${errno}`;
}
