import { isatty } from 'node:tty';
import { attach, type Job, type NodeTarget } from '@xcpu/libxcpu';
import type { Options, Way } from './options.js';
import { Streams } from './streams.js';

/** Linux numbers of the signals that the programs are sent. */
const FORWARDED = { SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;
const SIGHUP = 1;

/**
 * Attaches to a job.
 * @returns xrx's exit status
 * @throws UsageError
 */
export async function attached(
  name: string,
  targets: readonly NodeTarget[],
  options: Options,
  way: Way,
): Promise<number> {
  const streams = new Streams(options);
  const job = await attach(targets, name, {
    ...way,
    keep: options.keep,
    stdin: streams.input(options),
    endsInput: isatty(0),
    sink: streams.sink,
  });
  const leaving = heedSignals(job, options.stdin);
  const status = await streams.status(job);
  if (leaving.signal === undefined) return status;
  // The terminal may be gone: that is one of the ways to leave.
  await streams.note(`left ${name}`).catch(() => {});
  return 128 + leaving.signal;
}

/**
 * Signals go to the programs. A second SIGINT, and SIGHUP, leave them alone; so does every one where the caller only
 * looks on.
 * @returns which signal has ended the looking on, if one has
 */
function heedSignals(job: Job, forwards: boolean): { readonly signal?: number } {
  const leaving: { signal?: number } = {};
  const leave = (signal: number) => {
    // What is left to write may never be taken.
    if (leaving.signal !== undefined) process.exit(128 + signal);
    leaving.signal = signal;
    job.leave();
  };
  let interrupts = 0;
  for (const [name, number] of Object.entries(FORWARDED)) {
    process.on(name, () => {
      if (name === 'SIGINT') interrupts++;
      if (!forwards || interrupts > 1) leave(number);
      else void job.signal(number);
    });
  }
  process.on('SIGHUP', () => leave(SIGHUP));
  return leaving;
}
