import { readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readProcessMemory } from '../process-memory.js';
import { mountNamespaceOf } from './mount-namespace.js';

/** Variable by which a daemon knows the programs that it started, in this life and after a crash. */
export const INSTANCE_VARIABLE = 'XCPU_INSTANCE';

/** A process may fork while it is looked for: look again, but not for ever. */
const ROUNDS = 10;
/** Bytes of an environment: as much as execve(2) takes. */
const MAX_ENVIRONMENT = 2 * 1024 * 1024;
/** Processes looked at before other work gets its turn. */
const SLICE = 32;

/**
 * Finds what escaped its session's process group where there are no control groups, by its environment or its session's
 * mount namespace, and kills it. One pass over the processes serves all sessions that ended in the meantime.
 */
export class StrayHunter {
  readonly #instance: string;
  #sessions = new Set<string>();
  #namespaces = new Set<string>();
  #hunting: Promise<void> | undefined;

  constructor(instance: string) {
    this.#instance = instance;
  }

  /**
   * Kills what is left of a session; resolves when nothing is.
   * @param namespace the name of its own mount namespace, if it has one, which somebody holds for as long as this takes
   */
  hunt(sid: number, namespace?: string): Promise<void> {
    this.#sessions.add(String(sid));
    if (namespace !== undefined) this.#namespaces.add(namespace);
    this.#hunting ??= nextTurn().then(() => {
      const [sessions, namespaces] = [this.#sessions, this.#namespaces];
      this.#sessions = new Set();
      this.#namespaces = new Set();
      this.#hunting = undefined;
      return killMarked(this.#instance, (id) => sessions.has(id), namespaces);
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

async function killMarked(
  instance: string,
  wanted: (sid: string) => boolean,
  namespaces: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    let found = false;
    for (const [index, pid] of processIds().entries()) {
      if (index % SLICE === SLICE - 1) await nextTurn();
      if (!isWithin(pid, namespaces)) {
        const sid = await sessionOf(pid, instance);
        if (sid === undefined || !wanted(sid)) continue;
      }
      found = true;
      kill(pid);
    }
    if (!found) return;
  }
}

/** The dead are in no namespace. */
function isWithin(pid: number, namespaces: ReadonlySet<string>): boolean {
  if (namespaces.size === 0) return false;
  const namespace = mountNamespaceOf(pid);
  return namespace !== undefined && namespaces.has(namespace);
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
