import type { WaitStatus } from '@xcpu/xcpu-protocol';
import { type DialOptions, dial, type NodeConnection } from './dial.js';
import type { NodeError } from './errors.js';
import type { InputReader } from './input-log.js';
import type { Login } from './login.js';
import { legacyFilesError, requestError } from './node-errors.js';
import { allOrFirstError } from './node-files.js';
import type { NodeTarget } from './nodes.js';
import { type OutputStream, type Program, type ServeFiles, Session } from './session.js';

/** Bytes that one rank's program wrote. */
export interface OutputEvent {
  readonly type: 'output';
  /** From 1 on, in the order of the nodes. */
  readonly rank: number;
  /** The node's name. */
  readonly node: string;
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/** How one rank ended: with a status, or with an error. */
export interface RankResult {
  readonly rank: number;
  readonly node: string;
  readonly status?: WaitStatus;
  readonly error?: NodeError;
}

/** The last event of a rank. */
export interface ExitEvent extends RankResult {
  readonly type: 'exit';
}

export type JobEvent = OutputEvent | ExitEvent;

/**
 * Takes events, each stream's in order; what one answer of a node brought may come as several at once. While a promise
 * that it answers is pending, that rank's stream is not read on.
 */
export type JobSink = (event: JobEvent) => void | Promise<void>;

/** What the ranks of a job have in common. */
export interface RankContext {
  readonly login: Login;
  readonly program: Omit<Program, 'rank' | 'input'>;
  readonly dialOptions: Omit<DialOptions, 'signal'>;
  /** Serves files to the programs; they get none if left out. */
  readonly files: ServeFiles | undefined;
  /** Most bytes to ask for in one read. */
  readonly readBytes: number;
  readonly sink: JobSink;
  /** Runs the setting up when it is this rank's turn. */
  readonly setUp: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Reads of one stream that are asked for or being dealt with, once a program turns out to write much. */
const READS_AHEAD = 3;
/** An answer of so many bytes is a sign of it. */
const MUCH = 16 * 1024;
/** How long a node is waited for when its session is wiped, in milliseconds. */
const WIPE_PATIENCE_MS = 2000;

/** One program on one node, from connecting to its end. */
export class Rank {
  readonly #rank: number;
  readonly #target: NodeTarget;
  readonly #context: RankContext;
  readonly #input: InputReader | undefined;
  /** Aborted with what the rank's result is to be. */
  readonly #settingUp = new AbortController();
  #running: Running | undefined;
  #ending: Promise<void> | undefined;
  readonly #ended: Promise<never>;
  #end!: (reason: NodeError) => void;

  /** @param input what the program reads; it reads nothing if left out */
  constructor(
    rank: number,
    target: NodeTarget,
    context: RankContext,
    input: InputReader | undefined,
  ) {
    this.#rank = rank;
    this.#target = target;
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
    const identity = { rank: this.#rank, node: this.#target.name };
    let result: RankResult;
    try {
      const { over } = await setUp(() => this.#start());
      result = { ...identity, status: await Promise.race([over, this.#ended]) };
    } catch (error) {
      result =
        error instanceof NotStarted
          ? { ...identity, status: { signal: error.signal } }
          : { ...identity, error: requestError(this.#target, error) };
    }
    this.#input?.close();
    this.#running?.connection.close();
    await sink({ type: 'exit', ...result });
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

  async #wipe(reason: NodeError): Promise<void> {
    if (!this.#running) return this.#settingUp.abort(reason);
    const { session, connection } = this.#running;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, WIPE_PATIENCE_MS);
    });
    await Promise.race([session.wipe().catch(() => {}), patience]);
    clearTimeout(timer);
    this.#end(reason);
    connection.close();
  }

  async #start(): Promise<Running> {
    const { login, dialOptions, files, program } = this.#context;
    const { signal } = this.#settingUp;
    signal.throwIfAborted();
    let session: Promise<Session> | undefined;
    const ahead = (connection: NodeConnection) => {
      session = Session.create(connection);
      // If the log-in fails, that is what is told.
      session.catch(() => {});
    };
    const connection = await dial(this.#target, login, { ...dialOptions, signal, ahead });
    // From here on it is the end of the connection that ends whatever is under way.
    const abort = () => connection.client.destroy();
    signal.addEventListener('abort', abort);
    try {
      signal.throwIfAborted();
      if (files && connection.legacy && !program.legacyFiles) {
        throw legacyFilesError(this.#target);
      }
      return await this.#exec(connection, await (session ?? Session.create(connection)));
    } catch (error) {
      connection.close();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #exec(connection: NodeConnection, session: Session): Promise<Running> {
    const { files } = this.#context;
    const input = this.#input !== undefined;
    const program = { ...this.#context.program, rank: this.#rank, input };
    const served = connection.legacy ? undefined : files && session.serve(files);
    // It is waited for below.
    served?.catch(() => {});
    await session.prepare(program);
    const executed = session.exec(program);
    // A node that is not legacy answers reads of the output when there is something to answer.
    if (connection.legacy) await executed;
    const over = this.#follow(session);
    over.catch(() => {});
    this.#running = { connection, session, over };
    await allOrFirstError([served, executed]);
    return this.#running;
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
    const { legacy, client } = session.connection;
    if (!input) return legacy ? session.closeStdin() : undefined;
    for (;;) {
      const data = await input.next(client.maxCount);
      if (!data) return session.closeStdin();
      if (!(await session.writeStdin(data))) return input.close();
    }
  }

  async #pump(session: Session, stream: OutputStream): Promise<void> {
    const { readBytes, sink } = this.#context;
    const origin = { type: 'output', rank: this.#rank, node: this.#target.name, stream } as const;
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
interface Running {
  readonly connection: NodeConnection;
  readonly session: Session;
  readonly over: Promise<WaitStatus>;
}

/** A signal came before the program was started. */
class NotStarted extends Error {
  constructor(readonly signal: number) {
    super('not started');
  }
}
