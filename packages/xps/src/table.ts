import { type ProcessEntry, printable } from '@xcpu/libxcpu';

/** A process and the node that it runs on. */
export interface NodeProcess extends ProcessEntry {
  readonly node: string;
}

const HEADER = ['NODE', 'PID', 'TTY', 'STAT', 'TIME', 'JOBID', 'COMMAND'] as const;
/** Columns of numbers, set flush right. */
const RIGHT: ReadonlySet<string> = new Set(['PID', 'TIME']);

/** A table with a line of headings; no cell but the last is empty, so that it can be cut at blanks. */
export function formatTable(processes: readonly NodeProcess[]): string {
  const rows = [HEADER, ...processes.map(cells)];
  const widths = HEADER.map((_, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]!.length), 0),
  );
  return rows
    .map((row) => `${row.map((cell, column) => pad(cell, column, widths)).join(' ')}\n`)
    .join('');
}

function cells(process: NodeProcess): readonly string[] {
  return [
    process.node,
    String(process.pid),
    process.tty || '??',
    stat(process),
    cpuTime(process),
    process.xcpujid || '-',
    process.cmdline.join(' '),
  ].map(printable);
}

/** The state, then `<` or `N` for a priority raised or lowered, `s` for a session leader, `+` in the foreground. */
function stat({ state, nice, pid, psid, pgrp, tpgid }: ProcessEntry): string {
  const niceness = nice < 0 ? '<' : nice > 0 ? 'N' : '';
  return `${state}${niceness}${pid === psid ? 's' : ''}${pgrp === tpgid ? '+' : ''}`;
}

/** Minutes and seconds of processor time. */
function cpuTime({ utime, stime }: ProcessEntry): string {
  const seconds = Math.floor((utime + stime) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const heading = HEADER[column]!;
  if (heading === 'COMMAND') return cell;
  return RIGHT.has(heading) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
}
