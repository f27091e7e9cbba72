import { readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readProcessMemory } from '../process-memory.js';

/** Variable by which a daemon knows the programs that it started, in this life and after a crash. */
export const INSTANCE_VARIABLE = 'XCPU_INSTANCE';

/** A process may fork while it is looked for: look again, but not for ever. */
const ROUNDS = 10;
/** Bytes of an environment: as much as execve(2) takes. */
const MAX_ENVIRONMENT = 2 * 1024 * 1024;
/** Processes looked at before other work gets its turn. */
const SLICE = 32;

/**
 * Finds what escaped its session's process group where there are no control groups, by its environment, and
 * kills it. One pass over the processes serves all sessions that ended in the meantime.
 */
export class StrayHunter {
  readonly #instance: string;
  #sessions = new Set<string>();
  #hunting: Promise<void> | undefined;

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Kills what is left of a session; resolves when nothing is. */
  hunt(sid: number): Promise<void> {
    this.#sessions.add(String(sid));
    this.#hunting ??= nextTurn().then(() => {
      const sessions = this.#sessions;
      this.#sessions = new Set();
      this.#hunting = undefined;
      return killMarked(this.#instance, (id) => sessions.has(id));
    });
    return this.#hunting;
  }

  /** Kills everything that a daemon of this name started. */
  static async killAll(instance: string): Promise<void> {
    await killMarked(instance, () => true);
  }
}

/** Ids of all processes that /proc shows. */
export function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

async function killMarked(instance: string, wanted: (sid: string) => boolean): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    let found = false;
    for (const [index, pid] of processIds().entries()) {
      if (index % SLICE === SLICE - 1) await nextTurn();
      const sid = await sessionOf(pid, instance);
      if (sid === undefined || !wanted(sid)) continue;
      found = true;
      kill(pid);
    }
    if (!found) return;
  }
}

/** The session that a process belongs to, undefined if it is none of this daemon's. The dead have no environment. */
async function sessionOf(pid: number, instance: string): Promise<string | undefined> {
  try {
    const environ = await readProcessMemory(pid, 'environ', MAX_ENVIRONMENT);
    const variables = environ?.toString('utf8').split('\0') ?? [];
    if (!variables.includes(`${INSTANCE_VARIABLE}=${instance}`)) return undefined;
    return variables.find((variable) => variable.startsWith('XCPUSID='))?.slice(8);
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
