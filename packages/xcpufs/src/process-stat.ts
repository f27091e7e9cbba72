import { readFileSync } from 'node:fs';

/**
 * When a process began, in clock ticks since boot: with its number that tells it from every other one. Undefined if
 * there is none of that number. The 22nd field of /proc/pid/stat: proc(5).
 */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
