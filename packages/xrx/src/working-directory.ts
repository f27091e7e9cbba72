import { statSync } from 'node:fs';
import { SetupError } from '@xcpu/libxcpu';

/** What Node.js puts in the place of bytes that are no text. */
const NO_TEXT = '\ufffd';

/**
 * The name of the directory that xrx was started in.
 * @throws SetupError if it has none any more, or one that no node can be told
 */
export function workingDirectory(): string {
  const path = namedDirectory();
  if (path === undefined) {
    throw new SetupError(
      'the working directory is gone: change to one that is there, or name one with -c /DIR',
    );
  }
  if (path.includes(NO_TEXT) && !isHere(path)) {
    throw new SetupError(
      `the working directory has a name that is not UTF-8: ${path}: rename it, or name another one with -c /DIR`,
    );
  }
  return path;
}

/** The same as far as there is one, whatever it is called. */
export function namedDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Whether that is its name, and not what was made of it. */
function isHere(path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false, bigint: true });
  const here = statSync('.', { bigint: true });
  return named?.dev === here.dev && named.ino === here.ino;
}
