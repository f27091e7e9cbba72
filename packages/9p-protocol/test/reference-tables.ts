import type { Dialect } from '../src/index.js';

/** The fields of every message in order, as the manuals have them: for the reference codec. */

export type Kind =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'nsec'
  | 'string'
  | 'names'
  | 'qid'
  | 'qids'
  | 'data'
  | 'stat'
  | 'attributes'
  | 'statistics';
/** A field, and the dialects that have it where not all do. */
export type Field = readonly [name: string, kind: Kind, dialects?: readonly Dialect[]];

const extended: readonly Dialect[] = ['9P2000.u'];
const numbered: readonly Dialect[] = ['9P2000.u', '9P2000.L'];

export const messages: Record<number, readonly Field[]> = {
  100: [
    ['msize', 'u32'],
    ['version', 'string'],
  ],
  101: [
    ['msize', 'u32'],
    ['version', 'string'],
  ],
  102: [
    ['afid', 'u32'],
    ['uname', 'string'],
    ['aname', 'string'],
    ['nUname', 'u32', numbered],
  ],
  103: [['aqid', 'qid']],
  104: [
    ['fid', 'u32'],
    ['afid', 'u32'],
    ['uname', 'string'],
    ['aname', 'string'],
    ['nUname', 'u32', numbered],
  ],
  105: [['qid', 'qid']],
  107: [
    ['ename', 'string'],
    ['errno', 'u32', numbered],
  ],
  108: [['oldtag', 'u16']],
  109: [],
  110: [
    ['fid', 'u32'],
    ['newfid', 'u32'],
    ['names', 'names'],
  ],
  111: [['qids', 'qids']],
  112: [
    ['fid', 'u32'],
    ['mode', 'u8'],
  ],
  113: [
    ['qid', 'qid'],
    ['iounit', 'u32'],
  ],
  114: [
    ['fid', 'u32'],
    ['name', 'string'],
    ['perm', 'u32'],
    ['mode', 'u8'],
    ['extension', 'string', extended],
  ],
  115: [
    ['qid', 'qid'],
    ['iounit', 'u32'],
  ],
  116: [
    ['fid', 'u32'],
    ['offset', 'u64'],
    ['count', 'u32'],
  ],
  117: [['data', 'data']],
  118: [
    ['fid', 'u32'],
    ['offset', 'u64'],
    ['data', 'data'],
  ],
  119: [['count', 'u32']],
  120: [['fid', 'u32']],
  121: [],
  122: [['fid', 'u32']],
  123: [],
  124: [['fid', 'u32']],
  125: [['stat', 'stat']],
  126: [
    ['fid', 'u32'],
    ['stat', 'stat'],
  ],
  127: [],
};

/** The messages that only 9P2000.L has. */
export const linuxMessages: Record<number, readonly Field[]> = {
  7: [['ecode', 'u32']],
  8: [['fid', 'u32']],
  9: [['statistics', 'statistics']],
  12: [
    ['fid', 'u32'],
    ['flags', 'u32'],
  ],
  13: [
    ['qid', 'qid'],
    ['iounit', 'u32'],
  ],
  14: [
    ['fid', 'u32'],
    ['name', 'string'],
    ['flags', 'u32'],
    ['mode', 'u32'],
    ['gid', 'u32'],
  ],
  15: [
    ['qid', 'qid'],
    ['iounit', 'u32'],
  ],
  16: [
    ['fid', 'u32'],
    ['name', 'string'],
    ['target', 'string'],
    ['gid', 'u32'],
  ],
  17: [['qid', 'qid']],
  18: [
    ['fid', 'u32'],
    ['name', 'string'],
    ['mode', 'u32'],
    ['major', 'u32'],
    ['minor', 'u32'],
    ['gid', 'u32'],
  ],
  19: [['qid', 'qid']],
  20: [
    ['fid', 'u32'],
    ['dfid', 'u32'],
    ['name', 'string'],
  ],
  21: [],
  22: [['fid', 'u32']],
  23: [['target', 'string']],
  24: [
    ['fid', 'u32'],
    ['requestMask', 'u64'],
  ],
  25: [
    ['valid', 'u64'],
    ['qid', 'qid'],
    ['attributes', 'attributes'],
  ],
  26: [
    ['fid', 'u32'],
    ['valid', 'u32'],
    ['mode', 'u32'],
    ['uid', 'u32'],
    ['gid', 'u32'],
    ['size', 'u64'],
    ['atimeSec', 'u64'],
    ['atimeNsec', 'nsec'],
    ['mtimeSec', 'u64'],
    ['mtimeNsec', 'nsec'],
  ],
  27: [],
  30: [
    ['fid', 'u32'],
    ['newfid', 'u32'],
    ['name', 'string'],
  ],
  31: [['size', 'u64']],
  32: [
    ['fid', 'u32'],
    ['name', 'string'],
    ['size', 'u64'],
    ['flags', 'u32'],
  ],
  33: [],
  40: [
    ['fid', 'u32'],
    ['offset', 'u64'],
    ['count', 'u32'],
  ],
  41: [['data', 'data']],
  50: [
    ['fid', 'u32'],
    ['datasync', 'u32'],
  ],
  51: [],
  52: [
    ['fid', 'u32'],
    ['lockType', 'u8'],
    ['flags', 'u32'],
    ['start', 'u64'],
    ['length', 'u64'],
    ['procId', 'u32'],
    ['clientId', 'string'],
  ],
  53: [['status', 'u8']],
  54: [
    ['fid', 'u32'],
    ['lockType', 'u8'],
    ['start', 'u64'],
    ['length', 'u64'],
    ['procId', 'u32'],
    ['clientId', 'string'],
  ],
  55: [
    ['lockType', 'u8'],
    ['start', 'u64'],
    ['length', 'u64'],
    ['procId', 'u32'],
    ['clientId', 'string'],
  ],
  70: [
    ['dfid', 'u32'],
    ['fid', 'u32'],
    ['name', 'string'],
  ],
  71: [],
  72: [
    ['fid', 'u32'],
    ['name', 'string'],
    ['mode', 'u32'],
    ['gid', 'u32'],
  ],
  73: [['qid', 'qid']],
  74: [
    ['olddirfid', 'u32'],
    ['oldname', 'string'],
    ['newdirfid', 'u32'],
    ['newname', 'string'],
  ],
  75: [],
  76: [
    ['dirfid', 'u32'],
    ['name', 'string'],
    ['flags', 'u32'],
  ],
  77: [],
};

/** Those that 9P2000.L has replaced. */
export const replaced: readonly number[] = [112, 113, 114, 115, 124, 125, 126, 127];

/** Fields at the end of a message that a peer may leave out, and what they then are. */
export const optional: Record<string, number> = { nUname: 0xffffffff, errno: 0, datasync: 0 };

export const statFields: readonly Field[] = [
  ['type', 'u16'],
  ['dev', 'u32'],
  ['qid', 'qid'],
  ['mode', 'u32'],
  ['atime', 'u32'],
  ['mtime', 'u32'],
  ['length', 'u64'],
  ['name', 'string'],
  ['uid', 'string'],
  ['gid', 'string'],
  ['muid', 'string'],
  ['extension', 'string', extended],
  ['nUid', 'u32', extended],
  ['nGid', 'u32', extended],
  ['nMuid', 'u32', extended],
];

export const attributeFields: readonly Field[] = [
  ['mode', 'u32'],
  ['uid', 'u32'],
  ['gid', 'u32'],
  ['nlink', 'u64'],
  ['rdev', 'u64'],
  ['size', 'u64'],
  ['blksize', 'u64'],
  ['blocks', 'u64'],
  ['atimeSec', 'u64'],
  ['atimeNsec', 'nsec'],
  ['mtimeSec', 'u64'],
  ['mtimeNsec', 'nsec'],
  ['ctimeSec', 'u64'],
  ['ctimeNsec', 'nsec'],
  ['btimeSec', 'u64'],
  ['btimeNsec', 'nsec'],
  ['gen', 'u64'],
  ['dataVersion', 'u64'],
];

export const statisticsFields: readonly Field[] = [
  ['type', 'u32'],
  ['bsize', 'u32'],
  ['blocks', 'u64'],
  ['bfree', 'u64'],
  ['bavail', 'u64'],
  ['files', 'u64'],
  ['ffree', 'u64'],
  ['fsid', 'u64'],
  ['namelen', 'u32'],
];
