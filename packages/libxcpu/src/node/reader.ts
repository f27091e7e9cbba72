import { NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import {
  MAX_STATE_BYTES,
  type NodeLoad,
  parseArch,
  parseNodeLoad,
  STATE_UP,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';
import type { NodeConnection } from './dial.js';
import { printable, requestError } from './errors.js';
import { openFile, readFile, release } from './files.js';
import { sessionsIn } from './sessions.js';

/** What a node says of itself at one moment, made fit for a line and a terminal. */
export interface NodeReading {
  /** `up`, or what a scheduler wrote: at most 63 bytes on one line. */
  readonly state: string;
  /** Number of sessions. */
  readonly numjobs: number;
  /** Empty where the node does not tell. */
  readonly load: NodeLoad;
}

/** What a node whose `arch` makes no sense is said to be. */
const STRANGE_ARCH = 'unknown (not understood)';

/** Bytes of these files that are read: what is meant is shorter by far. */
const MAX_ARCH_BYTES = 256;
const MAX_LOAD_BYTES = 4096;

/**
 * Reads a node's state again and again on one connection: of files that stay open where the node allows it, so that a
 * reading takes a few messages and two round trips.
 */
export class NodeReader {
  /** `/Linux/x86_64`, or that it is not known. */
  readonly arch: string;
  readonly #connection: NodeConnection;
  readonly #state: Fid;
  /** Absent on nodes that do not tell. */
  readonly #load: Fid | undefined;
  /** Absent on legacy nodes, whose listings are of the moment of opening. */
  readonly #root: Fid | undefined;

  private constructor(connection: NodeConnection, arch: string, files: readonly Fid[]) {
    this.arch = arch;
    this.#connection = connection;
    const [state, root, load] = files;
    this.#state = state!;
    this.#root = root;
    this.#load = load;
  }

  /**
   * Opens what is read.
   * @throws NodeError (failed, lost, protocol)
   */
  static async open(connection: NodeConnection): Promise<NodeReader> {
    try {
      const arch = await readArch(connection);
      const files = [await openFile(connection, ['state'], OpenMode.READ)];
      if (!connection.legacy) {
        files.push(await openFile(connection, [], OpenMode.READ));
        const load = await openIfThere(connection, 'load');
        if (load) files.push(load);
      }
      return new NodeReader(connection, arch, files);
    } catch (error) {
      throw requestError(connection.target, error);
    }
  }

  /**
   * What the node says now.
   * @throws NodeError (failed, lost, protocol)
   */
  async read(): Promise<NodeReading> {
    try {
      if (this.#connection.legacy) {
        const state = await this.#state.read(0, MAX_STATE_BYTES + 1);
        return { state: stateOf(state), numjobs: await this.#countJobs(), load: {} };
      }
      const [state, numjobs, load] = await Promise.all([
        this.#state.read(0, MAX_STATE_BYTES + 1),
        this.#countJobs(),
        this.#load?.read(0, MAX_LOAD_BYTES),
      ]);
      return {
        state: stateOf(state),
        numjobs,
        load: load ? parseNodeLoad(Buffer.from(load).toString('latin1')) : {},
      };
    } catch (error) {
      throw requestError(this.#connection.target, error);
    }
  }

  async #countJobs(): Promise<number> {
    const root = this.#root ?? (await openFile(this.#connection, [], OpenMode.READ));
    try {
      return (await sessionsIn(root)).length;
    } finally {
      if (!this.#root) await release(root);
    }
  }
}

async function readArch(connection: NodeConnection): Promise<string> {
  const text = (await readFile(connection, ['arch'], { limit: MAX_ARCH_BYTES })).toString('utf8');
  try {
    parseArch(text);
    return text;
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    return STRANGE_ARCH;
  }
}

async function openIfThere(connection: NodeConnection, name: string): Promise<Fid | undefined> {
  try {
    return await openFile(connection, [name], OpenMode.READ);
  } catch (error) {
    if (error instanceof NinePError && error.kind === 'file') return undefined;
    throw error;
  }
}

/** Empty reads as `up`; what does not belong on a line is replaced, and what is too long cut. */
function stateOf(data: Uint8Array): string {
  const text = printable(Buffer.from(data).toString('utf8').replace(/\n$/, ''));
  let state = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_STATE_BYTES) break;
    state += character;
  }
  return state === '' ? STATE_UP : state;
}
