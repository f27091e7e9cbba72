import type { LaunchOptions } from '@xcpu/libxcpu';
import { ship } from '@xcpu/libxcpu/ship';
import type { Options } from './options.js';
import { ShipStatus } from './ship-status.js';
import type { StatusLine } from './status-line.js';

/** Where shipping tells of itself. */
export interface ShipTelling {
  readonly line: StatusLine;
  note(text: string): void | Promise<void>;
}

/**
 * What brings the program to the nodes, with all that it needs.
 * @throws SetupError if there is no such program, or something that it needs is missing
 */
export function shippedProgram(
  { chdir, root, e: inside }: Options,
  argv: readonly string[],
  telling: ShipTelling,
): LaunchOptions {
  const [program = '', ...args] = argv;
  const status = new ShipStatus(telling.line);
  const shown = process.stderr.isTTY;
  return {
    cwd: chdir,
    ship: ship({
      program,
      args,
      inside,
      root,
      onProgress: (progress) => status.note(progress),
      // Who looks on may want to know; in a pipe it would be taken for what the programs say.
      onNote: shown ? (note) => tell(telling, note) : undefined,
    }),
  };
}

/** Where nobody reads it any more nothing is lost. */
function tell(telling: ShipTelling, text: string): void {
  Promise.resolve(telling.note(text)).catch(() => {});
}
