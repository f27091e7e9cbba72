import { writeFileSync } from 'node:fs';
import { NinePError } from '@xcpu/9p-protocol';
import { type Daemon, startDaemon } from './daemon.js';
import { closeInherited } from './descriptors.js';
import { StartError } from './errors.js';
import { parseOptions } from './options.js';

declare const XCPU_VERSION: string;

async function main(): Promise<void> {
  closeInherited();
  nameProcess();
  // A log that nobody reads any more must not end the node.
  process.stderr.on('error', () => {});
  const parsed = parseOptions(process.argv.slice(2), XCPU_VERSION);
  if ('exitCode' in parsed) {
    process.exitCode = parsed.exitCode;
    return;
  }
  const starting = startDaemon(parsed.options);
  stopOnSignal(starting);
  await starting;
}

/** So that `pgrep xcpufs` finds the daemon; its command line stays as it was typed. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'xcpufs');
  } catch {
    // Only a convenience.
  }
}

/** From the beginning: a daemon that is stopped while it starts leaves nothing behind either. */
function stopOnSignal(starting: Promise<Daemon>): void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    starting
      .then((daemon) => daemon.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {});
}

function fail(error: unknown): void {
  const expected = error instanceof StartError || error instanceof NinePError;
  const text = expected ? error.message : String((error as Error).stack ?? error);
  for (const line of text.split('\n')) process.stderr.write(`xcpufs: ${line}\n`);
  process.exit(1);
}

main().catch(fail);
