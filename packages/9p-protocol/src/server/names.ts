import { QidType } from '../constants.js';
import { AT_REMOVEDIR } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { chain } from './awaitable.js';
import type { Awaitable, ServerFile } from './files.js';
import { holding } from './gate.js';
import { denied, invalid, isDirectory, notDirectory, notFound } from './refusals.js';
import type { Request } from './request.js';
import { checkName } from './walk.js';

/**
 * Gives `file` another place: rename(2). A file that has only wstat can be renamed in its directory alone.
 * @throws NinePError: EBUSY for a root, EXDEV if only wstat is there and the directory another, EPERM if neither is.
 */
export function rename<User>(
  file: ServerFile<User>,
  directory: ServerFile<User>,
  name: string,
  request: Request<User>,
): Awaitable<void> {
  checkName(name);
  if (!file.parent) throw new NinePError('the root cannot be renamed', Errno.EBUSY);
  if (file.rename) return file.rename(directory, name, request);
  if (!file.wstat) throw denied();
  if (!same(file.parent, directory)) {
    throw new NinePError('cannot move between directories', Errno.EXDEV);
  }
  return file.wstat({ name }, request);
}

/** The same for the file called `oldname` in a directory. */
export function renameAt<User>(
  from: ServerFile<User>,
  oldname: string,
  to: ServerFile<User>,
  newname: string,
  request: Request<User>,
): Awaitable<void> {
  checkName(newname);
  return chain(lookUp(from, oldname, request), (file) =>
    holding(file, rename(file, to, newname, request)),
  );
}

/** Gives `file` another name in `directory`: link(2). */
export function link<User>(
  file: ServerFile<User>,
  directory: ServerFile<User>,
  name: string,
  request: Request<User>,
): Awaitable<void> {
  checkName(name);
  if (file.qid.type & QidType.DIR || !directory.link) throw denied();
  return directory.link(file, name, request);
}

/**
 * Removes the file called `name` in a directory: unlinkat(2).
 * @throws NinePError: ENOTDIR or EISDIR unless the flags say what it is.
 */
export function unlinkAt<User>(
  directory: ServerFile<User>,
  name: string,
  flags: number,
  request: Request<User>,
): Awaitable<void> {
  if (flags & ~AT_REMOVEDIR) throw invalid('unknown flags');
  return chain(lookUp(directory, name, request), (file) => {
    const isIt = (file.qid.type & QidType.DIR) !== 0;
    if (flags & AT_REMOVEDIR && !isIt) throw notDirectory();
    if (!(flags & AT_REMOVEDIR) && isIt) throw isDirectory();
    if (!file.remove) throw denied();
    return holding(file, file.remove(request));
  });
}

/** @throws NinePError (ENOENT) if the directory has no file of that name. */
function lookUp<User>(
  directory: ServerFile<User>,
  name: string,
  request: Request<User>,
): Awaitable<ServerFile<User>> {
  checkName(name);
  const found: Awaitable<ServerFile<User> | undefined> = directory.walk?.(name, request);
  return chain(found, (file) => {
    if (!file) throw notFound();
    return file;
  });
}

function same(a: ServerFile, b: ServerFile): boolean {
  return a === b || a.qid.path === b.qid.path;
}
