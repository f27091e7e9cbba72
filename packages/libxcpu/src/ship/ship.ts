import { realpathSync, statSync } from 'node:fs';
import { type Arch, formatArch, localArch, parseArch } from '@xcpu/xcpu-protocol';
import { NodeError, SetupError, systemText } from '../errors.js';
import type { ShipProgram } from '../job/launch.js';
import type { Session } from '../job/session.js';
import { readFile } from '../node/files.js';
import { sysrootOf } from '../sysroot.js';
import { BlockReader } from './block-reader.js';
import { planShipment, type ShipPlan } from './plan.js';
import { push } from './push.js';
import { SourceTree } from './source-tree.js';

/** What is to be shipped. */
export interface ShipOptions {
  /** The program, a path or a name on the PATH; with `inside` a directory, all of which is shipped. */
  readonly program: string;
  /** Arguments of the program. */
  readonly args?: readonly string[] | undefined;
  /** The program's path in that directory. */
  readonly inside?: string | undefined;
  /** The tree that programs, their interpreters and libraries are taken from. Default `/`. */
  readonly root?: string | undefined;
  /** Where PATH, LD_LIBRARY_PATH and XCPU_SYSROOT are. Default: those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called as files leave. */
  readonly onProgress?: ((progress: ShipProgress) => void) | undefined;
  /** Called once for each text that the user may want to know: what is not shipped. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** How far shipping is, for all nodes together that have begun. */
export interface ShipProgress {
  /** Nodes that are being sent files. */
  readonly nodes: number;
  /** Bytes that nodes have taken. */
  readonly sent: number;
  /** Bytes that they are to get. */
  readonly total: number;
}

/**
 * Makes a `ship` for `run`: it copies a program with its interpreter and libraries, or a directory, to each node, where
 * it runs without anything else of it being there. Each node gets what is for its kind of machine: of `root`, or of
 * `$XCPU_SYSROOT/<arch>` where that is a directory. What a program opens by itself, such as plugins, is not known.
 *
 * @throws SetupError if there is no such program, or something that it needs is missing
 */
export function ship(options: ShipOptions): ShipProgram {
  const shipping = new Shipping(options);
  return (session, signal) => shipping.to(session, signal);
}

/** Bytes of a node's `arch`: two names. */
const MAX_ARCH = 256;

class Shipping {
  readonly #options: ShipOptions;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #root: string;
  readonly #reader = new BlockReader();
  /** What nodes of a kind get, or why they get nothing, by their `arch`. */
  readonly #plans = new Map<string, ShipPlan | SetupError>();
  readonly #noted = new Set<string>();
  #nodes = 0;
  #sent = 0;
  #total = 0;

  constructor(options: ShipOptions) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#root = realRoot(options.root ?? '/');
    // Most nodes are what this machine is: what is missing is told before one of them is asked.
    if (!this.#env.XCPU_SYSROOT) this.#planned(localArch());
  }

  async to(session: Session, signal?: AbortSignal) {
    const { connection } = session;
    const { target, legacy } = connection;
    if (legacy)
      throw new NodeError(
        target.name,
        'failed',
        'a legacy node, to which nothing can be shipped: -l runs what is there',
      );
    const arch = await readFile(connection, ['arch'], { signal, limit: MAX_ARCH });
    const plan = this.#planned(parseArch(arch.toString()));
    const { program, args = [] } = this.#options;
    await this.#counted(plan, (onBytes) =>
      push(session, plan, { reader: this.#reader, signal, onBytes }),
    );
    return { program: plan.run, argv: [program, ...args] };
  }

  #planned(arch: Arch): ShipPlan {
    const key = formatArch(arch);
    let plan = this.#plans.get(key);
    if (!plan) {
      plan = this.#plan(arch);
      this.#plans.set(key, plan);
    }
    if (plan instanceof SetupError) throw plan;
    for (const note of plan.notes) this.#note(note);
    return plan;
  }

  #plan(arch: Arch): ShipPlan | SetupError {
    const { program, inside } = this.#options;
    const { PATH: path, LD_LIBRARY_PATH } = this.#env;
    const sysroot = sysrootOf(arch, this.#env);
    const root = sysroot === undefined ? this.#root : realRoot(sysroot);
    // It names directories of this machine's own tree, for its own kind.
    const libraryPath = root === '/' ? LD_LIBRARY_PATH : undefined;
    try {
      return planShipment({ program, inside, arch, path, libraryPath, tree: new SourceTree(root) });
    } catch (error) {
      if (error instanceof SetupError) return error;
      throw error;
    }
  }

  #note(note: string): void {
    if (this.#noted.has(note)) return;
    this.#noted.add(note);
    this.#options.onNote?.(note);
  }

  /** Tells of what is sent; of a node that fails nothing is counted any more. */
  async #counted(
    { bytes }: ShipPlan,
    work: (onBytes: (count: number) => void) => Promise<void>,
  ): Promise<void> {
    let sent = 0;
    this.#nodes++;
    this.#total += bytes;
    try {
      await work((count) => {
        sent += count;
        this.#sent += count;
        this.#tell();
      });
    } catch (error) {
      this.#total -= bytes;
      this.#sent -= sent;
      throw error;
    } finally {
      this.#nodes--;
      this.#tell();
    }
  }

  #tell(): void {
    this.#options.onProgress?.({ nodes: this.#nodes, sent: this.#sent, total: this.#total });
  }
}

function realRoot(root: string): string {
  try {
    const real = realpathSync(root);
    if (!statSync(real).isDirectory()) throw new SetupError(`${root}: not a directory`);
    return real;
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${root}: ${systemText(error)}`);
  }
}
