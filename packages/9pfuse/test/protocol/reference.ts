/** The structures of fuse.h as tables, read and written slowly and obviously. */
import { nameToBytes, type Uint64 } from '@xcpu/9p-protocol';

/** A field: its name and width in bytes; `_` is a field that nothing of ours looks at. */
export type Field = readonly [name: string, width: 2 | 4 | 8];

const u32 = (...names: string[]): Field[] => names.map((name) => [name, 4]);
const u64 = (...names: string[]): Field[] => names.map((name) => [name, 8]);

const RANGED = [...u64('handle', 'offset'), ...u32('size', '_'), ...u64('_'), ...u32('_', '_')];
const RELEASING = [...u64('handle'), ...u32('flags', 'releaseFlags'), ...u64('lockOwner')];
const SYNCING = [...u64('handle'), ...u32('flags', '_')];

/** By opcode: the fixed fields of a request, then how many names follow. */
export const REQUESTS: Readonly<Record<number, readonly [fields: Field[], names: string[]]>> = {
  1: [[], ['name']],
  2: [u64('count'), []],
  4: [
    [
      ...u32('valid', '_'),
      ...u64('handle', 'size', '_', 'atime', 'mtime', '_'),
      ...u32('atimeNsec', 'mtimeNsec', '_', 'mode', '_', 'newUid', 'newGid', '_'),
    ],
    [],
  ],
  5: [[], []],
  6: [[], ['name', 'target']],
  8: [u32('mode', 'rdev', 'umask', '_'), ['name']],
  9: [u32('mode', 'umask'), ['name']],
  10: [[], ['name']],
  11: [[], ['name']],
  12: [u64('newParent'), ['name', 'newName']],
  13: [u64('target'), ['name']],
  14: [u32('flags', '_'), []],
  15: [RANGED, []],
  17: [[], []],
  18: [RELEASING, []],
  20: [SYNCING, []],
  22: [u32('size', '_'), ['name']],
  23: [u32('size', '_'), []],
  24: [[], ['name']],
  25: [[...u64('handle'), ...u32('_', '_'), ...u64('lockOwner')], []],
  26: [u32('major', 'minor', 'maxReadahead', 'flags', ...Array(12).fill('_')), []],
  27: [u32('flags', '_'), []],
  28: [RANGED, []],
  29: [RELEASING, []],
  30: [SYNCING, []],
  34: [u32('mask', '_'), []],
  35: [u32('flags', 'mode', 'umask', '_'), ['name']],
  36: [u64('target'), []],
  38: [[], []],
  44: [RANGED, []],
  45: [
    [...u64('newParent'), ...u32('flags', '_')],
    ['name', 'newName'],
  ],
};

export const ATTRIBUTES: Field[] = [
  ...u64('ino', 'size', 'blocks', 'atime', 'mtime', 'ctime'),
  ...u32(
    'atimeNsec',
    'mtimeNsec',
    'ctimeNsec',
    'mode',
    'nlink',
    'uid',
    'gid',
    'rdev',
    'blksize',
    '_',
  ),
];
export const ENTRY: Field[] = [
  ...u64('node', 'generation', 'entrySec', 'attributesSec'),
  ...u32('entryNsec', 'attributesNsec'),
  ...ATTRIBUTES,
];
export const ATTRIBUTES_REPLY: Field[] = [...u64('sec'), ...u32('nsec', '_'), ...ATTRIBUTES];
export const DIRENT: Field[] = [...u64('ino', 'offset'), ...u32('length', 'type')];
export const LOCK: Field[] = [...u64('start', 'end'), ...u32('type', 'pid')];
/** fuse_notify_inval_inode_out; in fuse_notify_store_out the length is of four bytes, with four more behind. */
export const NOTICE: Field[] = u64('node', 'offset', 'length');
export const INIT_REPLY: Field[] = [
  ...u32('major', 'minor', 'maxReadahead', 'flags'),
  ['maxBackground', 2],
  ['congestionThreshold', 2],
  ...u32('maxWrite', 'timeGran'),
  ['maxPages', 2],
  ['_', 2],
  ...u32('_', '_', '_', '_', '_', '_', '_', '_'),
];

export type Values = Readonly<Record<string, Uint64 | undefined>>;

/** Fields in the machine's order; those without a value, and `_`, are filled with ones: they must not matter. */
export function encodeFields(fields: readonly Field[], values: Values): Buffer {
  return Buffer.concat(
    fields.map(([name, width]) => {
      const value = BigInt(values[name] ?? 0xffffffffffffffffn);
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(width * 8, value));
      return bytes.subarray(0, width);
    }),
  );
}

export function decodeFields(fields: readonly Field[], bytes: Buffer): Record<string, Uint64> {
  const values: Record<string, Uint64> = {};
  let at = 0;
  for (const [name, width] of fields) {
    const padded = Buffer.alloc(8);
    bytes.copy(padded, 0, at, at + width);
    const value = padded.readBigUInt64LE();
    if (name !== '_') values[name] = value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    at += width;
  }
  return values;
}

/** A whole request, as the kernel would send it. */
export function encodeRequest(
  opcode: number,
  header: { unique: Uint64; node: Uint64; uid: number; gid: number; pid: number },
  body: Buffer,
): Buffer {
  const fields: Field[] = [
    ...u32('length', 'opcode'),
    ...u64('unique', 'node'),
    ...u32('uid', 'gid', 'pid', '_'),
  ];
  const length = 40 + body.length;
  return Buffer.concat([encodeFields(fields, { length, opcode, ...header }), body]);
}

export function encodeNames(names: readonly string[]): Buffer {
  return Buffer.concat(names.flatMap((name) => [nameToBytes(name), Buffer.alloc(1)]));
}
