import { Opcode } from './constants.js';
import type { FuseRequest } from './requests.js';

const NAMES = new Map<number, string>(Object.entries(Opcode).map(([name, code]) => [code, name]));
/** Fields that every request has, and those that are shown in another way. */
const HIDDEN = new Set(['opcode', 'code', 'unique', 'node', 'uid', 'gid', 'pid']);

/** A request on one line, for a log: `LOOKUP 12 node 1 pid 812 name "etc"`. */
export function formatRequest(request: FuseRequest): string {
  const code = request.opcode === 0 ? request.code : request.opcode;
  const { unique, node, pid } = request;
  let line = `${NAMES.get(code) ?? `request ${code}`} ${unique} node ${node} pid ${pid}`;
  for (const [field, value] of Object.entries(request)) {
    if (!HIDDEN.has(field) && value !== undefined) line += ` ${field} ${formatValue(value)}`;
  }
  return line;
}

function formatValue(value: unknown): string {
  if (Buffer.isBuffer(value)) return `${value.length} bytes`;
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'bigint' ? String(inner) : inner,
  ).replace(/[\x7f-\x9f\u2028\u2029]/g, '?');
}
