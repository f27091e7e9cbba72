import { getSystemErrorMap } from 'node:util';
import { Errno } from './errno.js';

/**
 * What the C library of Linux calls errors. In 9P2000, which has no numbers, the kernel's client knows an error by these
 * words alone, letter by letter (net/9p/error.c); what it does not know is `Unknown error 526` to programs.
 */
const WORDS = new Map<number, string>([
  [Errno.EPERM, 'Operation not permitted'],
  [Errno.ENOENT, 'No such file or directory'],
  [Errno.EINTR, 'Interrupted system call'],
  [Errno.EIO, 'Input/output error'],
  [Errno.ENXIO, 'No such device or address'],
  [Errno.E2BIG, 'Argument list too long'],
  [Errno.EBADF, 'Bad file descriptor'],
  [Errno.EAGAIN, 'Resource temporarily unavailable'],
  [Errno.ENOMEM, 'Cannot allocate memory'],
  [Errno.EACCES, 'Permission denied'],
  [Errno.EBUSY, 'Device or resource busy'],
  [Errno.EEXIST, 'File exists'],
  [Errno.EXDEV, 'Invalid cross-device link'],
  [Errno.ENODEV, 'No such device'],
  [Errno.ENOTDIR, 'Not a directory'],
  [Errno.EISDIR, 'Is a directory'],
  [Errno.EINVAL, 'Invalid argument'],
  [Errno.ENFILE, 'Too many open files in system'],
  [Errno.EMFILE, 'Too many open files'],
  [Errno.ETXTBSY, 'Text file busy'],
  [Errno.EFBIG, 'File too large'],
  [Errno.ENOSPC, 'No space left on device'],
  [Errno.ESPIPE, 'Illegal seek'],
  [Errno.EROFS, 'Read-only file system'],
  [Errno.EMLINK, 'Too many links'],
  [Errno.EPIPE, 'Broken pipe'],
  [Errno.ERANGE, 'Numerical result out of range'],
  [Errno.EDEADLK, 'Resource deadlock avoided'],
  [Errno.ENAMETOOLONG, 'File name too long'],
  [Errno.ENOLCK, 'No locks available'],
  [Errno.ENOSYS, 'Function not implemented'],
  [Errno.ENOTEMPTY, 'Directory not empty'],
  [Errno.ELOOP, 'Too many levels of symbolic links'],
  [Errno.ENODATA, 'No data available'],
  [Errno.EPROTO, 'Protocol error'],
  [Errno.EOPNOTSUPP, 'Operation not supported'],
  [Errno.ECONNRESET, 'Connection reset by peer'],
  [Errno.ENOBUFS, 'No buffer space available'],
  [Errno.ETIMEDOUT, 'Connection timed out'],
  [Errno.EDQUOT, 'Disk quota exceeded'],
]);

/** Words of Plan 9's servers, and of legacy xcpu's, which that client knows as well. */
const PLAN9_WORDS = new Set([
  'permission denied',
  'file exists',
  'file already exists',
  'not a directory',
  'i/o error',
]);

const NUMBERS = new Map([...WORDS].map(([number, words]) => [words, number]));

/** An error's text as Linux knows it, if it says no more than the error's number does; else as it is. */
export function linuxText(text: string, errno: number): string {
  const words = WORDS.get(errno);
  if (words === undefined || PLAN9_WORDS.has(text)) return text;
  const [, nodes] = getSystemErrorMap().get(-errno) ?? [];
  return text === nodes || text === readableText(words) ? words : text;
}

/** The number that Linux gives an error of exactly these words. */
export function linuxNumber(text: string): number | undefined {
  return NUMBERS.get(text);
}

/** Linux' words as texts of errors are written here, in the middle of a sentence; other texts as they are. */
export function readableText(text: string): string {
  return NUMBERS.has(text) ? `${text[0]!.toLowerCase()}${text.slice(1)}` : text;
}
