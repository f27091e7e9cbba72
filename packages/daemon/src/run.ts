import { writeFileSync } from 'node:fs';
import { NinePError } from '@xcpu/9p-protocol';
import { StartError } from './errors.js';

/** A daemon that runs. */
export interface RunningDaemon {
  /** Ends it in order. */
  stop(): Promise<void>;
  /** What SIGHUP asks for; without it SIGHUP does nothing. */
  reload?(): void;
}

/**
 * Runs a daemon in the foreground until SIGTERM or SIGINT, which end the process with status 0. What goes wrong is
 * printed in lines after its name, and the status is 1 then.
 *
 * @param start starts it, or answers the exit status of a command line that asks for nothing to run
 */
export function runDaemon(
  name: string,
  start: () => Promise<RunningDaemon> | { readonly exitCode: number },
): void {
  nameProcess(name);
  // A log that nobody reads any more must not end the daemon.
  process.stderr.on('error', () => {});
  try {
    const started = start();
    if ('exitCode' in started) {
      process.exitCode = started.exitCode;
      return;
    }
    started.catch((error: unknown) => fail(name, error));
    obeySignals(name, started);
  } catch (error) {
    fail(name, error);
  }
}

/** So that `pgrep NAME` finds the daemon; its command line stays as it was typed. */
function nameProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // Only a convenience.
  }
}

/** From the beginning: a daemon that is stopped while it starts leaves nothing behind either. */
function obeySignals(name: string, starting: Promise<RunningDaemon>): void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    starting
      .then((daemon) => daemon.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(name, error),
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {
    starting.then(
      (daemon) => daemon.reload?.(),
      () => {},
    );
  });
}

function fail(name: string, error: unknown): void {
  const expected = error instanceof StartError || error instanceof NinePError;
  const text = expected ? error.message : String((error as Error).stack ?? error);
  for (const line of text.split('\n')) process.stderr.write(`${name}: ${line}\n`);
  process.exit(1);
}
