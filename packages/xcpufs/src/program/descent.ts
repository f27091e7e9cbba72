import { readFile } from 'node:fs/promises';
import { type ProcessStat, parseStat } from '../process-stat.js';

/** Ancestors that are looked at: a user can make a line of any length. */
const MAX_STEPS = 1024;

/**
 * When a process began, if it belongs to a program, as `procs` has it: it is the program, in the kernel session that the
 * program leads, or below it. Undefined where it does not. The loop goes on meanwhile, as the way up may be long: what
 * `processStart` says then tells whether the number is still that of the process which was looked at.
 */
export async function startBelow(pid: number, leader: number): Promise<string | undefined> {
  let at = await ancestry(pid);
  const started = at?.started;
  if (at?.session === leader) return started;
  for (let step = 0; at && step < MAX_STEPS; step++) {
    if (at.pid === leader) return started;
    at = await ancestry(at.parent);
  }
  return undefined;
}

/** Undefined where the process is gone. */
async function ancestry(
  pid: number,
): Promise<(ProcessStat & { readonly pid: number }) | undefined> {
  try {
    return { pid, ...parseStat(await readFile(`/proc/${pid}/stat`, 'latin1')) };
  } catch {
    return undefined;
  }
}
