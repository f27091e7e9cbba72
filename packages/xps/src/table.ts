import type { EndedSession, ProcessEntry } from '@xcpu/libxcpu';
import { formatColumns } from '@xcpu/libxcpu/cli';

/** A process and the node that it runs on. */
export interface NodeProcess extends ProcessEntry {
  readonly node: string;
}

/** A session whose program is over, and its node. */
export interface NodeSession extends EndedSession {
  readonly node: string;
  readonly pid: null;
  readonly ended: true;
}

/** A line of the table. */
export type Entry = NodeProcess | NodeSession;

const HEADER = ['NODE', 'PID', 'TTY', 'STAT', 'TIME', 'JOBID', 'COMMAND'] as const;
/** Columns of numbers, set flush right. */
const RIGHT: ReadonlySet<string> = new Set(['PID', 'TIME']);

/** A table with a line of headings; no cell but the last is empty, so that it can be cut at blanks. */
export function formatTable(entries: readonly Entry[]): string {
  return formatColumns(HEADER, entries.map(cells), RIGHT);
}

function cells(process: Entry): readonly string[] {
  if ('ended' in process) {
    return [process.node, '-', '??', '-', '-', process.xcpujid, '(ended)'];
  }
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
