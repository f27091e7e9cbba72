import { type FdWriter, writersFor } from '../fd-writer.js';
import { LineBudget, LineBuffer } from './line-buffer.js';
import type { JobEvent, JobSink } from './rank.js';
import type { OutputStream } from './session.js';

/** How the output of many nodes is written. */
export type OutputStyle =
  /** As it comes, byte for byte. */
  | 'plain'
  /** In whole lines. */
  | 'lines'
  /** In whole lines, each with `NODE: ` in front. */
  | 'labels';

/** Descriptors to write to. */
interface OutputFds {
  readonly stdout: number;
  readonly stderr: number;
}

/**
 * Writes a job's output to this program's own. In lines and labels no line is mixed with another, not even where
 * both descriptors lead to one terminal, and a last line that lacks its newline gets one; a line of more than 16 MiB
 * (less where thousands of nodes write long ones) is cut into several.
 *
 * The sink's promises reject with the system's error, EPIPE above all.
 */
export class JobOutput {
  readonly sink: JobSink;
  readonly #style: OutputStyle;
  readonly #fds: OutputFds;
  readonly #writers: Readonly<Record<OutputStream, FdWriter>>;
  readonly #budget = new LineBudget();
  /** By node and session. */
  readonly #lines = new Map<string, Record<OutputStream, LineBuffer>>();

  constructor(style: OutputStyle, fds: OutputFds = { stdout: 1, stderr: 2 }) {
    this.#style = style;
    this.#fds = fds;
    const [stdout, stderr] = writersFor(fds.stdout, fds.stderr);
    this.#writers = { stdout, stderr };
    this.sink = (event) => this.#take(event);
  }

  /** Writes a line of this program's own to stderr, in between the nodes' lines. */
  note(line: string): Promise<void> {
    return this.#write('stderr', [Buffer.from(`${line}\n`)]);
  }

  #take(event: JobEvent): void | Promise<void> {
    const { node, session = '' } = event;
    const origin = `${node}/${session}`;
    if (event.type === 'exit') return this.#finish(origin);
    const { stream, data } = event;
    if (this.#style === 'plain') return this.#write(stream, [data]);
    const lines = this.#buffers(origin, node)[stream].push(data);
    return lines.length > 0 ? this.#write(stream, lines) : undefined;
  }

  async #finish(origin: string): Promise<void> {
    const buffers = this.#lines.get(origin);
    if (!buffers) return;
    this.#lines.delete(origin);
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = buffers[stream].finish();
      if (rest.length > 0) await this.#write(stream, rest);
    }
  }

  #buffers(origin: string, node: string): Record<OutputStream, LineBuffer> {
    let buffers = this.#lines.get(origin);
    if (!buffers) {
      const label = this.#style === 'labels' ? `${node}: ` : '';
      const stdout = new LineBuffer(label, this.#budget);
      buffers = { stdout, stderr: new LineBuffer(label, this.#budget) };
      this.#lines.set(origin, buffers);
    }
    return buffers;
  }

  #write(stream: OutputStream, pieces: readonly Uint8Array[]): Promise<void> {
    return this.#writers[stream].write(this.#fds[stream], pieces);
  }
}
