import { fstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Job,
  type JobEvent,
  JobOutput,
  type JobSink,
  jobExitStatus,
  type NodeError,
  type OutputStyle,
  systemText,
} from '@xcpu/libxcpu';
import { foldErrors } from '@xcpu/libxcpu/cli';
import type { Options } from './options.js';
import { StatusLine } from './status-line.js';

/** Exit status of a program that was ended by SIGPIPE: what it wrote was no longer wanted. */
const BROKEN_PIPE = 128 + 13;
const STDIN = 0;
/** Device number of /dev/null: major 1, minor 3. Source: null(4). */
const DEV_NULL = 0x103;

/** xrx's own input and output, and a job's to them. */
export class Streams {
  readonly sink: JobSink;
  /** Stays below what the programs write. */
  readonly line = new StatusLine(process.stderr.isTTY);
  readonly #output: JobOutput;
  /** What failed in this turn, and the promise that it is told. */
  #failures: NodeError[] = [];
  #telling: Promise<void> | undefined;

  constructor(options: Pick<Options, 'label' | 'lines'>) {
    this.#output = new JobOutput(styleOf(options));
    this.sink = (event) => this.#take(event);
  }

  /** What is to be read for the programs, if there is anything. */
  input({ stdin }: Pick<Options, 'stdin'>): AsyncIterable<Uint8Array> | undefined {
    return stdin && hasInput() ? this.#standardInput() : undefined;
  }

  /** Says something on stderr, between the nodes' lines. */
  note(text: string): Promise<void> {
    this.line.clear();
    return this.#output.note(`xrx: ${text}`);
  }

  /**
   * The exit status for a job, once it is over.
   * @throws Error if its output could not be written
   */
  async status({ result }: Job): Promise<number> {
    try {
      return jobExitStatus(await result);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return BROKEN_PIPE;
      throw new Error(`cannot write the output: ${systemText(error)}`);
    }
  }

  #take(event: JobEvent): void | Promise<void> {
    if (event.type === 'output') this.line.yield(event.data);
    const written = this.#output.sink(event);
    // Whoever ended the run knows that he did.
    if (event.type !== 'exit' || !event.error || event.error.kind === 'cancelled') return written;
    const { error } = event;
    return Promise.resolve(written).then(() => this.#tell(error));
  }

  /** What fails at once on many nodes, as where none has a job, is told at once. */
  #tell(error: NodeError): Promise<void> {
    this.#failures.push(error);
    this.#telling ??= nextTurn().then(async () => {
      const failures = this.#failures;
      this.#failures = [];
      this.#telling = undefined;
      for (const line of await foldErrors(failures)) await this.note(line);
    });
    return this.#telling;
  }

  async *#standardInput(): AsyncGenerator<Uint8Array> {
    try {
      yield* process.stdin;
    } catch (error) {
      await this.note(`cannot read standard input: ${systemText(error)}`);
    }
  }
}

function styleOf({ label, lines }: Pick<Options, 'label' | 'lines'>): OutputStyle {
  if (label) return 'labels';
  return lines ? 'lines' : 'plain';
}

/** What reads nothing needs no input that ends at once. */
function hasInput(): boolean {
  try {
    const { rdev } = fstatSync(STDIN);
    return rdev !== DEV_NULL;
  } catch {
    // Closed by whoever started us.
    return false;
  }
}
