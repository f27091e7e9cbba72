import { createHash } from 'node:crypto';
import {
  formatWords,
  type NodeCommand,
  parseNodeCommand,
  parseWords,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';
import { MAX_TEXT } from '../limits.js';
import { type FileAccess, TEXT_NAMES, type TextName } from './settings.js';

/** The commands that make a node's users and groups. */
export type TableCommand = Extract<
  NodeCommand,
  { command: 'group-add' | 'user-add' | 'user-add-group' }
>;

/** All that the administrator has set on a node. */
export interface NodeState {
  /** In an order in which they can be carried out. */
  readonly commands: readonly TableCommand[];
  /** Files of the root that are not as they were made. */
  readonly accesses: readonly FileAccess[];
  /** Those that were written. */
  readonly texts: readonly (readonly [TextName, Buffer])[];
}

/** A whole file, but written by a later version of the daemon. */
export class LaterFormatError extends Error {
  override readonly name = 'LaterFormatError';
}

/** The first line: the number is raised with every change that an older daemon would not understand. */
const TITLE = 'xcpufs state ';
const FORMAT = '1';

/**
 * What is saved of a node. Lines of UTF-8, in this order:
 * - `xcpufs state 1`;
 * - commands of the node's `ctl`: `group-add`, `user-add`, `user-add-group`;
 * - `file NAME MODE USER UID GROUP GID` of a file in the root, the mode in octal;
 * - `text NAME LENGTH`, then as many bytes, then a newline: what was written to `env`, `ns` or `state`;
 * - `sha256 HEX`: the digest of all that stands before this line.
 */
export function formatState({ commands, accesses, texts }: NodeState): Buffer {
  const lines = [
    `${TITLE}${FORMAT}`,
    ...commands.map((command) => formatWords(wordsOf(command))),
    ...accesses.map((access) => formatWords(accessWords(access))),
  ];
  const pieces: Uint8Array[] = [Buffer.from(`${lines.join('\n')}\n`)];
  for (const [name, contents] of texts) {
    pieces.push(Buffer.from(`text ${name} ${contents.length}\n`), contents, NEWLINE);
  }
  const body = Buffer.concat(pieces);
  return Buffer.concat([body, checksumLine(body)]);
}

/**
 * The state that `formatState` wrote: all of it, or an error.
 *
 * @throws XcpuFormatError saying what is wrong with the bytes
 * @throws LaterFormatError
 */
export function parseState(bytes: Buffer): NodeState {
  const lines = new Lines(bodyOf(bytes));
  const title = lines.next();
  if (!title?.startsWith(TITLE)) throw new XcpuFormatError('not a saved state');
  const format = title.slice(TITLE.length);
  if (format !== FORMAT) {
    throw new LaterFormatError(`format ${format}, where this xcpufs knows ${FORMAT}`);
  }
  const commands: TableCommand[] = [];
  const accesses: FileAccess[] = [];
  const texts: [TextName, Buffer][] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const words = parseWords(line);
    if (words[0] === 'file') accesses.push(parseAccess(words));
    else if (words[0] === 'text') texts.push(parseText(words, lines));
    else commands.push(parseTableCommand(line));
  }
  return { commands, accesses, texts };
}

const NEWLINE = Buffer.from('\n');
const CHECKSUM_BYTES = 'sha256 \n'.length + 64;

function checksumLine(body: Uint8Array): Buffer {
  return Buffer.from(`sha256 ${createHash('sha256').update(body).digest('hex')}\n`);
}

/** What stands before the checksum, if that is right. */
function bodyOf(bytes: Buffer): Buffer {
  if (bytes.length === 0) throw new XcpuFormatError('empty');
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_BYTES));
  const line = bytes.subarray(body.length);
  if (!/^sha256 [0-9a-f]{64}\n$/.test(line.toString('latin1'))) {
    throw new XcpuFormatError('cut short: no checksum at its end');
  }
  if (!line.equals(checksumLine(body))) throw new XcpuFormatError('checksum does not match');
  return body;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Takes bytes apart, from their beginning to their end. */
class Lines {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The next line without its newline, undefined behind the last one. */
  next(): string | undefined {
    if (this.#at === this.#bytes.length) return undefined;
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new XcpuFormatError('a line without an end');
    const line = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    try {
      return utf8.decode(line);
    } catch (cause) {
      throw new XcpuFormatError('not valid UTF-8', { cause });
    }
  }

  /** Bytes that a newline follows. */
  block(length: number): Buffer {
    const end = this.#at + length;
    if (this.#bytes[end] !== 0x0a) throw new XcpuFormatError('a text without an end');
    const block = Buffer.from(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return block;
  }
}

/** Not `formatNodeCommand`, which looks at each key anew: a table holds tens of thousands, all looked at before. */
function wordsOf(command: TableCommand): string[] {
  switch (command.command) {
    case 'group-add':
      return [command.command, command.group, String(command.gid)];
    case 'user-add':
      return [command.command, command.user, String(command.uid), command.group, command.key.line];
    case 'user-add-group':
      return [command.command, command.user, command.group];
  }
}

function parseTableCommand(line: string): TableCommand {
  const command = parseNodeCommand(line);
  switch (command.command) {
    case 'group-add':
    case 'user-add':
    case 'user-add-group':
      return command;
    default:
      throw new XcpuFormatError(`${command.command} in a saved state`);
  }
}

function accessWords({ name, mode, uid, nUid, gid, nGid }: FileAccess): string[] {
  const numbers = [nUid, nGid].map((number) => String(number ?? ''));
  return ['file', name, mode.toString(8).padStart(4, '0'), uid, numbers[0]!, gid, numbers[1]!];
}

function parseAccess([, name = '', mode = '', uid = '', nUid, gid, nGid, ...rest]: string[]) {
  if (nUid === undefined || gid === undefined || nGid === undefined || rest.length > 0) {
    throw new XcpuFormatError('a file without an owner');
  }
  if (!/^0[0-7]{3}$/.test(mode)) throw new XcpuFormatError(`a file without permissions`);
  return {
    name,
    mode: Number.parseInt(mode, 8),
    uid,
    gid,
    ...(nUid === '' ? {} : { nUid: numberOf(nUid) }),
    ...(nGid === '' ? {} : { nGid: numberOf(nGid) }),
  };
}

function parseText([, name, length = '', ...rest]: string[], lines: Lines): [TextName, Buffer] {
  const known = TEXT_NAMES.find((text) => text === name);
  if (!known || rest.length > 0) throw new XcpuFormatError('a text of another name');
  const count = numberOf(length);
  if (count > MAX_TEXT) throw new XcpuFormatError(`a text of more than ${MAX_TEXT} bytes`);
  return [known, lines.block(count)];
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!/^\d{1,10}$/.test(text) || number > 0xffffffff) throw new XcpuFormatError('not a number');
  return number;
}
