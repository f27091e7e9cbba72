import { ProgramError, SetupError, UsageError } from '../errors.js';
import { printError } from '../print.js';
import { keepCompiledCode } from './compiled-code.js';

/** Exit status of a command that was not understood. */
const WRONG_USAGE = 2;
const FAILED = 1;

/**
 * Runs a command and ends the process with the status that it answers. What it throws is printed in one line after
 * the command's name, and the status is the error's own for a ProgramError, 2 for what else is a UsageError or a SetupError, and 1 for anything
 * else.
 */
export function start(name: string, main: (args: readonly string[]) => Promise<number>): void {
  main(process.argv.slice(2)).then(
    (status) => {
      keepCompiledCode();
      process.exit(status);
    },
    (error: unknown) => process.exit(report(name, lacksDirectory(error) ? goneError() : error)),
  );
}

function report(name: string, error: unknown): number {
  if (error instanceof UsageError) {
    printError(`${prefixed(name, error.message)}Try '${name} -h'.\n`);
    return WRONG_USAGE;
  }
  const text = error instanceof Error ? error.message : String(error);
  printError(prefixed(name, text));
  if (error instanceof ProgramError) return error.exitStatus;
  return error instanceof SetupError ? WRONG_USAGE : FAILED;
}

/** Whether a relative path was to be followed from a working directory that was removed: getcwd(2) fails then. */
function lacksDirectory(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

function goneError(): SetupError {
  return new SetupError(
    'the working directory is gone: change to one that is there, or name files by paths from / on',
  );
}

function prefixed(name: string, text: string): string {
  return text.replace(/^/gm, `${name}: `).concat('\n');
}
