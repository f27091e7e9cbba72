import { getSystemErrorMap } from 'node:util';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { linuxNumber, readableText } from '../linux-words.js';

/** What an Rlerror says: the system's words for its number (`no such file or directory`), and the number. */
export function linuxError(ecode: number): NinePError {
  const text = ecode === 0 ? 'error without a number' : (words().get(ecode) ?? `error ${ecode}`);
  return new NinePError(text, ecode || Errno.EIO);
}

/** What servers of 9P2000, which has no numbers, say in words of their own. */
const meanings: readonly (readonly [RegExp, number])[] = [
  [/not found|does not exist|no such file/i, Errno.ENOENT],
  [/already exists|file exists/i, Errno.EEXIST],
  [/not a directory/i, Errno.ENOTDIR],
  [/is a directory/i, Errno.EISDIR],
  [/not empty/i, Errno.ENOTEMPTY],
  [/read.?only/i, Errno.EROFS],
  [/permission|denied/i, Errno.EACCES],
];

/** An error's Linux number; where the server gave none, what its words most likely mean, or 0. */
export function errnoOf(error: NinePError): number {
  if (error.errno !== 0) return error.errno;
  const { ename } = error;
  return linuxNumber(ename) ?? meanings.find(([text]) => text.test(ename))?.[1] ?? 0;
}

/** Whether an operation failed for that reason. */
export function isErrno(error: unknown, errno: number): boolean {
  return error instanceof NinePError && error.kind === 'file' && errnoOf(error) === errno;
}

/**
 * The error of a file with the file's path in front, as users want to read it: `/a/b: permission denied`. An error
 * that has a path already, errors of the connection, and what is not an error of 9P, stay as they are.
 */
export function namedError(path: string, error: unknown): unknown {
  if (!(error instanceof NinePError) || error.kind !== 'file' || named.has(error)) return error;
  const { ename, cause = error } = error;
  const naming = new NinePError(`${path}: ${readableText(ename)}`, errnoOf(error), { cause });
  named.add(naming);
  return naming;
}

const named = new WeakSet<NinePError>();
/** Errors of Linux that Node's list lacks, in the words of the C library. */
const lacking: readonly (readonly [number, string])[] = [
  [Errno.EDEADLK, 'resource deadlock avoided'],
  [Errno.ENOLCK, 'no locks available'],
  [Errno.ESTALE, 'stale file handle'],
  [Errno.EDQUOT, 'disk quota exceeded'],
];

let known: Map<number, string> | undefined;

/** By Linux number, in the words of this system: its own numbers may be others, its names are not. */
function words(): Map<number, string> {
  if (known) return known;
  known = new Map(lacking);
  const numbers: Record<string, number> = Errno;
  for (const [number, [name, text]] of getSystemErrorMap()) {
    if (process.platform === 'linux') known.set(-number, text);
    else if (numbers[name] !== undefined) known.set(numbers[name], text);
  }
  return known;
}
