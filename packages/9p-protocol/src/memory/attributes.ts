import { ModeBit } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { linuxPermissions } from '../permissions.js';
import type { AttributeChanges, Moment, StatChanges } from '../server/files.js';
import { deviceNumber } from '../server/modes.js';
import type { Attributes, Stat, Uint64 } from '../types.js';
import type { MemoryFile } from './file.js';
import type { Inode, Time } from './inode.js';
import { flagsOf, plan9Mode } from './modes.js';
import { Access, checkAccess, checkOwner, type Person } from './users.js';

const BLOCK = 4096;
/** What stat(2) counts blocks in. */
const SECTOR = 512;
const PERMISSIONS = 0o7777;

/** A file as Rstat tells it. */
export function statOf({ name, inode }: MemoryFile): Stat {
  const { users } = inode.volume;
  return {
    type: 0,
    dev: 0,
    qid: inode.qid,
    mode: plan9Mode(inode.mode, inode.flags),
    atime: inode.atime.sec,
    mtime: inode.mtime.sec,
    length: inode.contents?.size ?? 0,
    name,
    uid: users.name(inode.uid),
    gid: users.name(inode.gid),
    muid: users.name(inode.muid),
    extension: inode.device || inode.target,
    nUid: inode.uid,
    nGid: inode.gid,
    nMuid: inode.muid,
  };
}

/** A file as Rgetattr tells it. */
export function attributesOf(inode: Inode): Attributes {
  return {
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    nlink: inode.nlink,
    rdev: deviceNumber(inode.device),
    size: inode.size,
    blksize: BLOCK,
    blocks: Math.ceil((inode.contents?.taken ?? 0) / SECTOR),
    atimeSec: inode.atime.sec,
    atimeNsec: inode.atime.nsec,
    mtimeSec: inode.mtime.sec,
    mtimeNsec: inode.mtime.nsec,
    ctimeSec: inode.ctime.sec,
    ctimeNsec: inode.ctime.nsec,
    btimeSec: inode.btime.sec,
    btimeNsec: inode.btime.nsec,
    gen: 0,
    dataVersion: inode.version,
  };
}

/**
 * Sees whether a Tsetattr's changes may be made.
 * @returns what makes them, and cannot fail
 * @throws NinePError (EPERM, EACCES, EISDIR, EINVAL, EFBIG)
 */
export function prepareChanges(
  inode: Inode,
  changes: AttributeChanges,
  user: Person,
  flags = inode.flags,
): () => void {
  checkChanges(inode, changes, user);
  return () => {
    const { mode = inode.mode & PERMISSIONS, uid, gid, size, atime, mtime } = changes;
    const owned = uid !== undefined || gid !== undefined;
    const setId = owned && !user.privileged ? FileMode.SETUID | FileMode.SETGID : 0;
    inode.setMode(mode & PERMISSIONS & ~setId, flags);
    inode.uid = uid ?? inode.uid;
    inode.gid = gid ?? inode.gid;
    if (size !== undefined) {
      inode.contents!.truncate(size);
      inode.changed(user);
    }
    const now = inode.volume.now();
    inode.ctime = now;
    if (atime) inode.atime = timeOf(atime, now);
    if (mtime) inode.mtime = timeOf(mtime, now);
  };
}

/** The same for a Twstat's, but for the name. */
export function prepareStatChanges(
  { inode }: MemoryFile,
  changes: StatChanges,
  user: Person,
): () => void {
  const { mode, atime, mtime, length } = changes;
  if (mode !== undefined && mode & ModeBit.DIR && !inode.children) {
    throw new NinePError('a file does not become a directory', Errno.EPERM);
  }
  const uid = changes.nUid ?? numberOf(inode, changes.uid);
  const gid = changes.nGid ?? numberOf(inode, changes.gid);
  const translated: AttributeChanges = {
    ...(mode !== undefined && { mode: linuxPermissions(mode) }),
    ...(atime !== undefined && { atime: { sec: atime, nsec: 0 } }),
    ...(mtime !== undefined && { mtime: { sec: mtime, nsec: 0 } }),
    ...(length !== undefined && !(inode.children && length === 0) && { size: sizeOf(length) }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  return prepareChanges(inode, translated, user, mode === undefined ? undefined : flagsOf(mode));
}

function checkChanges(inode: Inode, changes: AttributeChanges, user: Person): void {
  const { mode, uid, gid, size, atime, mtime } = changes;
  if (mode !== undefined) checkOwner(user, inode);
  if (uid !== undefined && uid !== inode.uid && !user.privileged) throw notPermitted();
  if (gid !== undefined && gid !== inode.gid) {
    checkOwner(user, inode);
    if (!user.privileged && !user.groups.includes(gid)) throw notPermitted();
  }
  if (size !== undefined) {
    if (inode.children) throw new NinePError('is a directory', Errno.EISDIR);
    if (!inode.contents) throw new NinePError('not a regular file', Errno.EINVAL);
    if (size > Number.MAX_SAFE_INTEGER) throw new NinePError('file too large', Errno.EFBIG);
    // The owner may have it open for writing whatever its mode says.
    if (user.uid !== inode.uid) checkAccess(user, inode, Access.WRITE);
  }
  for (const time of [atime, mtime]) {
    if (time && (time !== 'now' || user.uid === inode.uid)) checkOwner(user, inode);
    else if (time) checkAccess(user, inode, Access.WRITE);
  }
}

function timeOf(moment: Moment, now: Time): Time {
  return moment === 'now' ? now : moment;
}

function numberOf(inode: Inode, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const number = inode.volume.users.number(name);
  if (number !== undefined) return number;
  throw new NinePError(`unknown user ${JSON.stringify(name)}`, Errno.EINVAL);
}

/** What JavaScript cannot count is too large anyway. */
function sizeOf(length: Uint64): number {
  return typeof length === 'number' ? length : Number.POSITIVE_INFINITY;
}

function notPermitted(): NinePError {
  return new NinePError('operation not permitted', Errno.EPERM);
}
