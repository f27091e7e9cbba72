import { formatColumns } from '@xcpu/libxcpu/cli';
import type { NodeDetails } from '@xcpu/xcpu-protocol';

/** What every statfs tells. */
const COLUMNS = ['NODE', 'ADDRESS', 'ARCH', 'STATE', 'JOBS'] as const;
/** What ours tells, too. */
const LOAD_COLUMNS = ['LOAD', 'MEMORY', 'UPTIME'] as const;
const RIGHT: ReadonlySet<string> = new Set(['JOBS', ...LOAD_COLUMNS]);

/** A line for each node; no cell is empty. */
export function formatTable(nodes: readonly NodeDetails[]): string {
  const withLoad = nodes.some(({ load }) => Object.keys(load).length > 0);
  const headings = withLoad ? [...COLUMNS, ...LOAD_COLUMNS] : COLUMNS;
  const rows = nodes.map((node) => {
    const { name, addr, arch, state, numjobs } = node;
    const cells = [name, addr, arch.startsWith('/') ? arch : '-', state, String(numjobs)];
    return withLoad ? [...cells, ...loadCells(node)] : cells;
  });
  return formatColumns(headings, rows, RIGHT);
}

function loadCells({ load }: NodeDetails): string[] {
  const { load1, memtotal, memavailable, uptime } = load;
  const memory =
    memtotal === undefined || memavailable === undefined
      ? '-'
      : `${gigabytes(memtotal - memavailable)}/${gigabytes(memtotal)}G`;
  return [load1?.toFixed(2) ?? '-', memory, uptime === undefined ? '-' : duration(uptime)];
}

/** Of 2^30 bytes. */
function gigabytes(bytes: number): string {
  return (Math.max(0, bytes) / 2 ** 30).toFixed(1);
}

/** The two largest units: `12d3h`, `3h12m`, `12m`. */
function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)}d${hours % 24}h`;
  return hours > 0 ? `${hours}h${minutes % 60}m` : `${minutes}m`;
}
