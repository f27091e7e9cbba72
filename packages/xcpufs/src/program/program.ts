import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import type { WaitStatus } from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';
import { leadBuilder } from '../namespace/control.js';
import type { Namespace, NamespaceRequest, Namespaces } from '../namespace/namespaces.js';
import { CONTROL } from '../namespace/scripts.js';
import { processStart } from '../process-stat.js';
import type { HostNames } from '../users/host-names.js';
import type { User } from '../users/users.js';
import type { Cgroups } from './cgroup.js';
import { startBelow } from './descent.js';
import { buildCommand, type Command, launchCommand, type ProgramSpec } from './launcher.js';
import { MountNamespace } from './mount-namespace.js';
import {
  closeEnd,
  type OwnEnd,
  type OwnEnds,
  type Owner,
  type PipeMaker,
  type ProgramPipes,
} from './pipes.js';
import { INSTANCE_VARIABLE, StrayHunter } from './strays.js';
import { relayStreams } from './stream-relays.js';
import type { Tools } from './tools.js';

/** The namespace that a program wants, and how its user's files are reached. */
export type WantedNamespace = Pick<NamespaceRequest, 'plan' | 'connect'>;

/** Starts programs, with what all of them share. */
export class Spawner {
  readonly tools: Tools;
  readonly namespaces: Namespaces;
  readonly pipes: PipeMaker;
  readonly cgroups: Cgroups | undefined;
  /** The names of users and groups that programs find; the host's own where undefined. */
  readonly names: HostNames | undefined;
  /** Names this daemon among others, and among its earlier lives. */
  readonly instance: string;
  /** Programs run as their user; undefined where the daemon is not root and all run as its own. */
  readonly changesUser: boolean;
  readonly strays: StrayHunter;
  readonly #nofile: string;

  constructor(options: {
    tools: Tools;
    namespaces: Namespaces;
    pipes: PipeMaker;
    cgroups: Cgroups | undefined;
    names: HostNames | undefined;
    instance: string;
    changesUser: boolean;
    nofile: string;
  }) {
    this.tools = options.tools;
    this.namespaces = options.namespaces;
    this.pipes = options.pipes;
    this.cgroups = options.cgroups;
    this.names = options.names;
    this.instance = options.instance;
    this.changesUser = options.changesUser;
    this.strays = new StrayHunter(options.instance);
    this.#nofile = options.nofile;
  }

  /**
   * Starts a program in a process group of its own. Waits only if no pipes are ready, or for a namespace.
   * @throws NinePError if the system cannot start another process; MountError if it cannot have its namespace
   */
  start(
    sid: number,
    user: User,
    spec: ProgramSpec,
    wanted: WantedNamespace | undefined,
  ): Program | Promise<Program> {
    this.names?.refresh();
    const marked = {
      ...spec,
      environment: [[INSTANCE_VARIABLE, this.instance] as const, ...spec.environment],
    };
    if (wanted) return this.#startIn(wanted, sid, user, marked);
    const owner = this.#ownerOf(user);
    const pipes = this.pipes.open(owner);
    const spawn = (made: ProgramPipes) => {
      const group = this.cgroups?.take();
      const as = this.changesUser ? user : undefined;
      const gated = group !== undefined;
      const command = launchCommand(this.tools, marked, as, gated, this.#nofile);
      return this.#spawn(command, sid, made, group, gated ? [made.gate.child] : []);
    };
    return pipes instanceof Promise ? pipes.then(spawn) : spawn(pipes);
  }

  async #startIn(
    { plan, connect }: WantedNamespace,
    sid: number,
    user: User,
    spec: ProgramSpec,
  ): Promise<Program> {
    const namespace = await this.namespaces.begin(sid, {
      user,
      program: spec.program,
      plan,
      connect,
    });
    const toAgent: number[] = [];
    try {
      toAgent.push(...(await this.pipes.openBoth()));
      const owner = this.#ownerOf(user);
      const pipes = await this.pipes.open(owner);
      const { builder } = namespace;
      const command = buildCommand(this.tools, spec, user, builder, this.#nofile);
      const group = this.cgroups?.take();
      return this.#spawn(command, sid, pipes, group, ['pipe', ...toAgent], { namespace, owner });
    } catch (error) {
      await namespace.remove();
      throw error;
    } finally {
      for (const fd of toAgent) closeSync(fd);
    }
  }

  /**
   * @param more descriptors from 3 on
   * @param within where a program has a namespace of its own, and files whose answers go through us
   */
  #spawn(
    { file, args, ...options }: Command,
    sid: number,
    pipes: ProgramPipes,
    group: string | undefined,
    more: readonly ('pipe' | number)[],
    within?: { readonly namespace: Namespace; readonly owner: Owner },
  ): Program {
    let ends: readonly OwnEnd[] = pipes.ours;
    try {
      if (within) {
        ends = [];
        ends = relayStreams(within.namespace.builder.tools.dd, pipes, within.owner);
      }
      const stdio = [...pipes.child, ...more];
      const child = spawn(file, args, { ...options, cwd: '/', detached: true, stdio });
      child.on('error', () => {});
      if (child.pid === undefined)
        throw nodeError('cannot start a process: the node is short of resources');
      const made = { ends: ends as OwnEnds, gate: pipes.gate.ours };
      return new Program(child, sid, this, made, group, within?.namespace);
    } catch (error) {
      for (const end of ends) closeEnd(end);
      closeSync(pipes.gate.ours);
      if (group) void this.cgroups?.release(group);
      throw (error as NodeJS.ErrnoException).code === 'E2BIG'
        ? nodeError('arguments and environment too long')
        : error;
    } finally {
      for (const fd of [...pipes.child, pipes.gate.child]) closeSync(fd);
    }
  }

  #ownerOf({ uid, group }: User): Owner {
    return this.changesUser ? { uid, gid: group.gid } : undefined;
  }
}

/** A session's program, and whatever it starts. */
export class Program {
  readonly pid: number;
  /** Our ends of its stdin, stdout and stderr. */
  readonly ends: OwnEnds;
  /** How it ended, once it has. */
  readonly ended: Promise<WaitStatus>;
  status: WaitStatus | undefined;
  readonly #sid: number;
  readonly #spawner: Spawner;
  /** Its control group; none where it cannot have one. */
  #group: string | undefined;
  /** Resolves when it is in its group, or cannot be. */
  readonly #admitted: Promise<void>;
  /** Undefined where it runs in the node's own. */
  readonly #namespace: Namespace | undefined;
  /** The same as the kernel knows it, where its processes are to be found by that: it has no control group. */
  #mounts: MountNamespace | undefined;

  constructor(
    child: ChildProcess,
    sid: number,
    spawner: Spawner,
    { ends, gate }: { readonly ends: OwnEnds; readonly gate: number },
    group: string | undefined,
    namespace: Namespace | undefined,
  ) {
    this.pid = child.pid as number;
    this.#namespace = namespace;
    this.ends = ends;
    this.#sid = sid;
    this.#spawner = spawner;
    this.#group = group;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.status = code === null ? { signal: signalNumber(signal) } : { exitCode: code };
        resolve(this.status);
      });
    });
    this.#admitted = group ? this.#enter(group) : Promise.resolve();
    void this.#admitted.then(() => closeSync(gate));
    if (!namespace) return;
    const control = child.stdio[CONTROL] as Duplex;
    void leadBuilder(control, this.#admitted, () => {
      if (!this.#group && !this.status) this.#mounts = MountNamespace.hold(this.pid);
      return namespace.mountAll(this.pid);
    });
  }

  /** The program begins once it is in its group: the move may take the kernel longer than the loop may wait. */
  async #enter(group: string): Promise<void> {
    if (await this.#spawner.cgroups?.enter(group, this.pid)) return;
    // It is found by its environment then.
    this.#group = undefined;
    void this.#spawner.cgroups?.release(group);
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

  /**
   * Sends a signal to one process of the program's.
   * @returns whether it is one, and the program still runs: after its end nothing tells whose a process is
   */
  async signalProcess(pid: number, number: number): Promise<boolean> {
    if (this.status) return false;
    const started = await startBelow(pid, this.pid);
    // Meanwhile either may have ended, and its number be another's: that of any user's process.
    if (started === undefined || this.status || processStart(pid) !== started) return false;
    try {
      process.kill(pid, number);
      return true;
    } catch {
      return false;
    }
  }

  /** Kills the program and everything that it started, in its process group or not. */
  async kill(): Promise<void> {
    const { cgroups, strays } = this.#spawner;
    // Who waits for files cannot be killed before he is answered.
    void this.#namespace?.close();
    this.signal(constants.signals.SIGKILL);
    await this.#admitted;
    const group = this.#group;
    if (!group) return strays.hunt(this.#sid, this.#mounts?.name);
    // A program that ended and left nothing behind, the usual case, has an empty group: there is nothing to kill.
    if (this.status && cgroups?.giveBack(group)) this.#group = undefined;
    else cgroups?.kill(group);
  }

  /** Lets go of what the program took of the node, once everything that it started is gone. */
  async dispose(): Promise<void> {
    await this.#namespace?.close();
    this.#mounts?.release();
    this.#mounts = undefined;
    const group = this.#group;
    this.#group = undefined;
    if (group) await this.#spawner.cgroups?.release(group);
    await this.#namespace?.remove();
  }
}

function signalNumber(name: NodeJS.Signals | null): number {
  return name ? constants.signals[name] : constants.signals.SIGKILL;
}
