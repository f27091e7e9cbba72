import { type ChildProcess, spawn } from 'node:child_process';
import type { Log } from '@xcpu/daemon';
import { TOOL_PATH } from './program/tools.js';
import { shippedCommand } from './shipped.js';

/** What makes `xcpufs` clear up behind a daemon, as its first word; see `clear-up.ts`. */
export const CLEAR_UP = 'clear-up';

/** Reads a line, or the end of the pipe where the daemon was killed; then becomes what clears up behind it. */
const SCRIPT = `trap '' HUP INT QUIT TERM
read -r _ && exit
exec "$@"`;

export interface GuardianOptions {
  readonly sh: string;
  /** The daemon's own, see `Scratch`. */
  readonly directory: string;
  readonly logJson: boolean;
  readonly log: Log;
}

/**
 * A shell that waits for the end of this process: a daemon that is killed cannot end its sessions itself. It takes a
 * megabyte until it is needed, and is in none of the sessions' control groups.
 */
export class Guardian {
  readonly #child: ChildProcess;
  #released = false;

  constructor({ sh, directory, logJson, log }: GuardianOptions) {
    const clearUp = [...shippedCommand(CLEAR_UP), logJson ? 'json' : 'text', directory];
    this.#child = spawn(sh, ['-c', SCRIPT, 'xcpufs-guardian', ...clearUp], {
      cwd: '/',
      env: { PATH: TOOL_PATH },
      // What a terminal tells all that it started is not for it.
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.#child.unref();
    this.#child.stdin?.on('error', () => {});
    const alone = (reason: string) => {
      if (!this.#released) log.event('no guardian', { reason });
    };
    this.#child.once('error', (error) => alone(error.message));
    this.#child.once('exit', (status, signal) => alone(signal ?? `exit status ${status}`));
  }

  /** The daemon has ended its sessions itself. Resolves when the shell has ended. */
  release(): Promise<void> {
    const child = this.#child;
    this.#released = true;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve();
    }
    child.ref();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.stdin?.end('done\n');
    });
  }
}
