import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Stat, Uint64 } from '../types.js';
import type { StatChanges } from './files.js';

const ONES_16 = 0xffff;
const ONES_32 = 0xffffffff;
const ONES_64 = 0xffffffffffffffffn;

/**
 * The fields of a Twstat that ask for a change.
 * @throws NinePError (EPERM) if it would change what a client cannot: type, dev or qid.
 */
export function statChanges(stat: Stat): StatChanges {
  if (
    !untouched(stat.type, ONES_16) ||
    !untouched(stat.dev, ONES_32) ||
    !untouched(stat.qid.type, 0xff) ||
    !untouched(stat.qid.version, ONES_32) ||
    !untouched(stat.qid.path, ONES_64)
  ) {
    throw new NinePError('type, dev and qid cannot be changed', Errno.EPERM);
  }
  const changes: { -readonly [K in keyof StatChanges]: StatChanges[K] } = {};
  if (stat.mode !== ONES_32) changes.mode = stat.mode;
  if (stat.atime !== ONES_32) changes.atime = stat.atime;
  if (stat.mtime !== ONES_32) changes.mtime = stat.mtime;
  if (stat.length !== ONES_64) changes.length = stat.length;
  if (stat.name !== '') changes.name = stat.name;
  if (stat.uid !== '') changes.uid = stat.uid;
  if (stat.gid !== '') changes.gid = stat.gid;
  if (stat.muid !== '') changes.muid = stat.muid;
  if (stat.nUid !== undefined && stat.nUid !== ONES_32) changes.nUid = stat.nUid;
  if (stat.nGid !== undefined && stat.nGid !== ONES_32) changes.nGid = stat.nGid;
  return changes;
}

/** C clients fill these with zeros as often as with ones. */
function untouched(value: Uint64, ones: Uint64): boolean {
  return value === ones || value === 0;
}
