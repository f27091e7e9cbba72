import fc from 'fast-check';
import {
  type AnyMessage,
  type Attributes,
  type Dialect,
  type DirectoryEntry,
  type FileSystemStatistics,
  MessageType,
  type Qid,
  type Stat,
  type Uint64,
} from '../src/index.js';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff),
);
/** Canonical: a bigint only where a number would lose digits. */
const u64: fc.Arbitrary<Uint64> = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
    fc.constantFrom(0n, 0xffffffffn, 0x100000000n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n),
  )
  .map((value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value));
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', '/', '..', '\0', '\ufeffbom', 'é'.repeat(300), 'x'.repeat(1000)),
);
const data = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.uint8Array({ minLength: 1000, maxLength: 1100 }),
);
const qid: fc.Arbitrary<Qid> = fc.record({ type: u8, version: u32, path: u64 });

/** Any message of the dialect, in the form that decoding yields. */
export function anyMessage(dialect: Dialect): fc.Arbitrary<AnyMessage> {
  return fc.oneof(...messageTypes[dialect].map((type) => messageOf(type, dialect)));
}

const types: readonly AnyMessage['type'][] = Object.values(MessageType);
const plainTypes = types.filter((type) => type >= 100);
const replaced: readonly number[] = [112, 113, 114, 115, 124, 125, 126, 127];

/** The numbers of MessageType that each dialect has. */
export const messageTypes: Record<Dialect, readonly AnyMessage['type'][]> = {
  '9P2000': plainTypes,
  '9P2000.u': plainTypes,
  '9P2000.L': types.filter((type) => !replaced.includes(type)),
};

/** Any message of that type. */
export function messageOf(type: AnyMessage['type'], dialect: Dialect): fc.Arbitrary<AnyMessage> {
  const fields = { type: fc.constant(type), tag: u16, ...fieldsOf(type, dialect) };
  return fc.record(fields) as fc.Arbitrary<AnyMessage>;
}

function fieldsOf(
  type: AnyMessage['type'],
  dialect: Dialect,
): Record<string, fc.Arbitrary<unknown>> {
  const extended = dialect === '9P2000.u';
  const numbered = dialect !== '9P2000';
  const nUname = numbered ? u32 : fc.constant(0xffffffff);
  switch (type) {
    case MessageType.Tversion:
    case MessageType.Rversion:
      return { msize: u32, version: text };
    case MessageType.Tauth:
      return { afid: u32, uname: text, aname: text, nUname };
    case MessageType.Rauth:
      return { aqid: qid };
    case MessageType.Tattach:
      return { fid: u32, afid: u32, uname: text, aname: text, nUname };
    case MessageType.Rattach:
      return { qid };
    case MessageType.Rerror:
      return { ename: text, errno: numbered ? u32 : fc.constant(0) };
    case MessageType.Tflush:
      return { oldtag: u16 };
    case MessageType.Twalk:
      return { fid: u32, newfid: u32, names: fc.array(text, { maxLength: 16, size: 'max' }) };
    case MessageType.Rwalk:
      return { qids: fc.array(qid, { maxLength: 16, size: 'max' }) };
    case MessageType.Topen:
      return { fid: u32, mode: u8 };
    case MessageType.Ropen:
    case MessageType.Rcreate:
      return { qid, iounit: u32 };
    case MessageType.Tcreate:
      return {
        fid: u32,
        name: text,
        perm: u32,
        mode: u8,
        extension: extended ? text : fc.constant(''),
      };
    case MessageType.Tread:
      return { fid: u32, offset: u64, count: u32 };
    case MessageType.Rread:
      return { data };
    case MessageType.Twrite:
      return { fid: u32, offset: u64, data };
    case MessageType.Rwrite:
      return { count: u32 };
    case MessageType.Tclunk:
    case MessageType.Tremove:
    case MessageType.Tstat:
      return { fid: u32 };
    case MessageType.Rstat:
      return { stat: stat(dialect) };
    case MessageType.Twstat:
      return { fid: u32, stat: stat(dialect) };
    default:
      return linuxFieldsOf(type);
  }
}

function linuxFieldsOf(type: AnyMessage['type']): Record<string, fc.Arbitrary<unknown>> {
  const range = { start: u64, length: u64, procId: u32, clientId: text };
  switch (type) {
    case MessageType.Rlerror:
      return { ecode: u32 };
    case MessageType.Tstatfs:
    case MessageType.Treadlink:
      return { fid: u32 };
    case MessageType.Rstatfs:
      return { statistics };
    case MessageType.Tlopen:
      return { fid: u32, flags: u32 };
    case MessageType.Rlopen:
    case MessageType.Rlcreate:
      return { qid, iounit: u32 };
    case MessageType.Tlcreate:
      return { fid: u32, name: text, flags: u32, mode: u32, gid: u32 };
    case MessageType.Tsymlink:
      return { fid: u32, name: text, target: text, gid: u32 };
    case MessageType.Tmknod:
      return { fid: u32, name: text, mode: u32, major: u32, minor: u32, gid: u32 };
    case MessageType.Rsymlink:
    case MessageType.Rmknod:
    case MessageType.Rmkdir:
      return { qid };
    case MessageType.Trename:
      return { fid: u32, dfid: u32, name: text };
    case MessageType.Rreadlink:
      return { target: text };
    case MessageType.Tgetattr:
      return { fid: u32, requestMask: u64 };
    case MessageType.Rgetattr:
      return { valid: u64, qid, attributes };
    case MessageType.Tsetattr:
      return {
        fid: u32,
        valid: u32,
        mode: u32,
        uid: u32,
        gid: u32,
        size: u64,
        atimeSec: u64,
        atimeNsec: u32,
        mtimeSec: u64,
        mtimeNsec: u32,
      };
    case MessageType.Txattrwalk:
      return { fid: u32, newfid: u32, name: text };
    case MessageType.Rxattrwalk:
      return { size: u64 };
    case MessageType.Txattrcreate:
      return { fid: u32, name: text, size: u64, flags: u32 };
    case MessageType.Treaddir:
      return { fid: u32, offset: u64, count: u32 };
    case MessageType.Rreaddir:
      return { data };
    case MessageType.Tfsync:
      return { fid: u32, datasync: u32 };
    case MessageType.Tlock:
      return { fid: u32, lockType: u8, flags: u32, ...range };
    case MessageType.Rlock:
      return { status: u8 };
    case MessageType.Tgetlock:
      return { fid: u32, lockType: u8, ...range };
    case MessageType.Rgetlock:
      return { lockType: u8, ...range };
    case MessageType.Tlink:
      return { dfid: u32, fid: u32, name: text };
    case MessageType.Tmkdir:
      return { fid: u32, name: text, mode: u32, gid: u32 };
    case MessageType.Trenameat:
      return { olddirfid: u32, oldname: text, newdirfid: u32, newname: text };
    case MessageType.Tunlinkat:
      return { dirfid: u32, name: text, flags: u32 };
    default:
      return {};
  }
}

const attributes: fc.Arbitrary<Attributes> = fc.record({
  mode: u32,
  uid: u32,
  gid: u32,
  nlink: u64,
  rdev: u64,
  size: u64,
  blksize: u64,
  blocks: u64,
  atimeSec: u64,
  atimeNsec: u32,
  mtimeSec: u64,
  mtimeNsec: u32,
  ctimeSec: u64,
  ctimeNsec: u32,
  btimeSec: u64,
  btimeNsec: u32,
  gen: u64,
  dataVersion: u64,
});

const statistics: fc.Arbitrary<FileSystemStatistics> = fc.record({
  type: u32,
  bsize: u32,
  blocks: u64,
  bfree: u64,
  bavail: u64,
  files: u64,
  ffree: u64,
  fsid: u64,
  namelen: u32,
});

/** Any directory entry of an Rreaddir. */
export const directoryEntry: fc.Arbitrary<DirectoryEntry> = fc.record({
  qid,
  offset: u64,
  type: u8,
  name: text,
});

/** Byte strings that are letters, broken letters, and bytes of every kind side by side. */
export const nameBytes: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.uint8Array({ min: 0x80, maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 3 }).map((letters) => Buffer.from(letters)),
      fc
        .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.nat(3))
        .map(([letter, cut]) => Buffer.from(letter).subarray(0, -cut || undefined)),
      fc.constantFrom(
        ...[
          [0xc0, 0xaf],
          [0xe0, 0x80, 0xaf],
          [0xf0, 0x80, 0x80, 0x80],
          [0xed, 0xb2, 0x80],
        ].map((bytes) => Buffer.from(bytes)),
        Buffer.alloc(30, 'x'),
      ),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces));

function stat(dialect: Dialect): fc.Arbitrary<Stat> {
  const plain = {
    type: u16,
    dev: u32,
    qid,
    mode: u32,
    atime: u32,
    mtime: u32,
    length: u64,
    name: text,
    uid: text,
    gid: text,
    muid: text,
  };
  if (dialect !== '9P2000.u') return fc.record(plain);
  return fc.record({ ...plain, extension: text, nUid: u32, nGid: u32, nMuid: u32 });
}
