import { ModeBit, NONUNAME, QidType } from '../constants.js';
import { FileMode, SetattrMask } from '../constants-linux.js';
import type { Tsetattr } from '../messages-linux.js';
import { linuxPermissions, plan9Permissions } from '../permissions.js';
import type { Attributes, FileSystemStatistics, Qid, Stat, Uint64 } from '../types.js';
import type { AttributeChanges, Moment, StatChanges } from './files.js';
import { deviceNumber, linuxMode } from './modes.js';
import { denied, invalid } from './refusals.js';

/** Who owns a file whose owner has no number: Linux's `nobody` (overflowuid). */
const NOBODY = 65_534;
/** Of a file system that says nothing of itself. */
const BLOCK_SIZE = 4096;
/** How Linux numbers 9P among its file systems: statfs(2), V9FS_MAGIC. */
const V9FS_MAGIC = 0x01021997;
const ALL_CHANGES =
  SetattrMask.MODE |
  SetattrMask.UID |
  SetattrMask.GID |
  SetattrMask.SIZE |
  SetattrMask.ATIME |
  SetattrMask.MTIME |
  SetattrMask.CTIME |
  SetattrMask.ATIME_SET |
  SetattrMask.MTIME_SET;
const NSEC_PER_SEC = 1_000_000_000;
/** The last second that a stat's 32 bits can tell; one more says "leave as it is". */
const LAST_SECOND = 0xfffffffe;

/** What stat(2) would tell of a file that has only a stat(5). */
export function attributesOf(stat: Stat): Attributes {
  return {
    mode: linuxMode(stat.mode, stat.extension),
    uid: numberOf(stat.nUid),
    gid: numberOf(stat.nGid),
    nlink: 1,
    rdev: stat.mode & ModeBit.DEVICE ? deviceNumber(stat.extension) : 0,
    size: stat.length,
    blksize: BLOCK_SIZE,
    blocks: typeof stat.length === 'number' ? Math.ceil(stat.length / 512) : stat.length / 512n,
    atimeSec: stat.atime,
    atimeNsec: 0,
    mtimeSec: stat.mtime,
    mtimeNsec: 0,
    ctimeSec: stat.mtime,
    ctimeNsec: 0,
    btimeSec: 0,
    btimeNsec: 0,
    gen: 0,
    dataVersion: 0,
  };
}

/** Of a file system that says nothing of itself. */
export const unknownStatistics: FileSystemStatistics = {
  type: V9FS_MAGIC,
  bsize: BLOCK_SIZE,
  blocks: 0,
  bfree: 0,
  bavail: 0,
  files: 0,
  ffree: 0,
  fsid: 0,
  namelen: 255,
};

/**
 * What a Tsetattr asks to change; undefined if that is nothing, or only the time of change, which changes by itself.
 * @throws NinePError (EINVAL) for what is no change or no value.
 */
export function attributeChanges(message: Tsetattr): AttributeChanges | undefined {
  const { valid } = message;
  if (valid & ~ALL_CHANGES) throw invalid('unknown attribute to change');
  const changes: { -readonly [K in keyof AttributeChanges]: AttributeChanges[K] } = {};
  if (valid & SetattrMask.MODE) changes.mode = message.mode & ~FileMode.TYPE_MASK & 0xffff;
  if (valid & SetattrMask.UID) changes.uid = message.uid;
  if (valid & SetattrMask.GID) changes.gid = message.gid;
  if (valid & SetattrMask.SIZE) changes.size = sizeOf(message.size);
  if (valid & SetattrMask.ATIME) {
    const set = valid & SetattrMask.ATIME_SET;
    changes.atime = set ? momentOf(message.atimeSec, message.atimeNsec) : 'now';
  }
  if (valid & SetattrMask.MTIME) {
    const set = valid & SetattrMask.MTIME_SET;
    changes.mtime = set ? momentOf(message.mtimeSec, message.mtimeNsec) : 'now';
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}

/**
 * The same for a file that has only wstat. Nanoseconds are lost.
 * @throws NinePError (EINVAL) for a time that a stat cannot tell.
 */
export function statChangesOf(changes: AttributeChanges, qid: Qid): StatChanges {
  const { mode, uid, gid, size, atime, mtime } = changes;
  return {
    ...(mode !== undefined && { mode: ((qid.type << 24) | plan9Permissions(mode)) >>> 0 }),
    ...(uid !== undefined && { nUid: uid }),
    ...(gid !== undefined && { nGid: gid }),
    ...(size !== undefined && { length: size }),
    ...(atime !== undefined && { atime: secondsOf(atime) }),
    ...(mtime !== undefined && { mtime: secondsOf(mtime) }),
  };
}

/**
 * What a Twstat asks to change but for the name, for a file that has setattr and no wstat; undefined if that is
 * nothing. Who changed the file last (muid) is not for a client to say, although Linux does.
 * @throws NinePError (EPERM) for an owner or group without a number, or another kind of file.
 */
export function attributeChangesOf(
  changes: StatChanges,
  stat: Stat,
  qid: Qid,
): AttributeChanges | undefined {
  const { mode, nUid, nGid, uid, gid, length, atime, mtime } = changes;
  if (mode !== undefined && !(mode & ModeBit.DIR) !== !(qid.type & QidType.DIR)) throw denied();
  if (uid !== undefined && nUid === undefined && uid !== stat.uid) throw denied();
  if (gid !== undefined && nGid === undefined && gid !== stat.gid) throw denied();
  const asked = {
    ...(mode !== undefined && { mode: linuxPermissions(mode) }),
    ...(nUid !== undefined && { uid: nUid }),
    ...(nGid !== undefined && { gid: nGid }),
    ...(length !== undefined && { size: sizeOf(length) }),
    ...(atime !== undefined && { atime: { sec: atime, nsec: 0 } }),
    ...(mtime !== undefined && { mtime: { sec: mtime, nsec: 0 } }),
  };
  return Object.keys(asked).length > 0 ? asked : undefined;
}

function numberOf(owner: number | undefined): number {
  return owner === undefined || owner === NONUNAME ? NOBODY : owner;
}

function sizeOf(size: Uint64): number {
  if (typeof size === 'bigint') throw invalid('size too large');
  return size;
}

function momentOf(sec: Uint64, nsec: number): Moment {
  if (nsec >= NSEC_PER_SEC) throw invalid('a second has 1,000,000,000 nanoseconds');
  if (typeof sec === 'number') return { sec, nsec };
  const signed = Number(BigInt.asIntN(64, sec));
  if (!Number.isSafeInteger(signed)) throw invalid('time out of range');
  return { sec: signed, nsec };
}

function secondsOf(moment: Moment): number {
  if (moment === 'now') return Math.floor(Date.now() / 1000);
  if (moment.sec < 0 || moment.sec > LAST_SECOND) throw invalid('time out of range');
  return moment.sec;
}
