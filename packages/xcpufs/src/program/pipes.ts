import { execFile } from 'node:child_process';
import { chownSync, closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeError } from '../errors.js';

const run = promisify(execFile);
const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** Sets of three made ahead, so that a program's start does not wait for mkfifo(1). */
const AHEAD = 8;

/** The two ends of each of a program's descriptors. */
export interface ProgramPipes {
  /** For the program, in the order stdin, stdout, stderr. */
  readonly child: readonly [number, number, number];
  /** For us: the write end of its stdin, the read ends of the others. */
  readonly ours: readonly [number, number, number];
}

/**
 * Makes the pipes of programs. Node's own are socket pairs, which cannot be opened by name: `echo x
 * >/dev/stderr` would fail. So these are FIFOs, owned by the program's user, whose names are gone before it starts.
 */
export class PipeMaker {
  readonly #directory: string;
  readonly #mkfifo: string;
  #ready: string[] = [];
  #making: Promise<void> | undefined;
  #number = 0;

  /** @param directory private to the daemon */
  constructor(directory: string, mkfifo: string) {
    this.#directory = directory;
    this.#mkfifo = mkfifo;
  }

  /** Makes a set for a program of this user (the daemon's own where undefined); waits only if none is ready. */
  open(owner: { uid: number; gid: number } | undefined): ProgramPipes | Promise<ProgramPipes> {
    const names = this.#take();
    if (names) return openPipes(names, owner);
    return this.prepare().then(() => this.open(owner));
  }

  /** Makes sets ahead. */
  prepare(): Promise<void> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  #take(): string[] | undefined {
    if (this.#ready.length < 3) return undefined;
    const names = this.#ready.splice(0, 3);
    if (this.#ready.length < (AHEAD / 2) * 3) void this.prepare().catch(() => {});
    return names;
  }

  async #make(): Promise<void> {
    const names: string[] = [];
    for (let count = 0; count < AHEAD * 3; count++) {
      names.push(join(this.#directory, `p${this.#number++}`));
    }
    try {
      await run(this.#mkfifo, ['-m', '600', ...names]);
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      throw nodeError(`cannot make pipes: ${stderr.split('\n')[0] || 'mkfifo failed'}`);
    }
    this.#ready.push(...names);
  }
}

function openPipes(
  names: readonly string[],
  owner: { uid: number; gid: number } | undefined,
): ProgramPipes {
  const child: number[] = [];
  const ours: number[] = [];
  try {
    for (const [index, name] of names.entries()) {
      if (owner) chownSync(name, owner.uid, owner.gid);
      // Holding both ends for a moment lets the others be opened, in blocking mode for the program, without waiting.
      const both = openSync(name, O_RDWR | O_NONBLOCK);
      try {
        const reads = index === 0;
        child.push(openSync(name, reads ? O_RDONLY : O_WRONLY));
        ours.push(openSync(name, (reads ? O_WRONLY : O_RDONLY) | O_NONBLOCK));
      } finally {
        closeSync(both);
        unlinkSync(name);
      }
    }
    return { child: child as never, ours: ours as never };
  } catch (error) {
    for (const fd of [...child, ...ours]) closeSync(fd);
    throw error;
  }
}
