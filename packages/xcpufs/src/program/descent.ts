import { readFileSync } from 'node:fs';

/** Ancestors that are looked at: a user can make a line of any length, and nobody else is served meanwhile. */
const MAX_STEPS = 1024;

/**
 * Whether a process belongs to a program, as `procs` has it: it is the program, in the kernel session that the program
 * leads, or below it.
 */
export function belongsTo(pid: number, leader: number): boolean {
  let at = ancestry(pid);
  if (at?.session === leader) return true;
  for (let step = 0; at && step < MAX_STEPS; step++) {
    if (at.pid === leader) return true;
    at = ancestry(at.parent);
  }
  return false;
}

/** The process's parent and session: proc(5), `stat`. Undefined where it is gone. */
function ancestry(pid: number): { pid: number; parent: number; session: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before may hold blanks and parentheses; the last parenthesis ends it.
    const [, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(parent), session: Number(session) };
  } catch {
    return undefined;
  }
}
