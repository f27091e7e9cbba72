import { excerpt } from './errors.js';
import { MAX_NODE_MAP_LENGTH } from './limits.js';
import { formatNode, type NodeAddress, readNode } from './node.js';

/** Addresses by node name, in the order of the file. They carry no user name. */
export type NodeMap = ReadonlyMap<string, NodeAddress>;

/** A line of a node map file that says nothing usable. */
export interface NodeMapError {
  /** Number of the line, from 1. */
  line: number;
  /** What is wrong with it, on one line. */
  reason: string;
}

/**
 * Reads a node map file: `name=[tcp!]host[!port]` per line; `#` starts a comment, blank lines are skipped.
 * Never throws: every faulty line is reported, and the map holds the others. A name that comes twice keeps its first
 * address.
 */
export function parseNodeMap(text: string): { map: NodeMap; errors: NodeMapError[] } {
  const map = new Map<string, NodeAddress>();
  const errors: NodeMapError[] = [];
  if (text.length > MAX_NODE_MAP_LENGTH) {
    errors.push({ line: 1, reason: `the file is longer than ${MAX_NODE_MAP_LENGTH} characters` });
    return { map, errors };
  }
  const lineOf = new Map<string, number>();
  text.split(/\r?\n/).forEach((content, index) => {
    const line = index + 1;
    try {
      const entry = parseLine(content);
      if (entry === undefined) {
        return;
      }
      const first = lineOf.get(entry.name);
      if (first !== undefined) {
        throw new LineFault(`node ${excerpt(entry.name)} has an address in line ${first} already`);
      }
      lineOf.set(entry.name, line);
      map.set(entry.name, entry.address);
    } catch (error) {
      if (!(error instanceof LineFault)) {
        throw error;
      }
      errors.push({ line, reason: error.message });
    }
  });
  return { map, errors };
}

/** The text of a node map file, one line per node. Inverse of parseNodeMap. */
export function formatNodeMap(map: NodeMap): string {
  return [...map].map(([name, address]) => `${name}=${formatNode(address)}\n`).join('');
}

/**
 * Where `node` is: a name in the map is replaced by its address there, another stays as it is, for the resolver.
 * The node's own user and port win over the map's port.
 */
export function lookupNode(map: NodeMap, node: NodeAddress): NodeAddress {
  return { ...map.get(node.host), ...node, host: map.get(node.host)?.host ?? node.host };
}

/**
 * Where a node map file may be, the first that exists counts: `$XCPU_NODES_FILE`, `~/.config/xcpu/nodes`,
 * `/etc/xcpu/nodes`.
 *
 * @param env the environment, such as `process.env`
 * @param home the user's home directory; absent: `$HOME`
 */
export function nodeMapPaths(
  env: Readonly<Record<string, string | undefined>>,
  home: string | undefined = env.HOME,
): string[] {
  const paths = [env.XCPU_NODES_FILE, home && `${home}/.config/xcpu/nodes`, '/etc/xcpu/nodes'];
  return paths.filter((path): path is string => path !== undefined && path !== '');
}

class LineFault extends Error {}

function parseLine(content: string): { name: string; address: NodeAddress } | undefined {
  const line = content.replace(/#.*/s, '').trim();
  if (line === '') {
    return undefined;
  }
  const equals = line.indexOf('=');
  if (equals < 0) {
    throw new LineFault(`${excerpt(line)} is not name=[tcp!]host[!port]`);
  }
  const name = line.slice(0, equals).trimEnd();
  const plain = parsePart('name', name);
  if (plain.host !== name || plain.port !== undefined) {
    throw new LineFault(
      `name ${excerpt(name)}: a plain name is wanted, without user, tcp! or port`,
    );
  }
  const value = line.slice(equals + 1).trimStart();
  const address = parsePart('address', value);
  if (address.user !== undefined) {
    throw new LineFault(`address ${excerpt(value)}: a user name is not possible here`);
  }
  return { name, address };
}

function parsePart(what: string, text: string): NodeAddress {
  return readNode(text, (reason) => {
    throw new LineFault(`${what} ${excerpt(text)}: ${reason}`);
  });
}
