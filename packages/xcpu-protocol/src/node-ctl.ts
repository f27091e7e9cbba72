import { MAX_ID, parseDecimal } from './decimal.js';
import { XcpuFormatError } from './errors.js';
import { formatPublicKey, type PublicKey, parsePublicKey } from './keys.js';
import { checkGroupName, checkUserName } from './names.js';
import { formatWords, parseWords } from './quoting.js';
import { parseProcessId, parseSignal } from './signals.js';

/** A command written to a node's root `ctl` file: its users, its groups, its processes. */
export type NodeCommand =
  | {
      readonly command: 'user-add';
      readonly user: string;
      readonly uid: number;
      /** His default group; it must exist. */
      readonly group: string;
      readonly key: PublicKey;
    }
  | { readonly command: 'user-del'; readonly user: string }
  /** Another key for the same user. Historic nodes do not know it. */
  | { readonly command: 'user-key'; readonly user: string; readonly key: PublicKey }
  | { readonly command: 'user-flush' }
  | { readonly command: 'user-add-group'; readonly user: string; readonly group: string }
  | { readonly command: 'user-del-group'; readonly user: string; readonly group: string }
  | { readonly command: 'group-add'; readonly group: string; readonly gid: number }
  | { readonly command: 'group-del'; readonly group: string }
  /** Removes all users too. */
  | { readonly command: 'group-flush' }
  /** `signal` is a Linux signal number, `pid` at least 1. */
  | { readonly command: 'kill'; readonly signal: number; readonly pid: number };

/**
 * One line written to a node's `ctl`, without its newline.
 *
 * @throws XcpuFormatError "unknown command", "Usage: ...", "invalid user id", "invalid group id x",
 * "invalid pid", "invalid key type", "invalid key", "unsupported signal", "unterminated quote", or
 * naming a user or group name that would forge a line of `pwent` or `grent`
 */
export function parseNodeCommand(line: string): NodeCommand {
  const [name = '', ...args] = parseWords(line);
  if (!Object.hasOwn(PARSERS, name)) {
    throw new XcpuFormatError('unknown command');
  }
  const { usage, parse } = PARSERS[name as NodeCommand['command']];
  const arity = usage === '' ? 0 : usage.split(' ').length;
  if (args.length !== arity) {
    throw new XcpuFormatError(`Usage: ${name} ${usage}`.trimEnd());
  }
  return parse(...args);
}

/**
 * The line for a node's `ctl`, without its newline; `parseNodeCommand` gives the command back.
 *
 * @throws XcpuFormatError when the command holds a name or number that a node would refuse
 */
export function formatNodeCommand(command: NodeCommand): string {
  const line = formatWords([command.command, ...argumentsOf(command)]);
  parseNodeCommand(line);
  return line;
}

interface Parser {
  /** The words that follow the command, one name each. */
  readonly usage: string;
  /** Gets as many words as `usage` names. */
  readonly parse: (...words: string[]) => NodeCommand;
}

const PARSERS: Readonly<Record<NodeCommand['command'], Parser>> = {
  'user-add': {
    usage: 'uname uid groupname key',
    parse: (user = '', uid = '', group = '', key = '') => ({
      command: 'user-add',
      user: checkUserName(user),
      uid: number(uid, MAX_ID, 'invalid user id'),
      group: checkGroupName(group),
      key: parsePublicKey(key),
    }),
  },
  'user-del': {
    usage: 'uname',
    parse: (user = '') => ({ command: 'user-del', user: checkUserName(user) }),
  },
  'user-key': {
    usage: 'uname key',
    parse: (user = '', key = '') => ({
      command: 'user-key',
      user: checkUserName(user),
      key: parsePublicKey(key),
    }),
  },
  'user-flush': { usage: '', parse: () => ({ command: 'user-flush' }) },
  'user-add-group': {
    usage: 'uname groupname',
    parse: (user = '', group = '') => ({
      command: 'user-add-group',
      user: checkUserName(user),
      group: checkGroupName(group),
    }),
  },
  'user-del-group': {
    usage: 'uname groupname',
    parse: (user = '', group = '') => ({
      command: 'user-del-group',
      user: checkUserName(user),
      group: checkGroupName(group),
    }),
  },
  'group-add': {
    usage: 'groupname gid',
    parse: (group = '', gid = '') => ({
      command: 'group-add',
      group: checkGroupName(group),
      gid: number(gid, MAX_ID, 'invalid group id x'),
    }),
  },
  'group-del': {
    usage: 'groupname',
    parse: (group = '') => ({ command: 'group-del', group: checkGroupName(group) }),
  },
  'group-flush': { usage: '', parse: () => ({ command: 'group-flush' }) },
  kill: {
    usage: 'signal pid',
    parse: (signal = '', pid = '') => ({
      command: 'kill',
      signal: parseSignal(signal),
      pid: parseProcessId(pid),
    }),
  },
};

function argumentsOf(command: NodeCommand): string[] {
  switch (command.command) {
    case 'user-add':
      return [command.user, String(command.uid), command.group, formatPublicKey(command.key)];
    case 'user-del':
      return [command.user];
    case 'user-key':
      return [command.user, formatPublicKey(command.key)];
    case 'user-add-group':
    case 'user-del-group':
      return [command.user, command.group];
    case 'group-add':
      return [command.group, String(command.gid)];
    case 'group-del':
      return [command.group];
    case 'user-flush':
    case 'group-flush':
      return [];
    case 'kill':
      return [String(command.signal), String(command.pid)];
  }
}

function number(text: string, max: number, error: string): number {
  const value = parseDecimal(text, max);
  if (value === undefined) {
    throw new XcpuFormatError(error);
  }
  return value;
}
