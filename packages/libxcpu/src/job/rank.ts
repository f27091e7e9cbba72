import type { WaitStatus } from '@xcpu/xcpu-protocol';
import type { NodeError } from '../errors.js';
import { requestError } from '../node/errors.js';
import type { NodeTarget } from '../nodes.js';
import type { InputReader } from './input-log.js';
import type { Launched } from './launch.js';
import type { OutputStream, Session } from './session.js';
import { wipe } from './wiping.js';

/** Bytes that one rank's program wrote. */
export interface OutputEvent {
  readonly type: 'output';
  /** From 1 on, in the order of the nodes. */
  readonly rank: number;
  /** The node's name. */
  readonly node: string;
  /** The session's id on the node. */
  readonly session: string;
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/** How one rank ended: with a status, or with an error. */
export interface RankResult {
  /** 0 for a node of an attached job's that has none of it. */
  readonly rank: number;
  readonly node: string;
  readonly status?: WaitStatus;
  readonly error?: NodeError;
}

/** The last event of a rank. */
export interface ExitEvent extends RankResult {
  readonly type: 'exit';
  /** The session's id on the node, where there was one. */
  readonly session?: string;
}

/** What happens in a job. */
export type JobEvent = OutputEvent | ExitEvent;

/**
 * Takes events, each stream's in order; what one answer of a node brought may come as several at once. While a promise
 * that it answers is pending, that rank's stream is not read on.
 */
export type JobSink = (event: JobEvent) => void | Promise<void>;

/** One program of a job, and how it begins. */
export interface RankPlan {
  readonly rank: number;
  readonly target: NodeTarget;
  /** Called once; the signal gives up with what the rank's result is to be. */
  readonly begin: (signal: AbortSignal) => Promise<Begun>;
}

/** A session whose program is to be followed. */
export interface Begun extends Launched {
  /** Called once the program has ended and all that it wrote was taken. */
  readonly finish?: () => Promise<void>;
}

/** What the ranks of a job have in common. */
export interface RankContext {
  /** Most bytes to ask for in one read. */
  readonly readBytes: number;
  readonly sink: JobSink;
  /** Whether input that ends without a byte, and none at all, leave the program's as it is. */
  readonly keepsInput: boolean;
  /** Runs the setting up when it is this rank's turn. */
  readonly setUp: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Reads of one stream that are asked for or being dealt with, once a program turns out to write much. */
const READS_AHEAD = 3;
/** An answer of so many bytes is a sign of it. */
const MUCH = 16 * 1024;

/** One program on one node, from connecting to its end. */
export class Rank {
  readonly #plan: RankPlan;
  readonly #context: RankContext;
  readonly #input: InputReader | undefined;
  /** Aborted with what the rank's result is to be. */
  readonly #settingUp = new AbortController();
  #running: Running | undefined;
  #ending: Promise<void> | undefined;
  /** Why the session is being wiped. */
  #reason: NodeError | undefined;
  readonly #ended: Promise<never>;
  #end!: (reason: NodeError) => void;

  /** @param input what the program reads; it reads nothing if left out */
  constructor(plan: RankPlan, context: RankContext, input: InputReader | undefined) {
    this.#plan = plan;
    this.#context = context;
    this.#input = input;
    this.#ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.#ended.catch(() => {});
  }

  /** Runs the program, once; never throws. */
  async run(): Promise<RankResult> {
    const { sink, setUp } = this.#context;
    const { rank, target } = this.#plan;
    const identity = { rank, node: target.name };
    let result: RankResult;
    try {
      const { over, finish } = await setUp(() => this.#start());
      const status = await Promise.race([over, this.#ended]);
      // A wiped session has a status too, and its answer may come before that to the wipe.
      if (this.#reason) throw this.#reason;
      result = { ...identity, status };
      // What the program wrote was taken, whatever becomes of its session.
      await finish?.().catch(() => {});
    } catch (error) {
      result =
        error instanceof NotStarted
          ? { ...identity, status: { signal: error.signal } }
          : { ...identity, error: requestError(target, error) };
    }
    this.#input?.close();
    const { connection, session } = this.#running ?? {};
    connection?.close();
    await sink({ type: 'exit', ...(session && { session: session.id }), ...result });
    return result;
  }

  /**
   * Sends the program a Linux signal. A program that was not started yet never is, and counts as ended by the signal.
   */
  async signal(signal: number): Promise<void> {
    if (!this.#running) return this.#settingUp.abort(new NotStarted(signal));
    // That a program is over, or its node gone, is told elsewhere.
    await this.#running.session.signal(signal).catch(() => {});
  }

  /** Wipes the session and lets go of the node; the rank's result is then this error. */
  end(reason: NodeError): Promise<void> {
    this.#ending ??= this.#wipe(reason);
    return this.#ending;
  }

  /** Lets go of the node; the rank's result is then this error. */
  leave(reason: NodeError): void {
    if (!this.#running) return this.#settingUp.abort(reason);
    this.#end(reason);
    this.#running.connection.close();
  }

  async #wipe(reason: NodeError): Promise<void> {
    if (!this.#running) return this.#settingUp.abort(reason);
    this.#reason = reason;
    const { session, connection } = this.#running;
    await wipe(session);
    this.#end(reason);
    connection.close();
  }

  async #start(): Promise<Running> {
    const begun = await this.#plan.begin(this.#settingUp.signal);
    const over = this.#follow(begun.session);
    over.catch(() => {});
    this.#running = { ...begun, over };
    try {
      await begun.started;
      return this.#running;
    } catch (error) {
      begun.connection.close();
      throw error;
    }
  }

  /** Resolves when the program has ended and all of its output was dealt with. */
  async #follow(session: Session): Promise<WaitStatus> {
    void this.#feed(session).catch(() => {});
    const [status] = await Promise.all([
      session.wait(),
      this.#pump(session, 'stdout'),
      this.#pump(session, 'stderr'),
    ]);
    return status;
  }

  /** A program that stopped reading, or a node that was lost, wants no more input; the rest is told elsewhere. */
  async #feed(session: Session): Promise<void> {
    const input = this.#input;
    const { keepsInput } = this.#context;
    const { legacy, client } = session.connection;
    if (!input) return legacy && !keepsInput ? session.closeStdin() : undefined;
    for (let kept = keepsInput; ; kept = false) {
      const data = await input.next(client.maxCount);
      if (!data) return kept ? undefined : session.closeStdin();
      if (!(await session.writeStdin(data))) return input.close();
    }
  }

  async #pump(session: Session, stream: OutputStream): Promise<void> {
    const { readBytes, sink } = this.#context;
    const { rank, target } = this.#plan;
    const origin = {
      type: 'output',
      rank,
      node: target.name,
      session: session.id,
      stream,
    } as const;
    const reads: Promise<readonly Uint8Array[]>[] = [];
    const ask = () => {
      const read = session.read(stream, readBytes);
      read.catch(() => {});
      reads.push(read);
    };
    let ahead = 1;
    for (;;) {
      while (reads.length < ahead) ask();
      const pieces = await reads[0]!;
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      if (bytes === 0) return;
      if (bytes >= MUCH && !session.connection.legacy) ahead = READS_AHEAD;
      const taken = pieces.map((data) => sink({ ...origin, data }));
      await (taken.length === 1 ? taken[0] : Promise.all(taken));
      reads.shift();
    }
  }
}

/** A program that was started. */
interface Running extends Begun {
  readonly over: Promise<WaitStatus>;
}

/** A signal came before the program was started. */
class NotStarted extends Error {
  constructor(readonly signal: number) {
    super('not started');
  }
}
