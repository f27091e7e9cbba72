import { posix } from 'node:path';
import { SetupError } from '../errors.js';
import type { LocalFile } from './local-file.js';

/** What the first line of a script asks for. */
export interface ScriptStart {
  /** The interpreter: an absolute path, or a name to be looked up on the PATH where the script asks env(1) to do so. */
  readonly interpreter: string;
  /** What stands behind it. */
  readonly args: readonly string[];
}

/**
 * What a script is started with; undefined if the file is none. Source: execve(2): one interpreter, and the rest of the
 * line as one argument.
 * @throws SetupError for a line that cannot be shipped
 */
export function scriptStart({ path, head }: LocalFile): ScriptStart | undefined {
  if (head.toString('latin1', 0, 2) !== '#!') return undefined;
  const end = head.indexOf('\n');
  if (end < 0 && head.length === 256) {
    throw new SetupError(`${path}: its first line is too long for Linux`);
  }
  const line = head
    .toString('utf8', 2, end < 0 ? head.length : end)
    .replace(/^[ \t]+|[ \t]+$/g, '');
  const [, interpreter = '', rest = ''] = /^(\S*)[ \t]*(.*)$/s.exec(line) ?? [];
  if (interpreter === '') throw new SetupError(`${path}: its first line names no interpreter`);
  if (posix.basename(interpreter) === 'env') return lookedUp(path, rest);
  return { interpreter, args: rest === '' ? [] : [rest] };
}

/** env(1) would look on the node, where nothing is: it is done here. `-S` splits the line. */
function lookedUp(path: string, rest: string): ScriptStart {
  const split = /^(?:-S|--split-string=?)[ \t]*(.*)$/s.exec(rest);
  const words = split ? split[1]!.split(/[ \t]+/) : [rest];
  const [interpreter = '', ...args] = words;
  // Quotes, variables and env's other options are env's own affair.
  if (/^$|^-|=|[\\'"$]/.test(interpreter) || args.some((word) => /[\\'"$]/.test(word))) {
    throw new SetupError(`${path}: cannot be shipped with '#! env ${rest}': name the interpreter`);
  }
  return { interpreter, args };
}
