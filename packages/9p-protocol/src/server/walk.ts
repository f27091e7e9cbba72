import { QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Qid } from '../types.js';
import type { Awaitable, ServerFile } from './files.js';
import { notDirectory, notFound } from './refusals.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';

/** Makes the answer to a walk: the file that was reached, and a qid for each name on the way. */
type Arrive<User> = (file: ServerFile<User>, qids: Qid[]) => Reply;

/**
 * Goes along names from a file: walk(5). The first name must be found; a later one that is not ends the walk where
 * it then stands.
 * @throws NinePError why the first name leads nowhere.
 */
export function walkNames<User>(
  request: Request<User>,
  from: ServerFile<User>,
  names: readonly string[],
  arrive: Arrive<User>,
  qids: Qid[] = [],
): Awaitable<Reply> {
  let file = from;
  while (qids.length < names.length) {
    let next: Awaitable<ServerFile<User> | undefined>;
    try {
      next = lookUp(file, names[qids.length]!, request);
    } catch (error) {
      return endWalk(error, file, qids, arrive);
    }
    if (next instanceof Promise) {
      return next.then(
        (found) => {
          if (!found) return endWalk(notFound(), file, qids, arrive);
          qids.push(found.qid);
          return walkNames(request, found, names, arrive, qids);
        },
        (error: unknown) => endWalk(error, file, qids, arrive),
      );
    }
    if (!next) return endWalk(notFound(), file, qids, arrive);
    qids.push(next.qid);
    file = next;
  }
  return arrive(file, qids);
}

/** @throws NinePError (EINVAL) for what no file is called. */
export function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new NinePError('invalid file name', Errno.EINVAL);
  }
}

/** The file of that name in a directory. `.` is a name in 9P2000.L alone, whose clients take it from a listing. */
function lookUp<User>(
  file: ServerFile<User>,
  name: string,
  request: Request<User>,
): Awaitable<ServerFile<User> | undefined> {
  if (!(file.qid.type & QidType.DIR)) throw notDirectory();
  if (name === '..') return file.parent ?? file;
  if (name === '.' && request.connection.dialect === '9P2000.L') return file;
  checkName(name);
  return file.walk?.(name, request);
}

function endWalk<User>(
  error: unknown,
  file: ServerFile<User>,
  qids: Qid[],
  arrive: Arrive<User>,
): Reply {
  if (qids.length === 0) throw error;
  return arrive(file, qids);
}
