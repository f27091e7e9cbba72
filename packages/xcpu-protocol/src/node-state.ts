import { type Address, formatAddress, parseAddress } from './address.js';
import { parseDecimal } from './decimal.js';
import { show, XcpuFormatError } from './errors.js';
import { parseLines } from './lines.js';

/** What statfs knows of a node: one line of its `state` file. */
export interface NodeStatus {
  readonly name: string;
  /** The address as statfs was given it; text for `parseAddress`. */
  readonly addr: string;
  /** `/Linux/x86_64`, or why it is not known. */
  readonly arch: string;
  /** `up`, `down(reason)`, or what a scheduler wrote. */
  readonly state: string;
  /** Number of sessions on the node. */
  readonly numjobs: number;
}

/** Longest `state` text of a node, in bytes. */
export const MAX_STATE_BYTES = 63;

/** What statfs shows for a node whose own `state` is empty; clients run on nodes that are exactly this. */
export const STATE_UP = 'up';

/**
 * The `state` file of statfs: `name\taddr\tarch\tstate\tnumjobs` per line.
 *
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseNodeStatuses(text: string): NodeStatus[] {
  return parseLines(text, 'node state line', (line) => {
    if (line === '') {
      return undefined;
    }
    const [name = '', addr = '', arch = '', state = '', jobs = '', ...rest] = line.split('\t');
    const numjobs = parseDecimal(jobs, Number.MAX_SAFE_INTEGER);
    if (name === '' || numjobs === undefined || rest.length > 0) {
      throw new XcpuFormatError(`expected five fields parted by tabs, found ${show(line)}`);
    }
    return { name, addr, arch, state, numjobs };
  });
}

/**
 * The text of statfs's `state` file; `parseNodeStatuses` gives the nodes back.
 *
 * @throws XcpuFormatError for a field with a tab or newline, and for a node without a name
 */
export function formatNodeStatuses(nodes: Iterable<NodeStatus>): string {
  let text = '';
  for (const { name, addr, arch, state, numjobs } of nodes) {
    const fields = [name, addr, arch, state, String(numjobs)];
    if (name === '' || !/^\d+$/.test(fields[4]!) || fields.some((f) => /[\t\n]/.test(f))) {
      throw new XcpuFormatError(`invalid node state of ${show(name)}: ${show(fields.join(' '))}`);
    }
    text += `${fields.join('\t')}\n`;
  }
  return text;
}

/**
 * A node's own `state` text, checked: at most 63 bytes of UTF-8, no tab, newline or other control
 * character. One newline at the end, as `echo` writes it, is taken off.
 *
 * @throws XcpuFormatError saying which rule it breaks
 */
export function parseNodeState(text: string): string {
  const state = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (Buffer.byteLength(state) > MAX_STATE_BYTES) {
    throw new XcpuFormatError(`invalid state: longer than ${MAX_STATE_BYTES} bytes`);
  }
  if (/[\x00-\x1f\x7f]/.test(state)) {
    throw new XcpuFormatError('invalid state: holds a tab, a newline or a control character');
  }
  return state;
}

/** A node that statfs watches: one line of its configuration file. */
export interface StatfsNode {
  readonly name: string;
  readonly address: Address;
  /** The address as it was written, which is what statfs shows. */
  readonly addr: string;
}

/**
 * A statfs configuration file: `name=[tcp!]host[!port]` per line, blanks around either part allowed,
 * `#` starts a comment.
 *
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseStatfsConfig(text: string): StatfsNode[] {
  const names = new Set<string>();
  return parseLines(text, 'line', (line) => {
    const content = line.replace(/#.*$/, '').trim();
    if (content === '') {
      return undefined;
    }
    const node = parseStatfsNode(content);
    if (names.has(node.name)) {
      throw new XcpuFormatError(`node ${show(node.name)} is named twice`);
    }
    names.add(node.name);
    return node;
  });
}

/**
 * The text of a statfs configuration file; `parseStatfsConfig` gives the nodes back.
 *
 * @throws XcpuFormatError for a node name that the file cannot hold
 */
export function formatStatfsConfig(
  nodes: Iterable<{ readonly name: string; readonly address: Address; readonly addr?: string }>,
): string {
  let text = '';
  for (const { name, address, addr } of nodes) {
    const line = `${name}=${addr ?? formatAddress(address)}`;
    if (parseStatfsNode(line).name !== name) {
      throw new XcpuFormatError(`invalid node name ${show(name)}`);
    }
    text += `${line}\n`;
  }
  return text;
}

function parseStatfsNode(content: string): StatfsNode {
  const equals = content.indexOf('=');
  if (equals === -1) {
    throw new XcpuFormatError(`expected name=[tcp!]host[!port], found ${show(content)}`);
  }
  const name = content.slice(0, equals).trimEnd();
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(name)) {
    throw new XcpuFormatError(
      `invalid node name ${show(name)}: use letters, digits, '.', '-' and '_'`,
    );
  }
  const addr = content.slice(equals + 1).trimStart();
  return { name, address: parseAddress(addr), addr };
}
