import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import {
  expand,
  formatNode,
  lookupNode,
  type NodeMap,
  NodeSetError,
  nodeMapPaths,
  parseNode,
  parseNodeMap,
} from '@xcpu/nodeset';
import { XCPUFS_PORT } from '@xcpu/xcpu-protocol';
import { SetupError, systemText, UsageError } from './errors.js';

/** A node, and where it is. */
export interface NodeTarget {
  /** What the user calls it, without `user@`; labels and messages show it. */
  readonly name: string;
  /** Host name or IP address to connect to. */
  readonly host: string;
  readonly port: number;
  /** Whom to log in as, where the node set says so. */
  readonly user?: string;
  /** The node map has an address for it. */
  readonly mapped?: true;
}

/** What a node set leaves open. */
export interface ResolveOptions {
  /** Port of nodes that name none; that of xcpufs if left out. */
  readonly defaultPort?: number;
  /** The environment that names the node map file; `process.env` if left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The nodes of a node set (`n[8-11]`, `alice@n8!7000`) in natural order, with the addresses that the node map
 * gives them. The map is the first of `$XCPU_NODES_FILE`, `~/.config/xcpu/nodes` and `/etc/xcpu/nodes` that exists.
 *
 * @throws UsageError for text that is no node set, or an empty one
 * @throws SetupError naming every faulty line of the node map
 */
export function resolveNodes(text: string, options: ResolveOptions = {}): NodeTarget[] {
  const { defaultPort = XCPUFS_PORT, env = process.env } = options;
  const names = members(text);
  const map = readNodeMap(env);
  return names.map((member) => {
    const { user, ...plain } = parseNode(member);
    const { host, port = defaultPort } = lookupNode(map, plain);
    return {
      name: formatNode(plain),
      host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(map.has(plain.host) && { mapped: true as const }),
    };
  });
}

/**
 * All nodes of the node map, in its order; none where there is no map.
 * @throws SetupError naming every faulty line of the node map
 */
export function mappedNodes(options: ResolveOptions = {}): NodeTarget[] {
  const { defaultPort = XCPUFS_PORT, env = process.env } = options;
  return [...readNodeMap(env)].map(([name, { host, port = defaultPort }]) => {
    return { name, host, port, mapped: true as const };
  });
}

function members(text: string): string[] {
  let names: string[];
  try {
    names = expand(text);
  } catch (error) {
    throw error instanceof NodeSetError ? new UsageError(error.message) : error;
  }
  if (names.length === 0) throw new UsageError('the node set is empty: name nodes, as in n[8-11]');
  return names;
}

function readNodeMap(env: Readonly<Record<string, string | undefined>>): NodeMap {
  for (const path of nodeMapPaths(env, homedir())) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const named = path === env.XCPU_NODES_FILE;
      if (!named && isMissing(error)) continue;
      throw new SetupError(`cannot read the node map ${path}: ${systemText(error)}`);
    }
    const { map, errors } = parseNodeMap(text);
    if (errors.length > 0) {
      throw new SetupError(
        errors.map(({ line, reason }) => `${path}:${line}: ${reason}`).join('\n'),
      );
    }
    return map;
  }
  return new Map();
}

/** Also a directory that may not be entered: the file is then none of the caller's. */
function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES';
}
