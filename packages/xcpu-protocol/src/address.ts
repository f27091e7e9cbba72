import { isIPv4, isIPv6 } from 'node:net';
import { parseDecimal } from './decimal.js';
import { show, XcpuFormatError } from './errors.js';

/** TCP port of xcpufs, the node daemon. */
export const XCPUFS_PORT = 6668;

/** TCP port of statfs, which serves the state of many nodes. */
export const STATFS_PORT = 20003;

/** Where a 9P service listens. */
export interface Address {
  /** Host name, IPv4 or IPv6 address; IPv6 without brackets, with its zone if it has one. */
  readonly host: string;
  /** 1 to 65535; absent where the service's own port is meant. */
  readonly port?: number;
}

/** Longest text that can be an address: a DNS name has at most 253 characters. */
const MAX_LENGTH = 300;

/**
 * An address in Plan 9 style, `[tcp!]host[!port]`; an IPv6 host may stand in brackets.
 *
 * @param defaultPort the port to give to an address that names none
 * @throws XcpuFormatError naming the text and what is wrong with it
 */
export function parseAddress(
  text: string,
  defaultPort: number,
): { readonly host: string; readonly port: number };
export function parseAddress(text: string, defaultPort?: number): Address;
export function parseAddress(text: string, defaultPort?: number): Address {
  const fail = (reason: string): never => {
    throw new XcpuFormatError(`invalid address ${show(text)}: ${reason}`);
  };
  if (text.length > MAX_LENGTH) {
    fail('too long');
  }
  const parts = text.split('!');
  if (parts.length > 1 && parts[0] === 'tcp') {
    parts.shift();
  }
  const [hostText = '', portText, ...rest] = parts;
  if (rest.length > 0) {
    fail('expected [tcp!]host[!port]');
  }
  const host = /^\[.*\]$/.test(hostText) ? hostText.slice(1, -1) : hostText;
  if (host !== hostText && !isIPv6(host)) {
    fail('only an IPv6 address may stand in brackets');
  }
  if (!isHost(host)) {
    fail(
      /^[^:]+:\d+$/.test(host)
        ? `a port follows '!', as in ${host.replace(':', '!')}`
        : 'expected a host name or an IP address',
    );
  }
  if (portText === undefined) {
    return defaultPort === undefined ? { host } : { host, port: defaultPort };
  }
  const port = parseDecimal(portText, 65535);
  if (port === undefined || port === 0) {
    return fail('a port is a number from 1 to 65535');
  }
  return { host, port };
}

/**
 * `host!port`, or `host` where there is no port; `parseAddress` gives the address back.
 *
 * @throws XcpuFormatError when the host or the port is none
 */
export function formatAddress({ host, port }: Address): string {
  // A host called "tcp" would be taken for the network.
  const text = `${host === 'tcp' ? 'tcp!' : ''}${host}${port === undefined ? '' : `!${port}`}`;
  parseAddress(text);
  return text;
}

function isHost(host: string): boolean {
  return isIPv4(host) || isIPv6(host) || /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(host);
}
