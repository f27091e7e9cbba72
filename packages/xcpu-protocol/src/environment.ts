import { show, XcpuFormatError } from './errors.js';
import { parseWords, quoteWord } from './quoting.js';

/** One environment variable: its name, not empty and without `=`, and its value. Neither holds a NUL. */
export type EnvironmentEntry = readonly [name: string, value: string];

/**
 * An `env` file: one quoted `NAME=value` per line, in the order of the file, repeated names included.
 * The file is read by words, not by lines, so a quoted value may hold a newline; blank lines are fine
 * (legacy clients begin with one).
 *
 * @throws XcpuFormatError naming the word that is not `NAME=value`
 */
export function parseEnvironment(text: string): EnvironmentEntry[] {
  return parseWords(text).map(parseEntry);
}

/**
 * One `NAME=value`, not quoted.
 *
 * @throws XcpuFormatError naming what is not one
 */
export function parseEntry(word: string): EnvironmentEntry {
  const equals = word.indexOf('=');
  if (equals < 1 || word.includes('\0')) {
    throw new XcpuFormatError(`invalid environment entry ${show(word)}: expected NAME=value`);
  }
  return [word.slice(0, equals), word.slice(equals + 1)];
}

/**
 * `NAME=value`; `parseEntry` gives the entry back.
 *
 * @throws XcpuFormatError for a name that is empty or holds `=`, and for a NUL anywhere
 */
export function formatEntry([name, value]: EnvironmentEntry): string {
  if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
    throw new XcpuFormatError(`invalid environment entry ${show(`${name}=${value}`)}`);
  }
  return `${name}=${value}`;
}

/**
 * The text of an `env` file; `parseEnvironment` gives the entries back.
 *
 * @throws XcpuFormatError for a name that is empty or holds `=`, and for a NUL anywhere
 */
export function formatEnvironment(entries: Iterable<EnvironmentEntry>): string {
  let text = '';
  for (const entry of entries) text += `${quoteWord(formatEntry(entry))}\n`;
  return text;
}

/** The value of a name: that of the first entry so named, as getenv(3) and `$NAME` in `ns` have it. */
export function lookupEnvironment(
  entries: Iterable<EnvironmentEntry>,
  name: string,
): string | undefined {
  for (const [key, value] of entries) {
    if (key === name) {
      return value;
    }
  }
  return undefined;
}

/**
 * The entries as a process gets them. The first of several equal names wins: that is what a C
 * program sees of a list handed to execve, and what keeps a node's own variables from being
 * overridden by lines that a client appends. A program that must override writes the file anew.
 */
export function environmentObject(entries: Iterable<EnvironmentEntry>): Record<string, string> {
  // fromEntries lets the last one win.
  return Object.fromEntries([...entries].reverse());
}
