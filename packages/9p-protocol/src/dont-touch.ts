import type { Stat } from './types.js';

const ONES_16 = 0xffff;
const ONES_32 = 0xffffffff;
const ONES_64 = 0xffffffffffffffffn;

/** A Twstat's stat that changes nothing: every field says "leave as it is" (stat(5)). */
export const dontTouch: Stat = {
  type: ONES_16,
  dev: ONES_32,
  qid: { type: 0xff, version: ONES_32, path: ONES_64 },
  mode: ONES_32,
  atime: ONES_32,
  mtime: ONES_32,
  length: ONES_64,
  name: '',
  uid: '',
  gid: '',
  muid: '',
  extension: '',
  nUid: ONES_32,
  nGid: ONES_32,
  nMuid: ONES_32,
};
