import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { TERM_ADDRESS } from '@xcpu/xcpu-protocol';
import { systemText } from '../errors.js';
import { mountImport } from '../mounts/import.js';
import { type Connect, MountError, type Mounted, type Mounter } from '../mounts/mounter.js';
import type { Builder } from '../program/launcher.js';
import type { NamespaceTools } from '../program/tools.js';
import type { User } from '../users/users.js';
import { ImportShares } from './import-shares.js';
import type { ImportStep, NamespacePlan } from './plan.js';
import { Stage } from './stage.js';

/** Largest message to ask whoever serves files for, in bytes; a client's channel allows less. */
const MSIZE = 1024 * 1024;

/** What namespaces of sessions are built with on this node. */
export class Namespaces {
  readonly #tools: () => NamespaceTools;
  readonly #mounter: () => Promise<Mounter>;
  readonly #directory: string;
  readonly #shares = new ImportShares();
  /** Once they were found: looking for them costs each start of a program some fifteen system calls. */
  #found: NamespaceTools | undefined;

  /**
   * @param tools throws an Error that names what is missing
   * @param mounter called when the first namespace is wanted
   * @param directory for nobody but the daemon's user
   */
  constructor(tools: () => NamespaceTools, mounter: () => Promise<Mounter>, directory: string) {
    this.#tools = tools;
    this.#mounter = mounter;
    this.#directory = directory;
  }

  /**
   * Makes what a session's namespace needs before there is one.
   * @throws MountError if this node cannot build it, or the user has enough of them
   */
  async begin(sid: number, wanted: NamespaceRequest): Promise<Namespace> {
    const { user, program, plan, connect } = wanted;
    const mounter = await this.#mounter();
    const userNamespace = await mounter.userNamespace();
    const tools = this.#findTools();
    const release = this.#shares.take(user, plan.imports.length);
    const stage = this.#stage(sid, plan, release);
    return new Namespace(
      { mounter, stage, plan, user, program, connect, release },
      {
        tools,
        userNamespace: userNamespace?.pid,
        stage: stage.directory,
        steps: plan.steps,
      },
    );
  }

  #findTools(): NamespaceTools {
    try {
      this.#found ??= this.#tools();
      return this.#found;
    } catch (error) {
      throw new MountError((error as Error).message);
    }
  }

  #stage(sid: number, plan: NamespacePlan, release: () => void): Stage {
    try {
      return new Stage(join(this.#directory, String(sid)), plan.imports.length);
    } catch (error) {
      release();
      throw new MountError(`the node has no place for a namespace: ${systemText(error)}`);
    }
  }
}

/** Whose namespace it is to be, and what is to run in it. */
export interface NamespaceRequest {
  readonly user: User;
  readonly program: string;
  readonly plan: NamespacePlan;
  /** How `session!term` is reached. */
  readonly connect: Connect;
}

interface Parts {
  readonly mounter: Mounter;
  readonly stage: Stage;
  readonly plan: NamespacePlan;
  readonly user: User;
  readonly program: string;
  readonly connect: Connect;
  /** Called once it is removed. */
  readonly release: () => void;
}

/** A namespace under construction, or in use. */
export class Namespace {
  readonly builder: Builder;
  readonly #parts: Parts;
  #mounts: Promise<Mounted>[] = [];
  /** Of the conversations that are mounted, or about to be. */
  readonly #streams = new Set<Duplex>();
  #closed = false;
  #removed = false;

  constructor(parts: Parts, builder: Builder) {
    this.#parts = parts;
    this.builder = builder;
  }

  /** Begins to mount all that is imported, in the namespace of that process. */
  mountAll(pid: number): readonly Promise<Mounted>[] {
    this.#mounts = this.#parts.plan.imports.map((step, index) => this.#mount(pid, step, index));
    return this.#mounts;
  }

  /** Ends what is mounted, or waits for a server that may never answer: whatever still waits for it is told so. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stream of this.#streams) stream.destroy();
    const settled = await Promise.allSettled(this.#mounts);
    for (const result of settled) if (result.status === 'fulfilled') result.value.close();
  }

  /**
   * Its processes are gone. The namespace may be there all the same, if a process of another session holds it: what is
   * mounted ends with this. Its user's share is given back when that is done: the node serves no mount that it does not
   * count.
   */
  async remove(): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    await this.close();
    const settled = await Promise.allSettled(this.#mounts);
    await Promise.all(
      settled.map((result) => (result.status === 'fulfilled' ? result.value.abort() : undefined)),
    );
    this.#parts.stage.remove();
    this.#parts.release();
  }

  #mount(pid: number, step: ImportStep, index: number): Promise<Mounted> {
    const { stage, user, program, connect } = this.#parts;
    const mounter = this.#mounter();
    const { uid, name } = user;
    const { address } = step;
    const request = {
      pid,
      directory: stage.importPlace(index),
      user: { uid, gid: user.group.gid, name },
      readOnly: step.readOnly ?? false,
      unchanging: step.command === 'cache',
      msize: MSIZE,
    };
    if (address !== TERM_ADDRESS) return mountImport(mounter, request, address);
    return mounter.mount({ ...request, source: 'xcpu', program }, connect);
  }

  /** The node's, in which every conversation ends with this namespace. */
  #mounter(): Pick<Mounter, 'dialects' | 'mount'> {
    const { mounter } = this.#parts;
    const joined =
      (connect: Connect): Connect =>
      (stream, options) => {
        this.#streams.add(stream);
        stream.once('close', () => this.#streams.delete(stream));
        connect(stream, options);
        if (this.#closed) stream.destroy();
      };
    return {
      dialects: mounter.dialects,
      mount: (request, connect) => mounter.mount(request, joined(connect)),
    };
  }
}
