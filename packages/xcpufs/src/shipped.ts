import { realpathSync } from 'node:fs';

/**
 * The command that starts the daemon's own file as something else: a node needs no other.
 * @param word what it is to be: options begin with a dash
 */
export function shippedCommand(word: string): [file: string, ...args: string[]] {
  return [process.execPath, realpathSync(process.argv[1] ?? ''), word];
}
