import { MessageType } from './constants.js';
import type { AnyMessage } from './messages.js';
import type { Qid, Stat } from './types.js';

const names = new Map<number, string>(
  Object.entries(MessageType).map(([name, number]) => [number, name]),
);
/** Bytes of a payload that are shown. */
const SHOWN = 48;
/** Fields of 9P2000.L that are not shown as decimal numbers; `type` is a file system's. */
const octal = new Set(['mode']);
const hexadecimal = new Set(['flags', 'valid', 'requestMask', 'type']);

/** A message in one line for people: `Twalk tag 3 fid 0 newfid 5 names clone`. Control characters are escaped. */
export function formatMessage(message: AnyMessage): string {
  const words = [names.get(message.type) ?? String(message.type), `tag ${message.tag}`];
  const format = message.type < MessageType.Tversion ? formatLinux : formatPlain;
  for (const [field, value] of Object.entries(withData(message))) {
    if (field !== 'type' && field !== 'tag') words.push(format(field, value));
  }
  return words.join(' ');
}

/** A payload that came in parts is shown as one. */
function withData(message: AnyMessage): AnyMessage {
  if (!('parts' in message) || !message.parts) return message;
  const { parts, ...fields } = message;
  return { ...fields, data: Buffer.concat(parts) };
}

function formatPlain(field: string, value: unknown): string {
  return `${field} ${formatField(value)}`;
}

/** A field of 9P2000.L: bits are shown in the base in which Linux's manual pages have them. */
function formatLinux(field: string, value: unknown): string {
  if (typeof value !== 'number' && typeof value !== 'bigint') return formatPlain(field, value);
  if (octal.has(field)) return `${field} 0${value.toString(8)}`;
  return hexadecimal.has(field) ? `${field} 0x${value.toString(16)}` : `${field} ${value}`;
}

function formatField(value: unknown): string {
  if (value instanceof Uint8Array) return formatData(value);
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(formatField).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    if ('path' in value) return formatQid(value as Qid);
    return 'name' in value ? formatStat(value as Stat) : formatRecord(value);
  }
  return String(value);
}

function formatData(data: Uint8Array): string {
  const text = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, SHOWN));
  return `${data.length} bytes ${quote(text.toString('latin1'))}${data.length > SHOWN ? '…' : ''}`;
}

function formatQid(qid: Qid): string {
  return `(${qid.path.toString(16)} ${qid.version} ${qid.type.toString(16)})`;
}

function formatStat(stat: Stat): string {
  return `${quote(stat.name)} ${formatQid(stat.qid)} mode ${stat.mode.toString(8)} length ${stat.length} ${quote(stat.uid)} ${quote(stat.gid)}`;
}

/** Attributes or statistics. */
function formatRecord(record: object): string {
  const fields = Object.entries(record).map(([field, value]) => formatLinux(field, value));
  return `{${fields.join(' ')}}`;
}

/** In quotes; no byte that a terminal obeys is left, those above ASCII included. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029]|\p{Cf}/gu,
    (letter) => `\\u${letter.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  );
}
