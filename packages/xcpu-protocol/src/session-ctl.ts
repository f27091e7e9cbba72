import { type Address, formatAddress, parseAddress } from './address.js';
import { type EnvironmentEntry, formatEntry, parseEntry } from './environment.js';
import { XcpuFormatError } from './errors.js';
import { isPasskey } from './passkey.js';
import { formatWords, parseWords } from './quoting.js';
import { formatSessionId, parseSessionIdParts, type SessionId } from './session-id.js';
import { parseProcessId, parseSignal } from './signals.js';

/** The three streams of a session's program. */
export const STREAM_NAMES = ['stdin', 'stdout', 'stderr'] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

/** How long a session lives: until its last reference goes, or until it is wiped. */
export const SESSION_TYPES = ['normal', 'persistent'] as const;
export type SessionType = (typeof SESSION_TYPES)[number];

/** A session of another node, attached to by passkey. */
export interface ConnectCommand {
  readonly command: 'connect';
  readonly address: Address;
  /** The decimal id of the session there. */
  readonly sid: string;
  /** Path below the session's directory, without slashes at its ends: `fs` for pushed files. */
  readonly path?: string;
  readonly passkey?: string;
}

/** A command written to a session's `ctl` file. */
export type SessionCommand =
  | { readonly command: 'exec'; readonly program: string }
  | { readonly command: 'wipe' }
  /**
   * `signal` is a Linux signal number, for the program and what is in its process group, or for one process that the
   * session's program started: `pid`, which is not in legacy.
   */
  | { readonly command: 'signal'; readonly signal: number; readonly pid?: number }
  | { readonly command: 'close'; readonly stream: StreamName }
  | { readonly command: 'redirect'; readonly stream: StreamName; readonly file: string }
  /** A part that is absent keeps its old value. */
  | ({ readonly command: 'id' } & Partial<SessionId>)
  | { readonly command: 'type'; readonly type: SessionType }
  | ConnectCommand
  | SetupCommand;

/**
 * What the files `argv`, `env` and `ns` are to hold, said in ctl: the whole set-up of a program and its `exec` then
 * are one write, of which the rest is dropped if a part fails. No part of it may hold a newline. Not in legacy.
 */
export type SetupCommand =
  /** Replaces `argv`. */
  | { readonly command: 'argv'; readonly args: readonly string[] }
  /** Adds to `env`, behind what is there. */
  | { readonly command: 'env'; readonly entries: readonly EnvironmentEntry[] }
  /** Replaces `ns`, whose lines these are; without any it is emptied. */
  | { readonly command: 'ns'; readonly lines: readonly string[] };

/**
 * One line written to a session's `ctl`, without its newline.
 *
 * @throws XcpuFormatError with the texts of the wire protocol: "unknown command", "too few
 * arguments", "argument expected", "syntax error" (too many arguments, a malformed id or connect),
 * "negative id not permitted", "invalid session type", "invalid argument", "unsupported signal"; and
 * "unterminated quote"
 */
export function parseSessionCommand(line: string): SessionCommand {
  const [name = '', ...args] = parseWords(line);
  return commandOf(name, args);
}

/**
 * The line for a session's `ctl`, without its newline; `parseSessionCommand` gives the command back.
 *
 * @throws XcpuFormatError when a line cannot hold the command, as with a newline in a file name
 */
export function formatSessionCommand(command: SessionCommand): string {
  const args = argumentsOf(command);
  commandOf(command.command, args);
  const line = formatWords([command.command, ...args]);
  if (line.includes('\n')) {
    throw new XcpuFormatError('invalid argument');
  }
  return line;
}

/** The command of that name. @throws XcpuFormatError as `parseSessionCommand` */
function commandOf(name: string, args: readonly string[]): SessionCommand {
  if (!Object.hasOwn(PARSERS, name)) {
    throw new XcpuFormatError('unknown command');
  }
  const parser = PARSERS[name as SessionCommand['command']];
  if (args.length < parser.arity) {
    throw new XcpuFormatError(parser.missing);
  }
  if (args.length > parser.arity && !parser.more) {
    throw new XcpuFormatError('syntax error');
  }
  return parser.parse(...args);
}

interface Parser {
  readonly arity: number;
  /** The error when there are fewer arguments; which command has which is legacy's choice. */
  readonly missing: 'too few arguments' | 'argument expected';
  /** More arguments than `arity` may follow. */
  readonly more?: boolean;
  /** Gets exactly `arity` words, unless more may follow. */
  readonly parse: (...words: string[]) => SessionCommand;
}

const PARSERS: Readonly<Record<SessionCommand['command'], Parser>> = {
  exec: {
    arity: 1,
    missing: 'too few arguments',
    parse: (program = '') => ({ command: 'exec', program: fileName(program) }),
  },
  wipe: { arity: 0, missing: 'too few arguments', parse: () => ({ command: 'wipe' }) },
  signal: {
    arity: 1,
    missing: 'argument expected',
    more: true,
    parse: (signal = '', ...rest) => parseSignalCommand(signal, rest),
  },
  close: {
    arity: 1,
    missing: 'argument expected',
    parse: (stream) => ({
      command: 'close',
      stream: oneOf(STREAM_NAMES, stream, 'invalid argument'),
    }),
  },
  redirect: {
    arity: 2,
    missing: 'too few arguments',
    parse: (stream, file = '') => ({
      command: 'redirect',
      stream: oneOf(STREAM_NAMES, stream, 'invalid argument'),
      file: fileName(file),
    }),
  },
  id: {
    arity: 1,
    missing: 'argument expected',
    parse: (id = '') => ({ command: 'id', ...parseSessionIdParts(id) }),
  },
  type: {
    arity: 1,
    missing: 'argument expected',
    parse: (type) => ({
      command: 'type',
      type: oneOf(SESSION_TYPES, type, 'invalid session type'),
    }),
  },
  connect: {
    arity: 1,
    missing: 'too few arguments',
    parse: (target = '') => parseConnect(target),
  },
  argv: {
    arity: 1,
    missing: 'too few arguments',
    more: true,
    parse: (...args) => ({ command: 'argv', args: args.map(withoutNul) }),
  },
  env: {
    arity: 1,
    missing: 'too few arguments',
    more: true,
    parse: (...words) => ({ command: 'env', entries: words.map(parseEntry) }),
  },
  ns: {
    arity: 0,
    missing: 'too few arguments',
    more: true,
    parse: (...lines) => ({ command: 'ns', lines: lines.map(withoutNul) }),
  },
};

function argumentsOf(command: SessionCommand): string[] {
  switch (command.command) {
    case 'exec':
      return [command.program];
    case 'wipe':
      return [];
    case 'signal':
      return [command.signal, ...(command.pid === undefined ? [] : [command.pid])].map(String);
    case 'close':
      return [command.stream];
    case 'redirect':
      return [command.stream, command.file];
    case 'id':
      return [formatSessionId(command)];
    case 'type':
      return [command.type];
    case 'connect':
      return [formatConnect(command)];
    case 'argv':
      return [...command.args];
    case 'env':
      return command.entries.map(formatEntry);
    case 'ns':
      return [...command.lines];
  }
}

/** `SIGNAL [PID]` */
function parseSignalCommand(signal: string, [pid, ...rest]: readonly string[]): SessionCommand {
  if (rest.length > 0) {
    throw new XcpuFormatError('syntax error');
  }
  return {
    command: 'signal',
    signal: parseSignal(signal),
    ...(pid === undefined ? {} : { pid: parseProcessId(pid) }),
  };
}

/** `HOST!PORT/SID[/PATH][:PASSKEY]`; a path thus holds no colon. */
function parseConnect(target: string): ConnectCommand {
  const match = /^([^/]+)\/(\d{1,10})(?:\/([^:]+))?(?::(.*))?$/s.exec(target);
  if (!match) {
    throw new XcpuFormatError('syntax error');
  }
  const [, address = '', sid = '', below, passkey] = match;
  if (below?.split('/').some((name) => name === '' || name === '.' || name === '..')) {
    throw new XcpuFormatError('syntax error');
  }
  if (passkey !== undefined && !isPasskey(passkey)) {
    throw new XcpuFormatError('syntax error');
  }
  return {
    command: 'connect',
    address: parseAddress(address),
    sid,
    ...(below === undefined ? {} : { path: fileName(below) }),
    ...(passkey === undefined ? {} : { passkey }),
  };
}

function formatConnect({ address, sid, path, passkey }: ConnectCommand): string {
  const target = `${formatAddress(address)}/${sid}${path === undefined ? '' : `/${path}`}`;
  return passkey === undefined ? target : `${target}:${passkey}`;
}

function fileName(text: string): string {
  if (text === '') {
    throw new XcpuFormatError('invalid argument');
  }
  return withoutNul(text);
}

function withoutNul(text: string): string {
  if (text.includes('\0')) {
    throw new XcpuFormatError('invalid argument');
  }
  return text;
}

function oneOf<T extends string>(values: readonly T[], text: string | undefined, error: string): T {
  const value = values.find((candidate) => candidate === text);
  if (value === undefined) {
    throw new XcpuFormatError(error);
  }
  return value;
}
