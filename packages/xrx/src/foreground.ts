import {
  CANCELLED,
  type Job,
  NOT_FOUND,
  type NodeTarget,
  rankExitStatus,
  run,
} from '@xcpu/libxcpu';
import type { Options, Way } from './options.js';
import { Streams } from './streams.js';
import { surroundings } from './surroundings.js';

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
      else job.wipe().finally(() => process.exit(CANCELLED));
    });
  }
  const status = await streams.status(job);
  if (status === NOT_FOUND && (await tookNodes(job, argv, options))) {
    const [nodes] = argv;
    await streams.note(
      `${nodes} was taken for the program, since $NODES names the nodes: unset NODES, or leave ${nodes} out`,
    );
  }
  return status;
}

/** Whether nodes seem to have been named in front of the program though $NODES names them. */
async function tookNodes(
  { result }: Job,
  [first = '', second]: readonly string[],
  { nodes, all }: Options,
): Promise<boolean> {
  if (nodes !== undefined || all || !process.env.NODES || second === undefined) return false;
  // Names of nodes mostly end in a number, those of shells, which end so for a program of theirs, do not.
  if (!/^[^/]*[\d\]]$/.test(first)) return false;
  return (await result).every((rank) => rankExitStatus(rank) === NOT_FOUND);
}
