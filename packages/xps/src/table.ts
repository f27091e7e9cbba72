import type { ProcessEntry } from '@xcpu/libxcpu';
import { formatColumns } from '@xcpu/libxcpu/cli';

/** A process and the node that it runs on. */
export interface NodeProcess extends ProcessEntry {
  readonly node: string;
}

const HEADER = ['NODE', 'PID', 'TTY', 'STAT', 'TIME', 'JOBID', 'COMMAND'] as const;
/** Columns of numbers, set flush right. */
const RIGHT: ReadonlySet<string> = new Set(['PID', 'TIME']);

/** A table with a line of headings; no cell but the last is empty, so that it can be cut at blanks. */
export function formatTable(processes: readonly NodeProcess[]): string {
  return formatColumns(HEADER, processes.map(cells), RIGHT);
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
  ];
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
