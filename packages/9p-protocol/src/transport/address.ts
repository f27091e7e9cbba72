import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { connectTcp, listenTcp } from './tcp.js';
import type { Listener, Transport } from './transport.js';
import { connectUnix, listenUnix } from './unix.js';

/** The port of 9P: IANA's `9pfs`. */
export const DEFAULT_PORT = 564;

/** Where a server is. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/**
 * Reads an address: Plan 9's dial strings (`tcp!host!port`, `net!host!9fs`, `unix!/path`, `host!port`, dial(3)),
 * `host:port`, `[::1]:port`, a host alone, and a path that begins with `/` or `.`. `*` is every address of this
 * machine.
 * @throws NinePError (EINVAL) that says what is wrong
 */
export function parseAddress(text: string, defaultPort: number = DEFAULT_PORT): Address {
  if (/[\0-\x20\x7f]/.test(text) || text === '') throw invalid(text, 'not a host, nor a path');
  if (text.startsWith('/') || text.startsWith('.')) return { kind: 'unix', path: text };
  const parts = text.split('!');
  if (parts[0] === 'unix') {
    const path = text.slice('unix!'.length);
    if (path === '') throw invalid(text, 'a path is missing');
    return { kind: 'unix', path };
  }
  if (parts.length === 1) return splitColon(text, defaultPort);
  if (parts[0] === 'tcp' || parts[0] === 'net') parts.shift();
  else if (parts.length > 2) throw invalid(text, `no such network: ${parts[0]}`);
  const [host = '', port, ...rest] = parts;
  if (rest.length > 0) throw invalid(text, 'too many parts');
  return tcp(text, unbracketed(host), port, defaultPort);
}

/**
 * Connects to an address, see `parseAddress`: `dial('tcp!n8!564')`, `dial('unix!/run/files')`.
 * @throws NinePError (EINVAL), Node's system error (ECONNREFUSED, ENOENT, …) or the signal's reason.
 */
export async function dial(
  address: string,
  options: { readonly signal?: AbortSignal | undefined; readonly defaultPort?: number } = {},
): Promise<Transport> {
  const { signal, defaultPort } = options;
  const to = parseAddress(address, defaultPort);
  if (to.kind === 'unix') return connectUnix({ path: to.path, signal });
  if (to.host === '*') throw invalid(address, '* is for listening');
  return connectTcp({ host: to.host, port: to.port, signal });
}

/**
 * Accepts connections at an address, see `parseAddress`: `listen('tcp!*!564', (transport) => server.accept(transport))`.
 * @throws NinePError (EINVAL) or Node's system error (EADDRINUSE, EACCES, …).
 */
export async function listen(
  address: string,
  accept: (transport: Transport) => void,
  options: { readonly defaultPort?: number; readonly mode?: number | undefined } = {},
): Promise<Listener> {
  const at = parseAddress(address, options.defaultPort);
  if (at.kind === 'unix') return listenUnix({ path: at.path, mode: options.mode }, accept);
  return listenTcp({ port: at.port, host: at.host === '*' ? undefined : at.host }, accept);
}

function splitColon(text: string, defaultPort: number): Address {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return tcp(text, bracketed[1]!, bracketed[2], defaultPort);
  const colons = text.split(':');
  // More than one colon is an IPv6 address without a port.
  if (colons.length > 2) return tcp(text, text, undefined, defaultPort);
  return tcp(text, colons[0]!, colons[1], defaultPort);
}

function tcp(text: string, host: string, port: string | undefined, defaultPort: number): Address {
  if (host === '' || /[/[\]]/.test(host)) throw invalid(text, 'a host is missing');
  if (port === undefined) return { kind: 'tcp', host, port: defaultPort };
  const number = port === '9fs' || port === '9pfs' ? DEFAULT_PORT : Number(port);
  if (!/^(\d{1,5}|9p?fs)$/.test(port) || number > 0xffff) throw invalid(text, `no port: ${port}`);
  return { kind: 'tcp', host, port: number };
}

function unbracketed(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

function invalid(text: string, why: string): NinePError {
  const form = 'tcp!host!port, host:port or unix!/path';
  return new NinePError(`address ${JSON.stringify(text)}: ${why} (${form})`, Errno.EINVAL);
}
