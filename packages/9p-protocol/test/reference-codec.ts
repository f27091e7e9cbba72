import type { AnyMessage, Dialect, Qid, Stat, Uint64 } from '../src/index.js';
import {
  attributeFields,
  type Field,
  type Kind,
  linuxMessages,
  messages,
  optional,
  replaced,
  statFields,
  statisticsFields,
} from './reference-tables.js';

/**
 * A codec as the manual's tables read, slow and without cleverness, to measure the real one against: every
 * message is a list of fields, every field a list of bytes. Shares nothing with src/codec.
 */
export function referenceEncode(message: AnyMessage, dialect: Dialect): Buffer {
  const body: number[] = [...number(message.type, 1), ...number(message.tag, 2)];
  const values = message as unknown as Record<string, unknown>;
  for (const [name, kind] of fieldsOf(message.type, dialect)) {
    for (const byte of kinds[kind].encode(values[name] as never, dialect)) body.push(byte);
  }
  return Buffer.from([...number(body.length + 4, 4), ...body]);
}

/** The message in a whole frame; throws an Error of no particular kind if it is none. */
export function referenceDecode(frame: Uint8Array, dialect: Dialect): AnyMessage {
  const cursor: Cursor = { bytes: frame, at: 0 };
  if (take(cursor, 4) !== BigInt(frame.length)) throw new Error('size');
  const type = Number(take(cursor, 1));
  const message: Record<string, unknown> = { type, tag: Number(take(cursor, 2)) };
  for (const [name, kind] of fieldsOf(type, dialect)) {
    const absent = cursor.at === frame.length && optionalField(type, name, dialect);
    message[name] = absent ? optional[name] : kinds[kind].decode(cursor, dialect);
  }
  if (cursor.at !== frame.length) throw new Error('bytes beyond the last field');
  return { ...absentFields(type, dialect), ...message } as unknown as AnyMessage;
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

interface FieldKind<T> {
  encode(value: T, dialect: Dialect): number[];
  decode(cursor: Cursor, dialect: Dialect): T;
}

/** Which values a kind takes is known only by the tables. */
interface AnyFieldKind {
  encode(value: never, dialect: Dialect): number[];
  decode(cursor: Cursor, dialect: Dialect): unknown;
}

const kinds: Record<Kind, AnyFieldKind> = {
  u8: fixed(1),
  u16: fixed(2),
  u32: fixed(4),
  u64: {
    encode: (value: Uint64) => number(value, 8),
    decode: (cursor): Uint64 => canonical(take(cursor, 8)),
  },
  nsec: {
    encode: (value: number) => number(value, 8),
    decode: (cursor) => Math.min(Number(take(cursor, 8)), 0xffffffff),
  },
  string: { encode: encodeText, decode: decodeText },
  names: list(encodeText, decodeText),
  qid: { encode: encodeQid, decode: decodeQid },
  qids: list(encodeQid, decodeQid),
  data: {
    encode: (value: Uint8Array) => [...number(value.length, 4), ...value],
    decode: (cursor) => Buffer.from(takeBytes(cursor, Number(take(cursor, 4)))),
  },
  stat: { encode: encodeSizedStat, decode: decodeSizedStat },
  attributes: record(attributeFields),
  statistics: record(statisticsFields),
};

function fieldsOf(type: number, dialect: Dialect): readonly Field[] {
  const fields = dialect === '9P2000.L' ? linuxFieldsOf(type) : messages[type];
  if (!fields) throw new Error(`type ${type}`);
  return fields.filter(([, , only]) => !only || only.includes(dialect));
}

function linuxFieldsOf(type: number): readonly Field[] | undefined {
  return replaced.includes(type) ? undefined : (linuxMessages[type] ?? messages[type]);
}

/** 9P2000.u clients may leave the number of the user out; the rest may be missing only in 9P2000.L. */
function optionalField(type: number, name: string, dialect: Dialect): boolean {
  if (name === 'nUname') return true;
  return dialect === '9P2000.L' && ((type === 107 && name === 'errno') || name === 'datasync');
}

/** What the codec says of fields that a dialect does not have. */
function absentFields(type: number, dialect: Dialect): Record<string, unknown> {
  if (dialect !== '9P2000') return {};
  if (type === 102 || type === 104) return { nUname: 0xffffffff };
  if (type === 107) return { errno: 0 };
  return type === 114 ? { extension: '' } : {};
}

function fixed(size: number): FieldKind<number> {
  return {
    encode: (value) => number(value, size),
    decode: (cursor) => Number(take(cursor, size)),
  };
}

function record(fields: readonly Field[]): AnyFieldKind {
  return {
    encode: (value: Record<string, never>, dialect) =>
      fields.flatMap(([name, kind]) => kinds[kind].encode(value[name] as never, dialect)),
    decode: (cursor, dialect) =>
      Object.fromEntries(fields.map(([name, kind]) => [name, kinds[kind].decode(cursor, dialect)])),
  };
}

function list<T>(encode: (value: T) => number[], decode: (cursor: Cursor) => T): FieldKind<T[]> {
  return {
    encode: (values) => [...number(values.length, 2), ...values.flatMap((value) => encode(value))],
    decode: (cursor) => {
      const count = Number(take(cursor, 2));
      if (count > 16) throw new Error('more than 16 elements');
      return Array.from({ length: count }, () => decode(cursor));
    },
  };
}

function encodeText(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...number(bytes.length, 2), ...bytes];
}

function decodeText(cursor: Cursor): string {
  const bytes = takeBytes(cursor, Number(take(cursor, 2)));
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function encodeQid(qid: Qid): number[] {
  return [...number(qid.type, 1), ...number(qid.version, 4), ...number(qid.path, 8)];
}

function decodeQid(cursor: Cursor): Qid {
  return {
    type: Number(take(cursor, 1)),
    version: Number(take(cursor, 4)),
    path: canonical(take(cursor, 8)),
  };
}

function encodeSizedStat(stat: Stat, dialect: Dialect): number[] {
  const values = stat as unknown as Record<string, unknown>;
  const body: number[] = [];
  for (const [name, kind, only] of statFields) {
    if (only && !only.includes(dialect)) continue;
    body.push(...kinds[kind].encode(values[name] as never, dialect));
  }
  return [...number(body.length + 2, 2), ...number(body.length, 2), ...body];
}

function decodeSizedStat(cursor: Cursor, dialect: Dialect): Stat {
  const outer = Number(take(cursor, 2));
  const inner = Number(take(cursor, 2));
  if (outer !== inner + 2) throw new Error('the two sizes of a stat differ');
  const start = cursor.at;
  const stat: Record<string, unknown> = {};
  for (const [name, kind, only] of statFields) {
    if (!only || only.includes(dialect)) stat[name] = kinds[kind].decode(cursor, dialect);
  }
  if (cursor.at - start !== inner) throw new Error('stat size');
  return stat as unknown as Stat;
}

function number(value: Uint64, size: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value), true);
  return [...new Uint8Array(view.buffer, 0, size)];
}

function take(cursor: Cursor, size: number): bigint {
  let value = 0n;
  for (const byte of takeBytes(cursor, size).reverse()) value = value * 256n + BigInt(byte);
  return value;
}

function takeBytes(cursor: Cursor, size: number): Uint8Array {
  if (cursor.at + size > cursor.bytes.length) throw new Error('beyond the end');
  cursor.at += size;
  // A copy: the slice of a Buffer would be a view.
  return Uint8Array.from(cursor.bytes.subarray(cursor.at - size, cursor.at));
}

function canonical(value: bigint): Uint64 {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
