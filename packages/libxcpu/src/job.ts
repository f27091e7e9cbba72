import { formatArgv, formatNamespace, formatSessionId, XcpuFormatError } from '@xcpu/xcpu-protocol';
import type { DialOptions } from './dial.js';
import { NodeError, type NodeErrorKind, UsageError } from './errors.js';
import { EventQueue } from './event-queue.js';
import { FAN_OUT, Limiter } from './fan-out.js';
import { InputLog } from './input-log.js';
import { type Login, userLogin } from './login.js';
import { type NodeTarget, resolveNodes } from './nodes.js';
import { type JobEvent, type JobSink, Rank, type RankContext, type RankResult } from './rank.js';
import type { Program, ServeFiles } from './session.js';

export interface JobOptions extends DialOptions, Omit<Program, 'argv' | 'rank' | 'input'> {
  /** Who runs the programs; the invoking user if left out. */
  readonly login?: Login | undefined;
  /** What every program reads; nothing if left out. A stream is destroyed once no program reads any more. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Longest time for the whole run, in milliseconds; programs that still run then are wiped. */
  readonly timeout?: number | undefined;
  /**
   * Called for each node once it can be served files, which its program then may import from `$XCPUTSADDR`. A legacy
   * node fails with it. The programs get no files if left out.
   */
  readonly files?: ServeFiles | undefined;
  /** Nodes that are connected to and set up at once. Default 256. */
  readonly fanOut?: number | undefined;
  /** Wipes the sessions; iteration and `result` then throw the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Takes the events in place of whoever would iterate over the job. */
  readonly sink?: JobSink | undefined;
}

/**
 * Runs a program on all nodes at once.
 *
 * ```ts
 * const job = await run('n[8-11]', ['date']);
 * for await (const event of job) {
 *   if (event.type === 'output') console.log(event.node, event.stream, String(event.data));
 * }
 * console.log(jobExitStatus(await job.result));
 * ```
 *
 * @param nodes a node set, or the nodes
 * @param argv the program, looked up on the node, and its arguments
 * @throws UsageError, SetupError before anything was run; what fails on a node is in its result
 */
export async function run(
  nodes: string | readonly NodeTarget[],
  argv: readonly string[],
  options: JobOptions = {},
): Promise<Job> {
  const targets = typeof nodes === 'string' ? resolveNodes(nodes) : nodes;
  checkProgram(argv, options);
  const login = options.login ?? (await userLogin());
  options.signal?.throwIfAborted();
  return new Job(targets, argv, { ...options, login });
}

/** Bytes of output that all ranks together may have asked for and not dealt with. */
const OUTPUT_BUDGET = 64 * 1024 * 1024;
/** Bytes of one read. More gains nothing, as a node's window has no more than 1 MiB; less is mostly overhead. */
const MAX_READ = 256 * 1024;
const MIN_READ = 8 * 1024;
/** The same where files are served: what a node answers about output is in front of what it asks for of files. */
const MAX_READ_BESIDE_FILES = 64 * 1024;

/**
 * A program that runs on many nodes, rank 1 on the first. Its events are to be taken, by iterating over it or by
 * `options.sink`: a rank whose output is not taken waits, as one that writes to a pipe. Leaving the iteration early
 * wipes the sessions.
 */
export class Job implements AsyncIterable<JobEvent> {
  readonly targets: readonly NodeTarget[];
  /**
   * How each rank ended, in order of rank, once all have and their events were taken. Rejects only with the reason
   * of the caller's AbortSignal, or with what the sink threw.
   */
  readonly result: Promise<readonly RankResult[]>;
  readonly #ranks: readonly Rank[];
  readonly #input: InputLog | undefined;
  readonly #queue: EventQueue<JobEvent> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  /** @see {@link run} */
  constructor(
    targets: readonly NodeTarget[],
    argv: readonly string[],
    options: JobOptions & { readonly login: Login },
  ) {
    this.targets = targets;
    this.#queue = options.sink ? undefined : new EventQueue(() => void this.wipe());
    this.#input = options.stdin && new InputLog();
    const context = this.#context(argv, options);
    this.#ranks = targets.map(
      (target, index) => new Rank(index + 1, target, context, this.#input?.reader()),
    );
    this.result = this.#run(options);
    this.result.catch(() => {});
  }

  /** Sends all programs a Linux signal. Those that were not started yet never are. */
  async signal(signal: number): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.signal(signal)));
  }

  /** Ends all programs and removes the sessions; resolves within seconds, whether or not all nodes answer. */
  wipe(): Promise<void> {
    return this.#end('cancelled', 'ended by the caller');
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent, void> {
    if (this.#queue) yield* this.#queue;
    if (this.#failure) throw this.#failure.reason;
  }

  #context(argv: readonly string[], options: JobOptions & { readonly login: Login }): RankContext {
    const {
      login,
      jobid,
      cwd,
      namespace,
      exportRoot,
      legacyFiles,
      env,
      fanOut = FAN_OUT,
      connectTimeout,
      trace,
      msize,
      files,
    } = options;
    const limiter = new Limiter(fanOut);
    const share = Math.floor(OUTPUT_BUDGET / (this.targets.length * 2 * 3));
    return {
      login,
      program: { argv, jobid, cwd, namespace, exportRoot, legacyFiles, env: env && [...env] },
      dialOptions: { connectTimeout, trace, msize },
      files,
      readBytes: Math.max(MIN_READ, Math.min(files ? MAX_READ_BESIDE_FILES : MAX_READ, share)),
      sink: this.#guarded(options.sink),
      setUp: (work) => limiter.run(work),
    };
  }

  /** A sink that fails takes nothing more, and the job with it. */
  #guarded(sink: JobSink = (event) => this.#queue?.push(event)): JobSink {
    return async (event) => {
      if (this.#failure) return;
      try {
        await sink(event);
      } catch (reason) {
        this.#fail(reason);
      }
    };
  }

  async #run({ stdin, timeout, signal }: JobOptions): Promise<readonly RankResult[]> {
    const abort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const late = () => this.#end('expired', `still running after ${timeout! / 1000} s, ended`);
    const timer = timeout === undefined ? undefined : setTimeout(() => void late(), timeout);
    if (stdin && this.#input) void feed(stdin, this.#input);
    const results = await Promise.all(this.#ranks.map((rank) => rank.run()));
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    await this.#input?.close();
    if (stdin && 'destroy' in stdin && typeof stdin.destroy === 'function') stdin.destroy();
    this.#queue?.end();
    if (this.#failure) throw this.#failure.reason;
    return results;
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.wipe().catch(() => {});
  }

  async #end(kind: NodeErrorKind, reason: string): Promise<void> {
    const ends = this.#ranks.map((rank, index) =>
      rank.end(new NodeError(this.targets[index]!.name, kind, reason)),
    );
    await Promise.all(ends);
  }
}

/** An input that fails ends there; whoever made it knows why. */
async function feed(source: AsyncIterable<Uint8Array>, input: InputLog): Promise<void> {
  try {
    for await (const data of source) {
      if (!(await input.append(data))) break;
    }
  } catch {
    // Told by the source.
  } finally {
    input.end();
  }
}

/** What no node could be told. */
function checkProgram(argv: readonly string[], { cwd, jobid }: JobOptions): void {
  if (argv[0] === undefined || argv[0] === '') throw new UsageError('no program to run');
  if (/[\n\0]/.test(argv[0])) throw new UsageError('a program name holds no newline');
  checked('argument', () => formatArgv(argv));
  checked('job id', () => jobid !== undefined && formatSessionId({ jobid, rank: 1 }));
  checked(
    'directory',
    () => cwd !== undefined && formatNamespace([{ command: 'cd', directory: cwd }]),
  );
}

function checked(what: string, format: () => unknown): void {
  try {
    format();
  } catch (error) {
    throw error instanceof XcpuFormatError ? new UsageError(`${what}: ${error.message}`) : error;
  }
}
