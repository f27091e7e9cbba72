import { readFileSync } from 'node:fs';
import { bytesToName } from '@xcpu/9p-protocol';

/**
 * The arguments as they were given: Node.js puts U+FFFD in place of every byte that is not UTF-8, and the names of
 * files are bytes. Those bytes become what `bytesToName` makes of them.
 * @param args the last arguments of this process
 */
export function exactArguments(
  args: readonly string[],
  commandLine: () => Buffer = () => readFileSync('/proc/self/cmdline'),
): readonly string[] {
  if (!args.some((arg) => arg.includes('\ufffd'))) return args;
  try {
    const exact = split(commandLine()).slice(-args.length).map(bytesToName);
    return exact.length === args.length ? exact : args;
  } catch {
    // Only Linux tells.
    return args;
  }
}

/** The pieces that a NUL ends. */
function split(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    if (end < 0) break;
    pieces.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return pieces;
}
