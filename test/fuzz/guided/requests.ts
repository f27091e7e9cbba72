import { type Dialect, dontTouch, MessageType, NOFID, type TMessage } from '@xcpu/9p-protocol';
import type { Supply } from './supply.js';
import { fidIn, idIn, nameIn, statIn, u32In, u64In } from './values.js';

/** A request as a client of the dialect could send it, apart from its tag. */
export function requestIn(supply: Supply, dialect: Dialect, tag: number): TMessage {
  const make = supply.pick(dialect === '9P2000.L' ? linuxRequests : plan9Requests);
  return { ...make(supply), tag } as TMessage;
}

type Make = (supply: Supply) => Record<string, unknown> & { readonly type: number };

const T = MessageType;
/** Regular files, directories, and what else 9P2000.u can make. */
const PERMS = [
  0o644, 0o755, 0x800001ff, 0x020001ff, 0x00200000, 0x00800000, 0x01000000, 0x400001a4, 0x200001a4,
];
const EXTENSIONS = [
  '',
  '/etc/passwd',
  '../..',
  'c 1 3',
  'b 8 0',
  '1',
  '2\n',
  '99',
  'x'.repeat(5000),
];
const OPEN_FLAGS = [0, 1, 2, 0o1001, 0o1002, 0o2001, 0o200000, 0o400000, 0o102, 3, 0xffffffff];
const FILE_MODES = [0o644, 0o100600, 0o40755, 0o10600, 0o20600, 0o140777, 0o120777, 0o7777];

const common: readonly Make[] = [
  walk,
  walk,
  walk,
  (supply) => ({
    type: T.Tread,
    fid: fidIn(supply),
    offset: u64In(supply),
    count: countIn(supply),
  }),
  (supply) => ({ type: T.Tread, fid: fidIn(supply), offset: 0, count: countIn(supply) }),
  (supply) => ({
    ...{ type: T.Twrite, fid: fidIn(supply), offset: u64In(supply) },
    data: supply.bytes(supply.below(40)),
  }),
  (supply) => ({ type: T.Tclunk, fid: fidIn(supply) }),
  (supply) => ({ type: T.Tclunk, fid: fidIn(supply) }),
  (supply) => ({ type: T.Tremove, fid: fidIn(supply) }),
  (supply) => ({ type: T.Tflush, oldtag: supply.below(70) }),
  (supply) => ({
    ...{ type: T.Tattach, fid: fidIn(supply), afid: supply.once(4) ? fidIn(supply) : NOFID },
    ...{ uname: supply.pick(['root', 'me', '']), aname: supply.pick(['', '/', 'x']) },
    nUname: idIn(supply),
  }),
  (supply) => ({
    type: T.Tauth,
    afid: fidIn(supply),
    uname: 'me',
    aname: '',
    nUname: idIn(supply),
  }),
];

const plan9Requests: readonly Make[] = [
  ...common,
  (supply) => ({ type: T.Topen, fid: fidIn(supply), mode: openModeIn(supply) }),
  (supply) => ({ type: T.Topen, fid: fidIn(supply), mode: openModeIn(supply) }),
  create,
  create,
  (supply) => ({ type: T.Tstat, fid: fidIn(supply) }),
  (supply) => ({ type: T.Twstat, fid: fidIn(supply), stat: statIn(supply, dontTouch) }),
];

const linuxRequests: readonly Make[] = [
  ...common,
  (supply) => ({ type: T.Tstatfs, fid: fidIn(supply) }),
  (supply) => ({ type: T.Tlopen, fid: fidIn(supply), flags: supply.pick(OPEN_FLAGS) }),
  (supply) => ({ type: T.Tlopen, fid: fidIn(supply), flags: supply.pick(OPEN_FLAGS) }),
  (supply) => ({
    ...{
      type: T.Tlcreate,
      fid: fidIn(supply),
      name: nameIn(supply),
      flags: supply.pick(OPEN_FLAGS),
    },
    ...{ mode: supply.pick(FILE_MODES), gid: idIn(supply) },
  }),
  (supply) => ({
    ...{ type: T.Tsymlink, fid: fidIn(supply), name: nameIn(supply) },
    ...{ target: supply.pick(EXTENSIONS), gid: idIn(supply) },
  }),
  (supply) => ({
    ...{ type: T.Tmknod, fid: fidIn(supply), name: nameIn(supply), mode: supply.pick(FILE_MODES) },
    ...{ major: u32In(supply), minor: u32In(supply), gid: idIn(supply) },
  }),
  (supply) => ({ type: T.Trename, fid: fidIn(supply), dfid: fidIn(supply), name: nameIn(supply) }),
  (supply) => ({ type: T.Treadlink, fid: fidIn(supply) }),
  (supply) => ({ type: T.Tgetattr, fid: fidIn(supply), requestMask: u64In(supply) }),
  (supply) => ({
    ...{ type: T.Tsetattr, fid: fidIn(supply), valid: supply.below(0x280), mode: u32In(supply) },
    ...{ uid: idIn(supply), gid: idIn(supply), size: u64In(supply), atimeSec: u64In(supply) },
    ...{ atimeNsec: u32In(supply), mtimeSec: u64In(supply), mtimeNsec: u32In(supply) },
  }),
  (supply) => ({
    ...{ type: T.Txattrwalk, fid: fidIn(supply), newfid: fidIn(supply) },
    name: supply.pick(['', 'user.a', nameIn(supply)]),
  }),
  (supply) => ({
    ...{ type: T.Txattrcreate, fid: fidIn(supply), name: supply.pick(['user.a', nameIn(supply)]) },
    ...{ size: u64In(supply), flags: supply.pick([0, 0, 1, 2, 3, 4]) },
  }),
  (supply) => ({ type: T.Treaddir, fid: fidIn(supply), offset: 0, count: countIn(supply) }),
  (supply) => ({
    type: T.Treaddir,
    fid: fidIn(supply),
    offset: u64In(supply),
    count: countIn(supply),
  }),
  (supply) => ({ type: T.Tfsync, fid: fidIn(supply), datasync: supply.below(2) }),
  (supply) => ({ ...lock(supply), type: T.Tlock, flags: supply.below(4) }),
  (supply) => ({ ...lock(supply), type: T.Tgetlock }),
  (supply) => ({ type: T.Tlink, dfid: fidIn(supply), fid: fidIn(supply), name: nameIn(supply) }),
  (supply) => ({
    ...{ type: T.Tmkdir, fid: fidIn(supply), name: nameIn(supply) },
    ...{ mode: supply.pick(FILE_MODES), gid: idIn(supply) },
  }),
  (supply) => ({
    ...{ type: T.Trenameat, olddirfid: fidIn(supply), oldname: nameIn(supply) },
    ...{ newdirfid: fidIn(supply), newname: nameIn(supply) },
  }),
  (supply) => ({
    ...{ type: T.Tunlinkat, dirfid: fidIn(supply), name: nameIn(supply) },
    flags: supply.pick([0, 0x200, 0, 1]),
  }),
];

function walk(supply: Supply): ReturnType<Make> {
  const [fid, newfid] = [fidIn(supply), fidIn(supply)];
  const names = Array.from({ length: supply.pick([1, 0, 2, 3, 16]) }, () => nameIn(supply));
  return { type: T.Twalk, fid, newfid, names };
}

function create(supply: Supply): ReturnType<Make> {
  const [fid, name, perm] = [fidIn(supply), nameIn(supply), supply.pick(PERMS)];
  const extension = supply.pick(EXTENSIONS);
  return { type: T.Tcreate, fid, name, perm, mode: openModeIn(supply), extension };
}

function lock(supply: Supply) {
  const range = { start: u64In(supply), length: u64In(supply) };
  return {
    fid: fidIn(supply),
    lockType: supply.below(4),
    ...range,
    procId: supply.below(3),
    clientId: 'c',
  };
}

function openModeIn(supply: Supply): number {
  return supply.pick([0, 1, 2, 0x10, 0x11, 0x12, 0x40, 0x81, 3, supply.byte()]);
}

function countIn(supply: Supply): number {
  return supply.pick([64, 1000, 4096, 0, 1, 25, 0xffffffff]);
}
