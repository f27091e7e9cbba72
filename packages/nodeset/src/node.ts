import { isIPv6 } from 'node:net';
import { NodeSetError } from './errors.js';
import { MAX_NODE_LENGTH } from './limits.js';

/** Where one node is, and who logs in there: what `user@tcp!host!port` says. */
export interface NodeAddress {
  /** Name to log in with; absent: the caller's own. */
  user?: string;
  /** Host name, or an IPv4 or IPv6 address, the latter without brackets. */
  host: string;
  /** TCP port, 1 to 65535; absent: the service's own. */
  port?: number;
}

/**
 * Reads the text of one node: `[user@][tcp!]host[!port]`, as a node set's members are. An IPv6 address may stand in
 * brackets: `fd00::2!6668`, `[fd00::2]!6668`.
 *
 * @throws NodeSetError where it is not the text of one node, ranges included
 */
export function parseNode(member: string): NodeAddress {
  return readNode(member, (reason) => {
    throw new NodeSetError(member, reason, 0);
  });
}

/** The shortest text that parseNode reads as `address`; an IPv6 address gets brackets. */
export function formatNode({ user, host, port }: NodeAddress): string {
  const login = user === undefined ? '' : `${user}@`;
  const shown = host.includes(':') ? `[${host}]` : host;
  if (port === undefined) {
    return login + shown;
  }
  // A host named tcp would be taken for the transport.
  return `${login}${host === 'tcp' ? 'tcp!' : ''}${shown}!${port}`;
}

/** parseNode for callers that name another text in their errors: `fail` gets the reason and must throw. */
export function readNode(member: string, fail: (reason: string) => never): NodeAddress {
  if (member.length > MAX_NODE_LENGTH) {
    return fail(`a node has at most ${MAX_NODE_LENGTH} characters`);
  }
  const at = member.indexOf('@');
  const address = readAddress(member.slice(at + 1), fail);
  return at < 0 ? address : { user: readUser(member.slice(0, at), fail), ...address };
}

function readAddress(text: string, fail: (reason: string) => never): NodeAddress {
  const parts = text.split('!');
  if (parts.length > 1 && parts[0] === 'tcp') {
    parts.shift();
  } else if (parts.length === 3) {
    return fail(`transport "${parts[0]}" is not known, only tcp`);
  }
  if (parts.length > 2) {
    return fail(`"${text}" has too many "!"; write host, host!port or tcp!host!port`);
  }
  const host = readHost(parts[0]!, fail);
  return parts[1] === undefined ? { host } : { host, port: readPort(parts[1], fail) };
}

function readHost(text: string, fail: (reason: string) => never): string {
  if (text === '') {
    return fail('a host name is missing');
  }
  if (text.includes(':')) {
    const address = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
    const zone = address.indexOf('%');
    return isIPv6(address) && (zone < 0 || ZONE.test(address.slice(zone + 1)))
      ? address
      : fail(`"${text}" is not an IPv6 address; ports are written host!port`);
  }
  if (/[[\]]/.test(text)) {
    return fail(`"${text}" is not one node; ranges are not possible here`);
  }
  const [strange] = /[^\w.-]/u.exec(text) ?? [];
  if (strange !== undefined) {
    return fail(`a host name cannot have the character ${JSON.stringify(strange)}`);
  }
  // A leading dash would make the name an option of the programs it is handed to.
  return /^\w/.test(text) ? text : fail(`a host name cannot start with "${text[0]}"`);
}

const ZONE = /^[\w.-]+$/;

function readPort(text: string, fail: (reason: string) => never): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= MAX_PORT ? port : fail(`port "${text}" is not 1 to ${MAX_PORT}`);
}

/** The highest TCP port. */
export const MAX_PORT = 65535;

function readUser(text: string, fail: (reason: string) => never): string {
  if (text === '') {
    return fail('a user name is missing before "@"; nodeset -f makes nodes of a group @NAME');
  }
  if (text.includes('!')) {
    return fail('the user name comes first: user@tcp!host!port');
  }
  const [strange] = /[\s\p{C},:/[\]]/u.exec(text) ?? [];
  if (strange !== undefined) {
    return fail(`a user name cannot have the character ${JSON.stringify(strange)}`);
  }
  return text.startsWith('-') ? fail('a user name cannot start with "-"') : text;
}
