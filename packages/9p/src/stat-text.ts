import { QidType } from '@xcpu/9p-protocol';
import type { FileStat } from '@xcpu/9p-protocol/client';
import { modeText } from './long-format.js';

/** Everything that the server tells of a file, one field a line; `name` and `target` as they are to be printed. */
export function formatStat(name: string, stat: FileStat, target: string | undefined): string {
  const { kind, mode, size, user, uid, group, gid, nlink, blocks, rdev } = stat;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['path', name],
    ['kind', kind],
    ['target', target],
    ['mode', `${mode.toString(8).padStart(4, '0')} ${modeText(stat)}`],
    ['owner', ownerText(user, uid)],
    ['group', ownerText(group, gid)],
    ['size', String(size)],
    ['links', text(nlink)],
    ['blocks', blocks === undefined ? undefined : `${blocks} of 512 bytes`],
    ['device', kind.endsWith('-device') ? text(rdev) : undefined],
    ['accessed', timeText(stat.atimeNs)],
    ['modified', timeText(stat.mtimeNs)],
    ['changed', stat.ctimeNs === undefined ? undefined : timeText(stat.ctimeNs)],
    ['created', stat.btimeNs === undefined ? undefined : timeText(stat.btimeNs)],
    ['qid', qidText(stat.qid)],
  ];
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field.padStart(8)}: ${value}\n`)
    .join('');
}

function text(value: number | bigint | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function ownerText(name: string | undefined, number: number | undefined): string | undefined {
  if (name) return number === undefined ? name : `${name} (${number})`;
  return text(number);
}

const SECOND = 1_000_000_000n;

/** In UTC; to the nanosecond where there are any. */
function timeText(ns: bigint): string {
  const rest = ((ns % SECOND) + SECOND) % SECOND;
  const seconds = (ns - rest) / SECOND;
  const time = new Date(Number(seconds) * 1000);
  // Beyond the year 275760 there are no dates.
  if (Number.isNaN(time.getTime())) return `${seconds} s since 1970`;
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0')}`;
  return time.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}

const QID_TYPES: readonly (readonly [bit: number, name: string])[] = [
  [QidType.DIR, 'directory'],
  [QidType.APPEND, 'append only'],
  [QidType.EXCLUSIVE, 'exclusive use'],
  [QidType.AUTH, 'authentication'],
  [QidType.TEMPORARY, 'temporary'],
  [QidType.SYMLINK, 'symbolic link'],
];

/** Numbers in hexadecimal, as Plan 9 shows them. */
function qidText({ path, version, type }: FileStat['qid']): string {
  const names = QID_TYPES.filter(([bit]) => (type & bit) !== 0).map(([, name]) => name);
  const kinds = names.length > 0 ? ` (${names.join(', ')})` : '';
  return `${path.toString(16)} version ${version} type ${type.toString(16)}${kinds}`;
}
