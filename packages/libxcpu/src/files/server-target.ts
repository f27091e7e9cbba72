import { type Address, parseAddress } from '@xcpu/9p-protocol';
import { XCPUFS_PORT } from '@xcpu/xcpu-protocol';
import { UsageError } from '../errors.js';
import { resolveNodes } from '../nodes.js';

/** A server, and where it is. */
export interface ServerTarget {
  /** What the user calls it, without `user@`; messages show it. */
  readonly name: string;
  readonly address: Address;
  /** Whether the user means an xcpu node: the node map names it, or the port is xcpu's. */
  readonly isNode: boolean;
  /** Whom to log in as, where the address says so. */
  readonly user?: string;
}

/**
 * What ADDRESS says: a node as `resolveNodes` of libxcpu finds it, `tcp!host!port`, `net!host!9fs`, `host:port`,
 * `unix!/path`, or a path that begins with `/` or `.`. An explicit port wins over the node map's, that over xcpu's.
 * @throws UsageError, and SetupError for a faulty node map
 */
export function parseServerTarget(
  text: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ServerTarget {
  if (/^([/.]|unix!)/.test(text)) return unixTarget(text);
  const [node, ...others] = resolveNodes(nodeText(text), { env });
  if (!node || others.length > 0) {
    throw new UsageError(`${text}: one server is wanted, these are ${others.length + 1}`);
  }
  const { name, host, port, user, mapped = false } = node;
  const address: Address = { kind: 'tcp', host, port };
  const isNode = mapped || port === XCPUFS_PORT;
  return { name, address, isNode, ...(user === undefined ? {} : { user }) };
}

/** Where it is, for messages: `10.0.0.8!6668`, `unix!/run/files`. */
export function formatServerAddress(address: Address): string {
  return address.kind === 'unix' ? `unix!${address.path}` : `${address.host}!${address.port}`;
}

function unixTarget(text: string): ServerTarget {
  try {
    const address = parseAddress(text);
    return { name: formatServerAddress(address), address, isNode: false };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The forms that node sets do not know in those that they know. */
function nodeText(text: string): string {
  return text
    .replace(/^([^@]*@)?net!/, '$1tcp!')
    .replace(/^([^:]*|.*\]):(\w+)$/, '$1!$2')
    .replace(/!9p?fs$/, '!564');
}
