import { setTimeout as sleep } from 'node:timers/promises';
import {
  dialAs,
  type Limiter,
  type Login,
  type NodeConnection,
  NodeError,
  type NodeErrorKind,
  NodeReader,
  type NodeTrace,
} from '@xcpu/libxcpu';
import { type NodeDetails, type StatfsNode, XCPUFS_PORT } from '@xcpu/xcpu-protocol';
import {
  LEAST_ANSWER_TIMEOUT_MS,
  LEAST_CONNECT_TIMEOUT_MS,
  NODE_MSIZE,
  PROMPT_REFUSAL_MS,
} from '../limits.js';
import { patience } from './patience.js';

/** What all nodes are watched with. */
export interface WatchContext {
  readonly logins: readonly [Login, ...Login[]];
  /** Between two readings of a node, in milliseconds. */
  readonly interval: number;
  /** Turns at connecting: those that kept everybody waiting the last time wait for each other only. */
  readonly turns: { readonly prompt: Limiter; readonly silent: Limiter };
  /** When the first period began, on the clock of performance.now(). */
  readonly origin: number;
  /** A node's state is another one, and why. */
  readonly changed: (node: WatchedNode, reason: string | undefined) => void;
  readonly trace: NodeTrace | undefined;
}

/** Why there is nothing to tell of a node: wire document, section 10. */
type Down = 'initializing' | 'disconnected' | 'connect_failed' | 'read_failed' | 'no_contact';

const ARCH_UNKNOWN = 'unknown (not read yet)';

/**
 * One node, watched: the connection to it is kept, and its state read once in each period, at a moment of its own. It
 * waits for nobody else and nobody waits for it.
 */
export class WatchedNode {
  readonly name: string;
  readonly #context: WatchContext;
  readonly #host: string;
  readonly #port: number;
  readonly #stopping = new AbortController();
  #details: NodeDetails;
  #connection: NodeConnection | undefined;
  #reader: NodeReader | undefined;
  #silent = false;

  constructor({ name, addr, address }: StatfsNode, context: WatchContext) {
    this.name = name;
    this.#host = address.host;
    this.#port = address.port ?? XCPUFS_PORT;
    this.#context = context;
    this.#details = { name, addr, arch: ARCH_UNKNOWN, ...nothingOf('initializing') };
  }

  /** What is known now. */
  get details(): NodeDetails {
    return this.#details;
  }

  /** Goes by this line of the configuration from now on; false if it means another place. */
  adopt({ addr, address }: StatfsNode): boolean {
    if (address.host !== this.#host || (address.port ?? XCPUFS_PORT) !== this.#port) return false;
    this.#details = { ...this.#details, addr };
    return true;
  }

  /**
   * Begins to watch.
   * @param phase where in each period the node is read, from 0 to 1
   * @param delay milliseconds until it is read for the first time
   */
  start(phase: number, delay: number): void {
    void this.#watch(phase, delay);
  }

  /** Ends it, and the connection. */
  stop(): void {
    this.#stopping.abort();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }

  async #watch(phase: number, delay: number): Promise<void> {
    const { interval, origin } = this.#context;
    const { signal } = this.#stopping;
    const first = origin + phase * interval;
    while (!signal.aborted) {
      await sleep(delay, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.#poll();
      const periods = Math.floor((performance.now() - first) / interval) + 1;
      delay = first + periods * interval - performance.now();
    }
  }

  /** One reading. */
  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      if (!this.#connection) {
        const { prompt, silent } = this.#context.turns;
        await (this.#silent ? silent : prompt).run(() => this.#connect());
      }
      if (this.#connection) await this.#read(this.#connection);
    } catch (error) {
      if (!signal.aborted) this.#lose(downOf(error), textOf(error));
    }
  }

  async #connect(): Promise<void> {
    const { logins, interval, trace } = this.#context;
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const target = { name: this.name, host: this.#host, port: this.#port };
    const began = performance.now();
    let connection: NodeConnection;
    try {
      connection = await dialAs(target, logins, {
        signal,
        connectTimeout: Math.max(interval, LEAST_CONNECT_TIMEOUT_MS),
        msize: NODE_MSIZE,
        trace,
      });
    } catch (error) {
      this.#silent = performance.now() - began > PROMPT_REFUSAL_MS;
      throw error;
    }
    this.#silent = false;
    if (signal.aborted) return connection.close();
    this.#connection = connection;
    connection.client.onClose((reason) => {
      if (this.#connection === connection) this.#lose('disconnected', reason.message);
    });
  }

  async #read(connection: NodeConnection): Promise<void> {
    const time = Math.max(this.#context.interval / 2, LEAST_ANSWER_TIMEOUT_MS);
    const done = patience(time, () =>
      this.#lose('no_contact', `no answer within ${time / 1000} s`),
    );
    try {
      this.#reader ??= await NodeReader.open(connection);
      const reading = await this.#reader.read();
      const lastSeen = Math.floor(Date.now() / 1000);
      this.#show({ arch: this.#reader.arch, ...reading, lastSeen }, undefined);
    } catch (error) {
      // Whoever lost the connection has said why.
      if (this.#connection === connection) throw error;
    } finally {
      done();
    }
  }

  #lose(why: Down, reason: string): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#reader = undefined;
    connection?.client.destroy();
    this.#show(nothingOf(why), reason);
  }

  #show(news: Partial<NodeDetails>, reason: string | undefined): void {
    const { state } = this.#details;
    this.#details = { ...this.#details, ...news };
    if (this.#details.state !== state) this.#context.changed(this, reason);
  }
}

function nothingOf(why: Down) {
  return { state: `down(${why})`, numjobs: 0, load: {} };
}

/** The words of the historic statfs for what became of a connection. */
const DOWN: Readonly<Partial<Record<NodeErrorKind, Down>>> = {
  unreachable: 'disconnected',
  lost: 'disconnected',
  timeout: 'no_contact',
  refused: 'connect_failed',
  protocol: 'connect_failed',
};

function downOf(error: unknown): Down {
  return (error instanceof NodeError && DOWN[error.kind]) || 'read_failed';
}

function textOf(error: unknown): string {
  if (error instanceof NodeError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
