import fc from 'fast-check';
import {
  type AnyMessage,
  type Dialect,
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
  return fc.oneof(...messageTypes.map((type) => messageOf(type, dialect)));
}

/** Every number of MessageType. */
export const messageTypes: readonly AnyMessage['type'][] = Object.values(MessageType);

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
  const nUname = extended ? u32 : fc.constant(0xffffffff);
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
      return { ename: text, errno: extended ? u32 : fc.constant(0) };
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
      return {};
  }
}

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
  if (dialect === '9P2000') return fc.record(plain);
  return fc.record({ ...plain, extension: text, nUid: u32, nGid: u32, nMuid: u32 });
}
