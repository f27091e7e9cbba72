import { writeSync } from 'node:fs';
import { systemText } from './errors.js';
import { FdWriter } from './fd-writer.js';

/**
 * Writes a text to stdout, however long it is and whatever stdout is. A reader that has left is no error.
 * @throws Error that says why it cannot be written
 */
export async function printOut(text: string): Promise<void> {
  try {
    await new FdWriter().write(1, [Buffer.from(text)]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return;
    throw new Error(`cannot write the output: ${systemText(error)}`);
  }
}

/** Writes a short text to stdout, for a process that ends next. */
export function printNow(text: string): void {
  writeAtOnce(1, text);
}

/** Writes a short text to stderr. */
export function printError(text: string): void {
  writeAtOnce(2, text);
}

/** Where nobody reads it any more nothing is lost, and nowhere is left to say so. */
function writeAtOnce(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {}
}
