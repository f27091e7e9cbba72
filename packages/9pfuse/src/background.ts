import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { printError } from '@xcpu/libxcpu/cli';

/**
 * Runs this command again, detached and in the foreground of nobody, and returns when its mount is there.
 * @returns its exit status if it ended before, else 0
 */
export function runInBackground(args: readonly string[]): Promise<number> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1] ?? '', '-f', ...args],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  );
  child.stderr?.setEncoding('utf8').on('data', printError);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('message', () => resolve(0));
    child.once('close', (status) => resolve(status ?? 1));
  });
}

/** Tells whoever started this command in the background, if somebody did, that the mount is there. */
export function tellMounted(): void {
  if (!process.send) return;
  // A directory that somebody works in cannot be unmounted.
  process.chdir('/');
  // Whoever reads it leaves now; the lowest free descriptor takes its place.
  closeSync(2);
  openSync('/dev/null', 'w');
  process.send('mounted', () => process.disconnect());
}
