import { parseDecimal } from './decimal.js';
import { show, XcpuFormatError } from './errors.js';
import { parseLines } from './lines.js';
import type { NodeLoad } from './node-load.js';
import type { NodeStatus } from './node-state.js';

/** All that statfs knows of a node. What it does not know is absent. */
export interface NodeDetails extends NodeStatus {
  readonly load: NodeLoad;
  /** When the node answered last, in seconds since 1970. */
  readonly lastSeen?: number | undefined;
}

/** What statfs shows where it does not know. */
const UNKNOWN = 'unknown';
const NEVER = 'never';

/**
 * One text for each thing that is known of a node, by the name of its file in `nodes/NAME/` and of its column in
 * `details`.
 */
export function nodeFields(node: NodeDetails): Readonly<Record<NodeField, string>> {
  const { load1, load5, load15, memtotal, memavailable, uptime } = node.load;
  return {
    state: node.state,
    arch: node.arch,
    jobs: String(node.numjobs),
    load: numbers(load1, load5, load15),
    memory: numbers(memavailable, memtotal),
    uptime: numbers(uptime),
    lastseen: node.lastSeen === undefined ? NEVER : String(node.lastSeen),
  };
}

/** What is known of a node, in the order of the columns. */
export const NODE_FIELDS = [
  'state',
  'arch',
  'jobs',
  'load',
  'memory',
  'uptime',
  'lastseen',
] as const;
export type NodeField = (typeof NODE_FIELDS)[number];

/**
 * The file `details` of statfs: the names of the columns, then a line per node, all parted by tabs.
 *
 * @throws XcpuFormatError for a field with a tab or newline
 */
export function formatNodeDetails(nodes: Iterable<NodeDetails>): string {
  const lines = [['name', 'addr', ...NODE_FIELDS].join('\t')];
  for (const node of nodes) {
    const fields = nodeFields(node);
    const cells = [node.name, node.addr, ...NODE_FIELDS.map((field) => fields[field])];
    if (cells.some((cell) => /[\t\n]/.test(cell))) {
      throw new XcpuFormatError(`invalid node details of ${show(node.name)}`);
    }
    lines.push(cells.join('\t'));
  }
  return `${lines.join('\n')}\n`;
}

/**
 * The nodes of a file `details`. Columns that nobody here knows are skipped, whatever their place.
 *
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseNodeDetails(text: string): NodeDetails[] {
  let columns: readonly string[] | undefined;
  return parseLines(text, 'node details line', (line) => {
    const cells = line.split('\t');
    if (line === '') return undefined;
    if (!columns) {
      columns = cells;
      return undefined;
    }
    const cell = (name: string) => cells[columns?.indexOf(name) ?? -1];
    const [name, addr, state, arch] = [cell('name'), cell('addr'), cell('state'), cell('arch')];
    const numjobs = parseDecimal(cell('jobs') ?? '', Number.MAX_SAFE_INTEGER);
    if (!name || addr === undefined || state === undefined || arch === undefined) {
      throw new XcpuFormatError(`expected name, addr, state and arch, found ${show(line)}`);
    }
    if (numjobs === undefined) {
      throw new XcpuFormatError(`expected a number of jobs, found ${show(line)}`);
    }
    const lastSeen = parseDecimal(cell('lastseen') ?? '', Number.MAX_SAFE_INTEGER);
    return { name, addr, arch, state, numjobs, load: loadOf(cell), lastSeen };
  });
}

function loadOf(cell: (name: string) => string | undefined): NodeDetails['load'] {
  const [load1, load5, load15] = values(cell('load'), 3);
  const [memavailable, memtotal] = values(cell('memory'), 2);
  const [uptime] = values(cell('uptime'), 1);
  const all = { load1, load5, load15, memavailable, memtotal, uptime };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** As many numbers, or none. */
function values(text = '', count: number): readonly (number | undefined)[] {
  const words = text.split(' ');
  const all = words.every((word) => /^\d{1,16}(\.\d{1,6})?$/.test(word));
  return all && words.length === count ? words.map(Number) : [];
}

function numbers(...all: readonly (number | undefined)[]): string {
  return all.includes(undefined) ? UNKNOWN : all.join(' ');
}
