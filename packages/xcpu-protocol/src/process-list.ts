import { show, XcpuFormatError } from './errors.js';
import { formatWords, parseWords, quoteWord } from './quoting.js';

/** A process of a node: one line of its `procs` file. Times are milliseconds, sizes bytes. */
export interface ProcessEntry {
  readonly pid: number;
  /** The command and its arguments; a kernel thread's name. */
  readonly cmdline: readonly string[];
  /** One of R S D T Z W. */
  readonly state: string;
  readonly ppid: number;
  /** Process group, session leader. */
  readonly pgrp: number;
  readonly psid: number;
  /** Controlling terminal, `??` where there is none, and its foreground process group or -1. */
  readonly tty: string;
  readonly tpgid: number;
  readonly utime: number;
  readonly stime: number;
  /** Time since the process began. */
  readonly etime: number;
  readonly priority: number;
  readonly nice: number;
  /** The kernel function that it waits in, `0` or empty where there is none. */
  readonly wchan: string;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly vmsize: number;
  readonly rssize: number;
  readonly shsize: number;
  readonly txtsize: number;
  readonly datsize: number;
  /** Id of the session that it runs below; empty outside sessions. */
  readonly xcpusid: string;
  /** `jobid/rank` of that session; empty outside sessions. */
  readonly xcpujid: string;
}

type FieldName = keyof ProcessEntry;

/** The fields in the order of the wire, `cmdline` apart, with how each is read. */
const FIELDS: Readonly<Record<Exclude<FieldName, 'cmdline'>, 'number' | 'text'>> = {
  pid: 'number',
  state: 'text',
  ppid: 'number',
  pgrp: 'number',
  psid: 'number',
  tty: 'text',
  tpgid: 'number',
  utime: 'number',
  stime: 'number',
  etime: 'number',
  priority: 'number',
  nice: 'number',
  wchan: 'text',
  euid: 'number',
  suid: 'number',
  fsuid: 'number',
  egid: 'number',
  sgid: 'number',
  fsgid: 'number',
  vmsize: 'number',
  rssize: 'number',
  shsize: 'number',
  txtsize: 'number',
  datsize: 'number',
  xcpusid: 'text',
  xcpujid: 'text',
};

const [, ...AFTER_CMDLINE] = Object.keys(FIELDS) as Exclude<FieldName, 'cmdline'>[];

/** The first line of a process list, newline included. */
export const PROCESS_LIST_HEADER = `(pid (cmdline) ${AFTER_CMDLINE.join(' ')} ) \n`;

/** C clients read lines into a buffer of 16384 bytes; a line stays below that, newline included. */
export const MAX_PROCESS_LINE_BYTES = 16383;

/** No text field but the command line comes near this, whatever a process names itself. */
const MAX_TEXT_BYTES = 1024;

/** The text of a `procs` file: the line of field names, then one line per process. */
export function formatProcessList(entries: Iterable<ProcessEntry>): string {
  let text = PROCESS_LIST_HEADER;
  for (const entry of entries) {
    text += formatProcessLine(entry);
  }
  return text;
}

/**
 * The line of one process, newline included, safe for the C clients that take a whole node for broken
 * by one bad line: control characters become `?`, and so does a `)` after the command line, whose
 * last `)` ends it; the command line is cut where the line would grow too long.
 *
 * @throws XcpuFormatError for a number that is not a whole one
 */
export function formatProcessLine(entry: ProcessEntry): string {
  const head = `(${numberText(entry, 'pid')} (`;
  const tail = `) ${AFTER_CMDLINE.map((name) => fieldText(entry, name)).join(' ')} ) \n`;
  const room = MAX_PROCESS_LINE_BYTES - Buffer.byteLength(head) - Buffer.byteLength(tail);
  return head + commandLineText(entry.cmdline, room) + tail;
}

/**
 * The processes of a `procs` file. The first line says which field stands where; fields that are not
 * known are passed over, and those that are missing or `''` become 0 or the empty text. A line that
 * cannot be read is left out, so that one strange process does not hide a node's others.
 *
 * @throws XcpuFormatError when the line of field names is missing
 */
export function parseProcessList(text: string): ProcessEntry[] {
  const [header = '', ...lines] = text.split('\n');
  const names = split(header);
  if (
    names === undefined ||
    ![...names.before, ...names.after].includes('pid') ||
    names.cmdline !== 'cmdline'
  ) {
    throw new XcpuFormatError(`invalid process list: ${show(header)} does not name the fields`);
  }
  return lines.flatMap((line) => parseProcessLine(line, names) ?? []);
}

/** A line taken apart at the parentheses of its command line. */
interface Parts {
  readonly before: readonly string[];
  readonly cmdline: string;
  readonly after: readonly string[];
}

/** No field but the command line holds a parenthesis, so the outermost ones are its own. */
function split(line: string): Parts | undefined {
  const match = /^\(([^()]*)\((.*)\)([^()]*)\)\s*$/s.exec(line);
  if (!match) {
    return undefined;
  }
  const [, before = '', cmdline = '', after = ''] = match;
  try {
    return { before: parseWords(before), cmdline, after: parseWords(after) };
  } catch {
    return undefined;
  }
}

function parseProcessLine(line: string, names: Parts): ProcessEntry | undefined {
  const parts = split(line);
  if (parts === undefined) {
    return undefined;
  }
  const texts = new Map([
    ...names.before.map((name, index) => [name, parts.before[index] ?? ''] as const),
    ...names.after.map((name, index) => [name, parts.after[index] ?? ''] as const),
  ]);
  const entry: Record<string, unknown> = { cmdline: commandLineWords(parts.cmdline) };
  for (const [name, kind] of Object.entries(FIELDS)) {
    const text = texts.get(name) ?? '';
    if (kind === 'number' && !/^(-?\d{1,20})?$/.test(text)) {
      return undefined;
    }
    entry[name] = kind === 'number' ? Number(text) : text;
  }
  return texts.get('pid') ? (entry as unknown as ProcessEntry) : undefined;
}

/** Legacy nodes do not quote a stray quote in an argument; such a line is parted at blanks. */
function commandLineWords(text: string): string[] {
  try {
    return parseWords(text);
  } catch {
    return text.split(/[ \t]+/).filter((word) => word !== '');
  }
}

function fieldText(entry: ProcessEntry, name: Exclude<FieldName, 'cmdline'>): string {
  return FIELDS[name] === 'number'
    ? numberText(entry, name)
    : quoteWord(cut(printable(String(entry[name])).replace(/[()]/g, '?'), MAX_TEXT_BYTES));
}

function numberText(entry: ProcessEntry, name: FieldName): string {
  const value = entry[name];
  if (!Number.isInteger(value)) {
    throw new XcpuFormatError(`invalid process entry: ${name} is ${show(String(value))}`);
  }
  return BigInt(value as number).toString();
}

/** As many of the arguments as fit, the last one cut. */
function commandLineText(args: readonly string[], room: number): string {
  const words: string[] = [];
  let used = 0;
  for (const arg of args) {
    const word = printable(arg);
    const bytes = Buffer.byteLength(quoteWord(word)) + 1;
    if (used + bytes > room) {
      const rest = cutQuoted(word, room - used);
      return formatWords(rest === '' ? words : [...words, rest]);
    }
    words.push(word);
    used += bytes;
  }
  return formatWords(words);
}

/** The longest beginning of a word of which even the quoted form fits. */
function cutQuoted(word: string, room: number): string {
  let bytes = 2;
  let length = 0;
  for (const character of word) {
    bytes += character === "'" ? 2 : Buffer.byteLength(character);
    if (bytes > room) {
      break;
    }
    length += character.length;
  }
  return word.slice(0, length);
}

function cut(text: string, maxBytes: number): string {
  return Buffer.byteLength(text) <= maxBytes ? text : cutQuoted(text, maxBytes);
}

function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
