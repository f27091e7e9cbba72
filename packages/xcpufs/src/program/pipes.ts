import { closeSync, constants, fchownSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { nodeError } from '../errors.js';
import { GATE } from './launcher.js';
import { makePipes } from './pipe-shell.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Sets made ahead, so that a program's start does not wait for a shell. */
const AHEAD = 6;
/** How long after a program took from the last of them the next are made, in milliseconds. */
const LATER_MS = 250;
/** A program's pipes: for stdin, stdout and stderr, and its gate. */
const SET = 4;
/** Where fewer pipes are left, more are made. */
const FEW = (AHEAD / 2) * SET;

/** The two ends of each of a program's descriptors. */
export interface ProgramPipes {
  /** For the program, in the order stdin, stdout, stderr. */
  readonly child: readonly [number, number, number];
  /** For us: the write end of its stdin, the read ends of the others. */
  readonly ours: readonly [number, number, number];
  /** What the program waits at until our end, the write end, is closed. */
  readonly gate: { readonly child: number; readonly ours: number };
}

/** Our ends of a program's stdin, stdout and stderr: descriptors, or sockets that lead to them. */
export type OwnEnds = readonly [OwnEnd, OwnEnd, OwnEnd];
export type OwnEnd = number | Socket;

/** Whose a program's pipes are; undefined for the daemon's own user. */
export type Owner = { readonly uid: number; readonly gid: number } | undefined;

/** Lets go of an end that nobody uses. */
export function closeEnd(end: OwnEnd): void {
  if (typeof end === 'number') closeSync(end);
  else end.destroy();
}

/** An end as the event loop reads or writes it. */
export function streamOf(end: OwnEnd, way: 'readable' | 'writable'): Socket {
  if (typeof end !== 'number') return end;
  return new Socket({ fd: end, readable: way === 'readable', writable: way === 'writable' });
}

/**
 * Makes the pipes of programs, owned by the program's user. Node has no pipe(2): its own are socket pairs, which
 * cannot be opened by name, so that `echo x >/dev/stderr` would fail; a FIFO can, but `cat /dev/stdin` would wait for
 * ever once the writer has closed it. So a shell makes them, and we open them in its /proc/pid/fd.
 */
export class PipeMaker {
  readonly #sh: string;
  /** Descriptors of pipes that are open for both reading and writing. */
  #ready: number[] = [];
  #making: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(sh: string) {
    this.#sh = sh;
  }

  /** Makes a set for a program of this user (the daemon's own where undefined); waits only if none is ready. */
  open(owner: Owner): ProgramPipes | Promise<ProgramPipes> {
    const pipes = this.#take();
    if (pipes) return splitEnds(pipes, owner);
    return this.prepare().then(() => this.open(owner));
  }

  /** Makes two pipes of the daemon's own, each a descriptor that is open for reading and writing. */
  async openBoth(): Promise<[number, number]> {
    for (;;) {
      const pipes = this.#take();
      if (!pipes) {
        await this.prepare();
        continue;
      }
      const [first, second, ...rest] = pipes as [number, number, ...number[]];
      for (const fd of rest) closeSync(fd);
      return [first, second];
    }
  }

  /** Makes sets ahead. @throws NinePError if the system cannot make them */
  prepare(): Promise<void> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  #take(): number[] | undefined {
    if (this.#ready.length < SET) return undefined;
    const pipes = this.#ready.splice(0, SET);
    if (this.#ready.length < FEW) this.#prepareLater();
    return pipes;
  }

  /** A program that starts now is not to share the processor with a shell and its pipes. */
  #prepareLater(): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      // A program that found none has had them made since.
      if (this.#ready.length < FEW) this.prepare().catch(() => {});
    }, LATER_MS).unref();
  }

  async #make(): Promise<void> {
    try {
      this.#ready.push(...(await makePipes(this.#sh, AHEAD * SET)));
    } catch {
      throw nodeError('cannot make pipes: the node is short of resources');
    }
  }
}

const STDIN = 0;

/** Opens each pipe once for the program, in blocking mode, and once for us. */
function splitEnds(pipes: readonly number[], owner: Owner): ProgramPipes {
  const child: number[] = [];
  const ours: number[] = [];
  try {
    for (const [index, fd] of pipes.entries()) {
      if (owner && index !== GATE) fchownSync(fd, owner.uid, owner.gid);
      const path = `/proc/self/fd/${fd}`;
      const reads = index === STDIN || index === GATE;
      child.push(openSync(path, reads ? O_RDONLY : O_WRONLY));
      ours.push(openSync(path, (reads ? O_WRONLY : O_RDONLY) | O_NONBLOCK));
    }
    const gate = { child: child[GATE] as number, ours: ours[GATE] as number };
    return { child: child.slice(0, GATE) as never, ours: ours.slice(0, GATE) as never, gate };
  } catch (error) {
    for (const fd of [...child, ...ours]) closeSync(fd);
    throw error;
  } finally {
    for (const fd of pipes) closeSync(fd);
  }
}
