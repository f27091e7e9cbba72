import { readFileSync } from 'node:fs';

/** What of /proc/pid/stat is looked at: proc(5). */
export interface ProcessStat {
  readonly parent: number;
  /** The kernel's session, by its leader's number. */
  readonly session: number;
  /** When the process began, in clock ticks since boot: with its number that tells it from every other one. */
  readonly started: string | undefined;
}

/** @param text of /proc/pid/stat */
export function parseStat(text: string): ProcessStat {
  // The name before may hold blanks and parentheses; the last parenthesis ends it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), session: Number(fields[3]), started: fields[19] };
}

/** When a process began, as `ProcessStat` has it; undefined if there is none of that number. */
export function processStart(pid: number): string | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1')).started;
  } catch {
    return undefined;
  }
}
