import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import type { WaitStatus } from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';
import type { User } from '../users/users.js';
import type { Cgroups } from './cgroup.js';
import { GATE, launchCommand, type ProgramSpec } from './launcher.js';
import type { PipeMaker, ProgramPipes } from './pipes.js';
import { INSTANCE_VARIABLE, StrayHunter } from './strays.js';
import type { Tools } from './tools.js';

/** Starts programs, with what all of them share. */
export class Spawner {
  readonly tools: Tools;
  readonly pipes: PipeMaker;
  readonly cgroups: Cgroups | undefined;
  /** Names this daemon among others, and among its earlier lives. */
  readonly instance: string;
  /** Programs run as their user; undefined where the daemon is not root and all run as its own. */
  readonly changesUser: boolean;
  readonly strays: StrayHunter;
  readonly #nofile: string;

  constructor(options: {
    tools: Tools;
    pipes: PipeMaker;
    cgroups: Cgroups | undefined;
    instance: string;
    changesUser: boolean;
    nofile: string;
  }) {
    this.tools = options.tools;
    this.pipes = options.pipes;
    this.cgroups = options.cgroups;
    this.instance = options.instance;
    this.changesUser = options.changesUser;
    this.strays = new StrayHunter(options.instance);
    this.#nofile = options.nofile;
  }

  /**
   * Starts a program in a process group of its own. Waits only if no pipes are ready.
   * @throws NinePError if the system cannot start another process
   */
  start(sid: number, user: User, spec: ProgramSpec): Program | Promise<Program> {
    const owner = this.changesUser ? { uid: user.uid, gid: user.group.gid } : undefined;
    const pipes = this.pipes.open(owner);
    if (pipes instanceof Promise) return pipes.then((made) => this.#spawn(sid, user, spec, made));
    return this.#spawn(sid, user, spec, pipes);
  }

  #spawn(sid: number, user: User, spec: ProgramSpec, pipes: ProgramPipes): Program {
    const group = this.cgroups?.make(String(sid)) ? String(sid) : undefined;
    const as = this.changesUser ? user : undefined;
    const marked = {
      ...spec,
      environment: [[INSTANCE_VARIABLE, this.instance] as const, ...spec.environment],
    };
    const gated = group !== undefined;
    const { file, args, ...options } = launchCommand(this.tools, marked, as, gated, this.#nofile);
    try {
      const stdio = [...pipes.child, ...(gated ? (['pipe'] as const) : [])];
      const child = spawn(file, args, { ...options, cwd: '/', detached: true, stdio });
      child.on('error', () => {});
      if (child.pid === undefined)
        throw nodeError('cannot start a process: the node is short of resources');
      return new Program(child, sid, this, pipes.ours, group);
    } catch (error) {
      for (const fd of pipes.ours) closeSync(fd);
      if (group) void this.cgroups?.remove(group);
      throw (error as NodeJS.ErrnoException).code === 'E2BIG'
        ? nodeError('arguments and environment too long')
        : error;
    } finally {
      for (const fd of pipes.child) closeSync(fd);
    }
  }
}

/** A session's program, and whatever it starts. */
export class Program {
  readonly pid: number;
  /** Our ends of its stdin, stdout and stderr. */
  readonly descriptors: readonly [number, number, number];
  /** How it ended, once it has. */
  readonly ended: Promise<WaitStatus>;
  status: WaitStatus | undefined;
  readonly #sid: number;
  readonly #spawner: Spawner;
  /** Its control group; none where it cannot have one. */
  #group: string | undefined;

  constructor(
    child: ChildProcess,
    sid: number,
    spawner: Spawner,
    descriptors: readonly [number, number, number],
    group: string | undefined,
  ) {
    this.pid = child.pid as number;
    this.descriptors = descriptors;
    this.#sid = sid;
    this.#spawner = spawner;
    this.#group = group;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.status = code === null ? { signal: signalNumber(signal) } : { exitCode: code };
        resolve(this.status);
      });
    });
    const gate = child.stdio[GATE];
    if (group && gate) void this.#enter(group, gate as Writable);
  }

  /** Lets the program begin once it is in its group: the move may take the kernel longer than the loop may wait. */
  async #enter(group: string, gate: Writable): Promise<void> {
    gate.on('error', () => {});
    if (!(await this.#spawner.cgroups?.enter(group, this.pid))) {
      // It is found by its environment then.
      this.#group = undefined;
      void this.#spawner.cgroups?.remove(group);
    }
    gate.end();
  }

  /** Sends a signal to the program's process group; does nothing once the program has ended. */
  signal(number: number): void {
    // Ended, its number may be another's by now.
    if (this.status) return;
    try {
      process.kill(-this.pid, number);
    } catch {
      // Ended, but not told yet.
    }
  }

  /** Kills the program and everything that it started, in its process group or not. */
  async kill(): Promise<void> {
    const { cgroups, strays } = this.#spawner;
    this.signal(constants.signals.SIGKILL);
    const group = this.#group;
    if (!group) await strays.hunt(this.#sid);
    // A program that ended and left nothing behind, the usual case, has an empty group: there is nothing to kill.
    else if (!this.status || !cgroups?.removeEmpty(group)) cgroups?.kill(group);
  }

  /** Lets go of what the program took of the node, once everything that it started is gone. */
  async dispose(): Promise<void> {
    if (this.#group) await this.#spawner.cgroups?.remove(this.#group);
  }
}

function signalNumber(name: NodeJS.Signals | null): number {
  return name ? constants.signals[name] : constants.signals.SIGKILL;
}
