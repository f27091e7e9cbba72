import { NodeError, type NodeErrorKind } from '../errors.js';
import { Limiter } from '../fan-out.js';
import type { NodeTarget } from '../nodes.js';
import { EventQueue } from './event-queue.js';
import { InputLog } from './input-log.js';
import {
  type JobEvent,
  type JobSink,
  Rank,
  type RankContext,
  type RankPlan,
  type RankResult,
} from './rank.js';

/** How a job's events are taken, and for how long. */
export interface FollowOptions {
  /** What every program reads; nothing if left out. A stream is destroyed once no program reads any more. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Longest time for the whole run, in milliseconds. What still runs then is wiped; an attached job is left. */
  readonly timeout?: number | undefined;
  /** Wipes the sessions, or leaves an attached job; iteration and `result` then throw the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Takes the events in place of whoever would iterate over the job. */
  readonly sink?: JobSink | undefined;
}

/** Bytes of output that all ranks together may have asked for and not dealt with. */
const OUTPUT_BUDGET = 64 * 1024 * 1024;
/** Bytes of one read. More gains nothing, as a node's window has no more than 1 MiB; less is mostly overhead. */
const MAX_READ = 256 * 1024;
const MIN_READ = 8 * 1024;
/** The same where files are served: what a node answers about output is in front of what it asks for of files. */
const MAX_READ_BESIDE_FILES = 64 * 1024;
/** Why a rank that the caller wanted no more of has no status. */
const LEFT = 'ended by the caller';

/** How a job is followed. */
interface Following extends FollowOptions {
  /** Ranks that begin at once. */
  readonly fanOut: number;
  /** Whether files are served over the same connections. */
  readonly servesFiles: boolean;
  /** Whether the programs go on when the caller has had enough, or fails. */
  readonly attached: boolean;
  /** Whether input that ends without a byte, and none at all, leave the programs' as it is. */
  readonly keepsInput: boolean;
}

/**
 * A program that runs on many nodes. Its events are to be taken, by iterating over it or by `options.sink`: a rank
 * whose output is not taken waits, as one that writes to a pipe. Leaving the iteration early wipes the sessions, but
 * not those of a job that was attached to.
 */
export class Job implements AsyncIterable<JobEvent> {
  /** The node of each rank, in their order. */
  readonly targets: readonly NodeTarget[];
  /**
   * How each rank ended, in order of rank, once all have and their events were taken. Rejects only with the reason
   * of the caller's AbortSignal, or with what the sink threw.
   */
  readonly result: Promise<readonly RankResult[]>;
  readonly #attached: boolean;
  readonly #ranks: readonly Rank[];
  readonly #input: InputLog | undefined;
  readonly #queue: EventQueue<JobEvent> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  /** @see {@link run}, {@link attach} */
  constructor(plans: readonly RankPlan[], following: Following) {
    const { sink, stdin } = following;
    this.targets = plans.map(({ target }) => target);
    this.#attached = following.attached;
    this.#queue = sink ? undefined : new EventQueue(() => this.#giveUp('cancelled', LEFT));
    this.#input = stdin && new InputLog();
    const context = this.#context(following);
    this.#ranks = plans.map((plan) => new Rank(plan, context, this.#input?.reader()));
    this.result = this.#run(following);
    this.result.catch(() => {});
  }

  /** Sends all programs a Linux signal. Those that were not started yet never are. */
  async signal(signal: number): Promise<void> {
    await Promise.all(this.#ranks.map((rank) => rank.signal(signal)));
  }

  /** Ends all programs and removes the sessions; resolves within seconds, whether or not all nodes answer. */
  wipe(): Promise<void> {
    return this.#end('cancelled', LEFT);
  }

  /** Lets go of the nodes at once: the programs of an attached job go on, those of another are told by SIGHUP. */
  leave(): void {
    this.#leave('cancelled', LEFT);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent, void> {
    if (this.#queue) yield* this.#queue;
    if (this.#failure) throw this.#failure.reason;
  }

  #context({ fanOut, servesFiles, keepsInput, sink }: Following): RankContext {
    const limiter = new Limiter(fanOut);
    const share = Math.floor(OUTPUT_BUDGET / (this.targets.length * 2 * 3));
    const most = servesFiles ? MAX_READ_BESIDE_FILES : MAX_READ;
    return {
      readBytes: Math.max(MIN_READ, Math.min(most, share)),
      sink: this.#guarded(sink),
      keepsInput,
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

  async #run({ stdin, timeout, signal }: FollowOptions): Promise<readonly RankResult[]> {
    const abort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const end = this.#attached ? 'left' : 'ended';
    const late = () => this.#giveUp('expired', `still running after ${timeout! / 1000} s, ${end}`);
    const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
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
    this.#giveUp('cancelled', LEFT);
  }

  #giveUp(kind: NodeErrorKind, reason: string): void {
    if (this.#attached) this.#leave(kind, reason);
    else void this.#end(kind, reason);
  }

  #leave(kind: NodeErrorKind, reason: string): void {
    for (const [index, rank] of this.#ranks.entries()) {
      rank.leave(new NodeError(this.targets[index]!.name, kind, reason));
    }
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
