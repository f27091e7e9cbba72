import { detach, jobExitStatus, NodeError, type NodeTarget, SESSION_FAILED } from '@xcpu/libxcpu';
import { printError, printOut } from '@xcpu/libxcpu/cli';
import type { Options, Way } from './options.js';
import { StatusLine } from './status-line.js';
import { lastingSurroundings } from './surroundings.js';

const INTERRUPTED = 130;
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
    for (const { error } of job.started) if (error) printError(`xrx: ${error.message}\n`);
    if (job.started.some(({ error }) => !error)) await printOut(`${job.jobid}\n`);
    return jobExitStatus(
      job.started.map((rank) => (rank.error ? rank : { ...rank, status: RUNS })),
    );
  } catch (error) {
    if (interrupt.aborted) return INTERRUPTED;
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
      if (ending.signal.aborted) process.exit(INTERRUPTED);
      ending.abort(new Error(`ended by ${name}`));
    });
  }
  return ending.signal;
}
