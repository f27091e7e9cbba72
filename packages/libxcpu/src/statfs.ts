import { userInfo } from 'node:os';
import { connectTcp, NinePError, OpenMode } from '@xcpu/9p-protocol';
import { attach, Client, type Fid } from '@xcpu/9p-protocol/client';
import { fold, NodeSetError, parseNode } from '@xcpu/nodeset';
import {
  type NodeDetails,
  type NodeStatus,
  parseAddress,
  parseNodeDetails,
  parseNodeStatuses,
  STATE_UP,
  STATFS_PORT,
  XCPUFS_PORT,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';
import { errorText, NodeError, systemText, UsageError } from './errors.js';
import { CONNECT_TIMEOUT_MS, type NodeTrace } from './node/dial.js';
import { printable } from './node/errors.js';
import { type NodeTarget, resolveNodes } from './nodes.js';

/** Where statfs is if nobody says otherwise: on this machine. */
const DEFAULT_SERVER = 'localhost';

/** What errors call the server. */
const SERVICE = 'statfs';

/** Which statfs is asked, and how. */
export interface StatfsOptions {
  /** `[tcp!]host[!port]` of the server; `$XCPU_STATFS`, else this machine, if left out. */
  readonly server?: string | undefined;
  /** Name to attach with; the invoking user's if left out. Everybody may read statfs. */
  readonly user?: string | undefined;
  /** Longest time to connect and read, in milliseconds. Default 10 s. */
  readonly connectTimeout?: number | undefined;
  readonly trace?: NodeTrace | undefined;
  /** The environment that may name the server; `process.env` if left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The nodes that a command is about: those of a node set, or where there is none all that statfs reports up.
 * @throws UsageError, SetupError as `resolveNodes` does; NodeError if statfs cannot be read or reports no node up
 */
export async function findNodes(
  nodes: string | undefined,
  options: StatfsOptions = {},
): Promise<NodeTarget[]> {
  return nodes === undefined ? nodesUp(options) : resolveNodes(nodes);
}

/**
 * All nodes that are exactly `up`, in the order of statfs, where it reaches them itself.
 * @throws UsageError for an address that is none; NodeError if statfs cannot be read or reports no node up
 */
export async function nodesUp(options: StatfsOptions = {}): Promise<NodeTarget[]> {
  const statuses = await readStatfs(options);
  const up = statuses.filter(({ state }) => state === STATE_UP);
  if (up.length > 0) return up.map(targetOf);
  const others = statuses.length > 0 ? `; not up: ${fold(statuses.map(({ name }) => name))}` : '';
  throw new NodeError(SERVICE, 'failed', `no node is up${others}`);
}

/**
 * What statfs knows of its nodes: the lines of its file `state`.
 * @throws UsageError for an address that is none; NodeError if statfs cannot be read or makes no sense
 */
export async function readStatfs(options: StatfsOptions = {}): Promise<NodeStatus[]> {
  const text = await withStatfs(options, (root) => readText(root, 'state'));
  return inProtocol(() => checked(parseNodeStatuses(text)));
}

/**
 * All that statfs knows of its nodes: its file `details`, or of a historic server `state`.
 * @throws UsageError for an address that is none; NodeError if statfs cannot be read or makes no sense
 */
export async function readStatfsDetails(options: StatfsOptions = {}): Promise<NodeDetails[]> {
  const { name, text } = await withStatfs(options, async (root) => {
    try {
      return { name: 'details', text: await readText(root, 'details') };
    } catch (error) {
      if (!(error instanceof NinePError) || error.kind !== 'file') throw error;
      return { name: 'state', text: await readText(root, 'state') };
    }
  });
  const parse = () => parseNodeStatuses(text).map((status) => ({ ...status, load: {} }));
  return inProtocol(() => checked(name === 'details' ? parseNodeDetails(text) : parse()));
}

/**
 * Does something with the root of statfs's tree.
 * @throws UsageError for an address that is none; NodeError if it cannot be done
 */
async function withStatfs<T>(options: StatfsOptions, work: (root: Fid) => Promise<T>): Promise<T> {
  const { connectTimeout = CONNECT_TIMEOUT_MS, trace } = options;
  const { host, port } = serverAddress(options);
  const signal = AbortSignal.timeout(connectTimeout);
  let client: Client | undefined;
  // A server that stops answering answers no Tflush either.
  const abort = () => client?.destroy();
  signal.addEventListener('abort', abort);
  try {
    const transport = await connectTcp({ host, port, signal });
    client = await Client.connect(transport, {
      signal,
      ...(trace && { trace: (direction, message) => trace(SERVICE, direction, message) }),
    });
    return await work(await attach(client, callerOf(options)));
  } catch (error) {
    const where = `${host}!${port}`;
    const named = options.server === undefined ? '$XCPU_STATFS' : '-s';
    throw statfsError(error, where, named, signal.aborted ? connectTimeout : undefined);
  } finally {
    signal.removeEventListener('abort', abort);
    client?.close();
  }
}

function serverAddress({ server, env = process.env }: StatfsOptions) {
  const named = server ?? (env.XCPU_STATFS || undefined);
  try {
    return parseAddress(named ?? DEFAULT_SERVER, STATFS_PORT);
  } catch (error) {
    const from = server === undefined ? '$XCPU_STATFS' : 'the address of statfs';
    throw new UsageError(`${from}: ${errorText(error)}`);
  }
}

/** Historic servers are told a number, too. */
function callerOf({ user }: StatfsOptions): { uname: string; nUname?: number } {
  if (user !== undefined) return { uname: user };
  const number = process.geteuid?.();
  const who = number === undefined ? {} : { nUname: number };
  try {
    return { uname: userInfo().username, ...who };
  } catch {
    return { uname: 'nobody', ...who };
  }
}

/** One request at a time, as historic servers want it. */
async function readText(root: Fid, name: string): Promise<string> {
  try {
    const file = await root.walk([name]);
    await file.open(OpenMode.READ);
    return (await file.readAll()).toString('utf8');
  } catch (error) {
    if (!(error instanceof NinePError) || error.kind !== 'file') throw error;
    throw new NinePError(`${name}: ${error.ename}`, error.errno);
  }
}

/** @param named what says where the server is */
function statfsError(
  error: unknown,
  where: string,
  named: string,
  late: number | undefined,
): NodeError {
  const hint = `(${where}): is statfs running there? ${named} names its host`;
  if (late !== undefined) {
    return new NodeError(SERVICE, 'timeout', `no answer within ${late / 1000} s ${hint}`);
  }
  if (!(error instanceof NinePError)) {
    const unknown = error instanceof Error && 'code' in error && error.code === 'ENOTFOUND';
    const reason = unknown
      ? `unknown host (${where}): ${named} names the host of statfs`
      : `${systemText(error)} ${hint}`;
    return new NodeError(SERVICE, 'unreachable', reason, { cause: error });
  }
  const kind = error.kind === 'protocol' ? 'protocol' : error.kind === 'closed' ? 'lost' : 'failed';
  return new NodeError(SERVICE, kind, `${printable(error.ename)} ${hint}`, { cause: error });
}

/** Names are made node sets of. */
function checked<T extends NodeStatus>(nodes: T[]): T[] {
  for (const { name } of nodes) parseNode(name);
  return nodes;
}

/** Where statfs reaches the node, though this machine may call it otherwise. */
function targetOf({ name, addr }: NodeStatus): NodeTarget {
  return inProtocol(() => ({ name, ...parseAddress(addr, XCPUFS_PORT) }));
}

/** What the server sent, taken apart: that it cannot be is its failure. */
function inProtocol<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof XcpuFormatError || error instanceof NodeSetError)) throw error;
    throw new NodeError(SERVICE, 'protocol', printable(error.message), { cause: error });
  }
}
