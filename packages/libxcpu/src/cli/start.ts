import { SetupError, UsageError } from '../errors.js';
import { printError, printNow } from '../print.js';
import { VERSION } from './version.js';

/** Exit status of a command that was not understood. */
const WRONG_USAGE = 2;
const FAILED = 1;

/**
 * Runs a command and ends the process with the status that it answers. What it throws is printed in one line after
 * the command's name, and the status is 2 for a UsageError and 1 for anything else. Asked for nothing but its
 * version, it prints that and loads no more.
 */
export function start(name: string, main: (args: readonly string[]) => Promise<number>): void {
  const args = process.argv.slice(2);
  if (args[0] === '-V' || args[0] === '--version') {
    printNow(`${name} ${VERSION}\n`);
    return;
  }
  main(args).then(
    (status) => process.exit(status),
    (error: unknown) => process.exit(report(name, error)),
  );
}

function report(name: string, error: unknown): number {
  if (error instanceof UsageError) {
    printError(`${prefixed(name, error.message)}Try '${name} -h'.\n`);
    return WRONG_USAGE;
  }
  const text = error instanceof Error ? error.message : String(error);
  printError(prefixed(name, text));
  return error instanceof SetupError ? WRONG_USAGE : FAILED;
}

function prefixed(name: string, text: string): string {
  return text.replace(/^/gm, `${name}: `).concat('\n');
}
