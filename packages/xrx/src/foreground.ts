import { type NodeTarget, run } from '@xcpu/libxcpu';
import type { Options, Way } from './options.js';
import { Streams } from './streams.js';
import { surroundings } from './surroundings.js';

const SECOND_INTERRUPT = 130;
/** Linux numbers of the signals that the programs are sent. */
const FORWARDED = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

/**
 * Runs programs, and ends with them.
 * @returns xrx's exit status
 * @throws UsageError, SetupError
 */
export async function foreground(
  jobid: string | undefined,
  targets: readonly NodeTarget[],
  argv: readonly string[],
  options: Options,
  way: Way,
): Promise<number> {
  const streams = new Streams(options);
  const job = await run(targets, argv, {
    ...way,
    jobid,
    ...(await surroundings(options, argv, way.login.key?.file, streams)),
    stdin: streams.input(options),
    sink: streams.sink,
  });
  let interrupts = 0;
  for (const [name, number] of Object.entries(FORWARDED)) {
    process.on(name, () => {
      if (name !== 'SIGINT' || ++interrupts < 2) void job.signal(number);
      else job.wipe().finally(() => process.exit(SECOND_INTERRUPT));
    });
  }
  return streams.status(job);
}
