import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { XcpuFormatError } from '@xcpu/xcpu-protocol';
import { errorText, SetupError, systemText } from '../errors.js';
import { printable } from '../node/errors.js';

/** A text that says what users or groups a site has. */
export interface SiteFile {
  /** What errors call it: the name of the file. */
  readonly name: string;
  /** Names of files in it are looked up from here. */
  readonly directory: string;
  readonly text: string;
}

/** Largest such file, in bytes: a node has no room for what more could say. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Faults reported of one file; whoever made more of them has seen enough. */
const MAX_FAULTS = 100;

/**
 * Reads such a file; `-` is standard input.
 * @throws SetupError if it cannot be read, is too long or no text
 */
export async function readSiteFile(path: string): Promise<SiteFile> {
  const name = path === '-' ? 'stdin' : basename(path);
  const directory = path === '-' ? '.' : dirname(path);
  let bytes: Buffer;
  try {
    bytes = path === '-' ? await readInput() : readFileSync(path);
  } catch (error) {
    throw new SetupError(`cannot read ${path === '-' ? name : path}: ${systemText(error)}`);
  }
  if (bytes.length > MAX_BYTES) throw new SetupError(`${name}: longer than ${MAX_BYTES} bytes`);
  try {
    return { name, directory, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    throw new SetupError(`${name}: not a text in UTF-8`);
  }
}

/** An entry of a site's file, and the line that it is in, from 1. */
export interface SiteEntry {
  readonly name: string;
  /** The user's or group's number. */
  readonly number: number;
  readonly line: number;
}

/**
 * The entries of a file, one for each line that is neither blank nor a comment.
 * @param parse undefined for a line that says nothing
 * @throws SetupError naming every line at fault, those among them that repeat a name or number
 */
export function parseSiteFile<T extends SiteEntry>(
  { name: file, text }: SiteFile,
  parse: (text: string, line: number) => T | undefined,
): T[] {
  const entries: T[] = [];
  const faults: string[] = [];
  const names = new Map<string, T>();
  const numbers = new Map<number, T>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    try {
      const entry = parse(line, index + 1);
      if (!entry) continue;
      refuseRepetition(entry, names.get(entry.name), numbers.get(entry.number));
      names.set(entry.name, entry);
      numbers.set(entry.number, entry);
      entries.push(entry);
    } catch (error) {
      if (!(error instanceof XcpuFormatError || error instanceof SetupError)) throw error;
      // What is in the file may come from a directory where users write.
      faults.push(printable(`${file}:${index + 1}: ${errorText(error)}`));
    }
  }
  if (faults.length > 0) throw new SetupError(shortened(faults).join('\n'));
  return entries;
}

/** The first word of a line and the rest: a blank or a colon parts them. */
export function takeWord(line: string): [word: string, rest: string] {
  const [, word = '', rest = ''] = /^([^\s:]*)(?:[ \t]*:[ \t]*|[ \t]+)?(.*)$/.exec(line) ?? [];
  return [word, rest];
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function refuseRepetition(
  { name, number }: SiteEntry,
  sameName: SiteEntry | undefined,
  sameNumber: SiteEntry | undefined,
): void {
  if (sameName) throw new SetupError(`${name} is in line ${sameName.line} already`);
  if (sameNumber) {
    const { name: other, line } = sameNumber;
    throw new SetupError(`${name}: the number ${number} is that of ${other} in line ${line}`);
  }
}

function shortened(faults: readonly string[]): readonly string[] {
  if (faults.length <= MAX_FAULTS) return faults;
  return [...faults.slice(0, MAX_FAULTS), `and ${faults.length - MAX_FAULTS} more`];
}
