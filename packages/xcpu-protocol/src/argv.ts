import { show, XcpuFormatError } from './errors.js';
import { formatWords, parseWords } from './quoting.js';

/**
 * A session's `argv` file: the program's arguments, quoted and parted by blanks, argv[0] first.
 *
 * @throws XcpuFormatError for an unterminated quote or a NUL, which no argument can hold
 */
export function parseArgv(text: string): string[] {
  const words = parseWords(text);
  words.forEach(refuseNul);
  return words;
}

/**
 * The text of an `argv` file; `parseArgv` gives the arguments back.
 *
 * @throws XcpuFormatError for an argument with a NUL
 */
export function formatArgv(args: readonly string[]): string {
  args.forEach(refuseNul);
  return formatWords(args);
}

function refuseNul(argument: string): void {
  if (argument.includes('\0')) {
    throw new XcpuFormatError(`invalid argument ${show(argument)}: holds a NUL`);
  }
}
