import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  utimesSync,
} from 'node:fs';
import { FileMode } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { AttributeChanges, Moment } from '../server/files.js';
import { nanoseconds, seconds } from './attributes.js';
import { permissionError } from './errors.js';
import type { GraphNode } from './graph-node.js';
import { fdPath } from './paths.js';

/** "No change" to chown(2). */
const SAME = -1;
/** What a double in seconds can tell apart in our time: 2^-22 s, about 238 ns. */
const TICKS_PER_SECOND = 2 ** 22;

/**
 * chmod, chown, truncate and utimensat in one; symbolic links are changed themselves. What the caller lacks the
 * right for is refused before anything is changed.
 *
 * Times: Node passes them on as seconds in a double, which Node 20 cuts to microseconds and newer ones do not. A time
 * given in whole microseconds is set to that microsecond, others to less than one; as both times are always set, the
 * one that shall stay loses what it has below a microsecond. The present time, too, is set as if it were given, which
 * only the owner may do.
 * @throws NinePError (EPERM, EROFS, EISDIR, EINVAL, EOPNOTSUPP for the mode of a link), Node's system errors
 */
export function changeAttributes(node: GraphNode, changes: AttributeChanges): void {
  node.tree.checkWritable();
  const stats = node.stats();
  const { mode, uid, gid, size, atime, mtime } = changes;
  if (mode !== undefined && node.isLink) {
    throw new NinePError('the mode of a symbolic link cannot be changed', Errno.EOPNOTSUPP);
  }
  checkRights(changes, stats);
  if (size !== undefined) truncate(node, stats, size);
  const path = fdPath(node.descriptor());
  if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? SAME, gid ?? SAME);
  // Changing owner or length takes the set-id bits away, changing the length the time.
  if (mode !== undefined) chmodSync(path, mode & ~FileMode.TYPE_MASK);
  if (atime !== undefined || mtime !== undefined) {
    utimesSync(path, timeOf(atime, stats.atimeNs), timeOf(mtime, stats.mtimeNs));
  }
}

/** What the kernel would refuse half-way through. */
function checkRights({ mode, uid, gid, atime, mtime }: AttributeChanges, stats: BigIntStats): void {
  const self = process.geteuid!();
  if (self === 0) return;
  const owner = Number(stats.uid);
  if (uid !== undefined && uid !== owner) throw permissionError();
  const needsOwner = mode !== undefined || atime !== undefined || mtime !== undefined;
  if ((needsOwner || uid !== undefined || gid !== undefined) && owner !== self) {
    throw permissionError();
  }
  if (gid === undefined || gid === Number(stats.gid) || gid === process.getegid!()) return;
  if (!process.getgroups!().includes(gid)) throw permissionError();
}

function truncate(node: GraphNode, stats: BigIntStats, size: number): void {
  if (node.isDirectory) throw new NinePError('is a directory', Errno.EISDIR);
  if (!stats.isFile()) throw new NinePError('not a regular file', Errno.EINVAL);
  const handle = node.writableHandle();
  if (handle) return ftruncateSync(handle.fd, size);
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const fd = openSync(fdPath(node.descriptor()), O_WRONLY | O_NONBLOCK | O_NOCTTY);
  try {
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
}

function timeOf(moment: Moment | undefined, present: bigint): number | string {
  if (moment === 'now') return Date.now() / 1000;
  if (moment) return systemTime(moment.sec, moment.nsec);
  return systemTime(Number(seconds(present)), nanoseconds(present));
}

/** Rounded up to what a double has, so that the microseconds are those that were meant, cut or not. */
function systemTime(sec: number, nsec: number): number | string {
  const time = sec + Math.ceil((nsec / 1e9) * TICKS_PER_SECOND) / TICKS_PER_SECOND;
  // Node takes a negative number for the present time, but not a negative number in a string.
  return time < 0 ? String(time) : time;
}
