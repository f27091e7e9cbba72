import { encodedLength } from '../codec/strings.js';
import { MessageType } from '../constants.js';
import { LockStatus, LockType } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_LOCK_CLIENT } from '../limits.js';
import type { Tgetlock, Tlock } from '../messages-linux.js';
import { chain } from './awaitable.js';
import { type Fid, openOf } from './fids.js';
import type { Awaitable, FileLock } from './files.js';
import { invalid } from './refusals.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';

/** Tlock: fcntl(2), F_SETLK. A client that would wait asks again: the server never waits for a lock. */
export function lock<User>(
  request: Request<User>,
  fid: Fid<User>,
  message: Tlock,
): Awaitable<Reply> {
  const open = openOf(fid);
  const asked = lockOf(message);
  if (!open.lock) throw noLocks();
  return chain(open.lock(asked, request), (taken) => ({
    type: MessageType.Rlock,
    tag: 0,
    status: taken ? LockStatus.SUCCESS : LockStatus.BLOCKED,
  }));
}

/** Tgetlock: fcntl(2), F_GETLK. */
export function getlock<User>(
  request: Request<User>,
  fid: Fid<User>,
  message: Tgetlock,
): Awaitable<Reply> {
  const open = openOf(fid);
  const asked = lockOf(message);
  if (!open.getlock) throw noLocks();
  return chain(open.getlock(asked, request), (held) => {
    const {
      type: lockType,
      start,
      length,
      procId,
      clientId,
    } = held ?? {
      ...asked,
      type: LockType.UNLCK,
    };
    return { type: MessageType.Rgetlock, tag: 0, lockType, start, length, procId, clientId };
  });
}

/**
 * @throws NinePError: EINVAL for an unknown type or a beginning that JavaScript cannot count, ENAMETOOLONG for a name
 *   that each lock would keep.
 */
function lockOf({ lockType, start, length, procId, clientId }: Tlock | Tgetlock): FileLock {
  if (lockType > LockType.UNLCK) throw invalid('unknown type of lock');
  if (encodedLength(clientId) > MAX_LOCK_CLIENT) {
    throw new NinePError('name of the client is too long', Errno.ENAMETOOLONG);
  }
  if (typeof start === 'bigint') throw invalid('lock begins too far');
  // What reaches beyond all that can be counted reaches to the end.
  const counted = typeof length === 'number' && start + length <= Number.MAX_SAFE_INTEGER;
  return { type: lockType, start, length: counted ? length : 0, procId, clientId };
}

/** What fcntl(2) says where a file system has no locks. */
function noLocks(): NinePError {
  return new NinePError('no locks available', Errno.ENOLCK);
}
