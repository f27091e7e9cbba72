import { readdirSync, readFileSync } from 'node:fs';

/**
 * Process ids of everything that runs with this text in its command line. Zombies have none, and who is about to become
 * another program has none for a moment: how many there are is to be waited for.
 */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(text))
    .map(Number);
}

/** The process that waits for the end of the daemon which keeps its files there: see `-t`. */
export function guardianOf({ temporary }: { readonly temporary: string }): number {
  const [name = temporary] = readdirSync(temporary);
  const [pid] = processesWith('xcpufs-guardian').filter((each) =>
    commandLine(String(each)).includes(name),
  );
  if (pid === undefined) throw new Error(`nobody guards ${temporary}/${name}`);
  return pid;
}

/** Processes of sleep(1) for this time. */
export function sleepers(seconds: string): number[] {
  return processesWith(seconds).filter((pid) => commandLine(String(pid)).startsWith('sleep\0'));
}

/** A text that no other process has in its command line, fit to be a number of seconds for sleep(1). */
export function uniqueSeconds(): string {
  return `${100_000 + process.pid}.${String(++count).padStart(4, '0')}${Date.now() % 100_000}`;
}

let count = 0;

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
