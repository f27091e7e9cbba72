import {
  CANCELLED,
  detach,
  jobExitStatus,
  NodeError,
  type NodeTarget,
  SESSION_FAILED,
} from '@xcpu/libxcpu';
import { foldErrors, printError, printOut } from '@xcpu/libxcpu/cli';
import type { Options, Way } from './options.js';
import { StatusLine } from './status-line.js';
import { lastingSurroundings } from './surroundings.js';

/** What counts for a program that was started, however it ends. */
const RUNS = { exitCode: 0 };

/**
 * Starts programs that go on by themselves, and prints the name of their job.
 * @returns xrx's exit status
 * @throws UsageError, SetupError
 */
export async function detached(
  jobid: string | undefined,
  targets: readonly NodeTarget[],
  argv: readonly string[],
  options: Options,
  { timeout: _, ...way }: Way,
): Promise<number> {
  const line = new StatusLine(process.stderr.isTTY);
  const note = (text: string) => printError(`xrx: ${text}\n`);
  const found = await lastingSurroundings(options, argv, { line, note });
  const interrupt = interruption();
  try {
    const job = await detach(targets, argv, {
      ...way,
      ...found,
      jobid,
      input: options.stdin,
      signal: interrupt,
    });
    const failures = job.started.flatMap(({ error }) => error ?? []);
    for (const line of await foldErrors(failures)) printError(`xrx: ${line}\n`);
    if (job.started.some(({ error }) => !error)) await printOut(`${job.jobid}\n`);
    return jobExitStatus(
      job.started.map((rank) => (rank.error ? rank : { ...rank, status: RUNS })),
    );
  } catch (error) {
    if (interrupt.aborted) return CANCELLED;
    if (!(error instanceof NodeError)) throw error;
    printError(`xrx: ${error.message}\n`);
    return SESSION_FAILED;
  }
}

/** Ends what was begun, and the second time xrx. */
function interruption(): AbortSignal {
  const ending = new AbortController();
  for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(CANCELLED);
      ending.abort(new Error(`ended by ${name}`));
    });
  }
  return ending.signal;
}
