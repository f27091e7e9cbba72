import { formatMessage, type Listener } from '@xcpu/9p-protocol';
import { Server } from '@xcpu/9p-protocol/server';
import { Log, listenAt, type RunningDaemon, StartError, serverLog } from '@xcpu/daemon';
import { adminLogins, Limiter, type Login, type NodeTrace, SetupError } from '@xcpu/libxcpu';
import { formatNodeDetails, formatNodeStatuses } from '@xcpu/xcpu-protocol';
import { readConfiguration } from './config.js';
import { type HttpPlace, type HttpService, serveHttp } from './http.js';
import {
  MAX_CLIENT_FIDS,
  MAX_CLIENTS,
  MAX_CLIENTS_PER_HOST,
  MAX_CONNECTING,
  METRICS_AGE_MS,
  STATE_AGE_MS,
} from './limits.js';
import { formatMetrics } from './metrics.js';
import { type Summaries, statfsTree } from './tree/root.js';
import { SharedText } from './tree/shared-text.js';
import { NodeTable } from './watch/node-table.js';
import type { WatchContext } from './watch/watched-node.js';

export interface StatfsOptions {
  /** File that names the nodes; the node map if left out. */
  readonly config?: string | undefined;
  readonly port: number;
  /** Address to listen on; all of them if left out. */
  readonly listen?: string | undefined;
  /** Between two readings of a node, in milliseconds. */
  readonly interval: number;
  /** File with the administrator's private key. */
  readonly adminKey?: string | undefined;
  /** Where the metrics are served over HTTP, if at all. */
  readonly http?: HttpPlace | undefined;
  /** One log line per message. */
  readonly debug: boolean;
  readonly logJson: boolean;
}

/**
 * Starts to watch nodes and to serve what is known of them.
 * @throws StartError telling the operator what is wrong
 */
export async function startStatfs(options: StatfsOptions): Promise<RunningDaemon> {
  const log = new Log(options.logJson);
  const { file, nodes: configured } = readConfiguration(options.config);
  const logins = await loginsOf(options);
  const nodes = new NodeTable(watchContext(options, logins, log));
  const summaries = summariesOf(nodes);
  const server = new Server(statfsTree(nodes, summaries), {
    ...serverLog(log, options.debug),
    limits: {
      connections: MAX_CLIENTS,
      connectionsPerPeer: MAX_CLIENTS_PER_HOST,
      fids: MAX_CLIENT_FIDS,
    },
  });
  const place = { daemon: 'statfs', host: options.listen, port: options.port };
  const listener = await listenAt(place, (transport) => void server.accept(transport));
  let http: HttpService | undefined;
  try {
    http = options.http && (await serveHttp(options.http, () => summaries.metrics.bytes()));
  } catch (error) {
    await listener.close();
    throw error;
  }
  nodes.configure(configured);
  const { address } = listener;
  log.event('listening', { address, http: http?.address, nodes: nodes.size, config: file });
  return new StatfsDaemon({ listener, server, http, nodes, config: options.config, log });
}

interface StatfsParts {
  readonly listener: Listener;
  readonly server: Server<string>;
  readonly http: HttpService | undefined;
  readonly nodes: NodeTable;
  readonly config: string | undefined;
  readonly log: Log;
}

class StatfsDaemon implements RunningDaemon {
  readonly #parts: StatfsParts;

  constructor(parts: StatfsParts) {
    this.#parts = parts;
  }

  /** Reads the configuration again; where it is faulty, the one before goes on. */
  reload(): void {
    const { nodes, config, log } = this.#parts;
    try {
      const { file, nodes: configured } = readConfiguration(config);
      const change = nodes.configure(configured);
      log.event('configuration read', { config: file, nodes: nodes.size, ...change });
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      for (const reason of error.message.split('\n')) log.event('configuration kept', { reason });
    }
  }

  async stop(): Promise<void> {
    const { listener, server, http, nodes, log } = this.#parts;
    log.event('stopping');
    const closed = listener.close();
    http?.close();
    nodes.stop();
    server.close();
    await closed;
    log.event('stopped');
  }
}

async function loginsOf({ adminKey }: StatfsOptions): Promise<readonly [Login, ...Login[]]> {
  let logins: readonly [Login, ...Login[]];
  try {
    logins = await adminLogins({ adminKeyFile: adminKey });
  } catch (error) {
    throw error instanceof SetupError ? new StartError(error.message) : error;
  }
  if (logins[0].key) return logins;
  throw new StartError(
    "no administrator's key to log in to the nodes with: name one with -A or $XCPU_ADMIN_KEY",
  );
}

function watchContext(
  { interval, debug }: StatfsOptions,
  logins: readonly [Login, ...Login[]],
  log: Log,
): WatchContext {
  const trace: NodeTrace = (node, direction, message) =>
    log.event('node message', { node, direction, message: formatMessage(message) });
  return {
    logins,
    interval,
    turns: { prompt: new Limiter(MAX_CONNECTING), silent: new Limiter(MAX_CONNECTING) },
    origin: performance.now(),
    changed: ({ name, details }, reason) =>
      log.event('node', { node: name, state: details.state, reason }),
    trace: debug ? trace : undefined,
  };
}

function summariesOf(nodes: NodeTable): Summaries {
  return {
    state: new SharedText(() => formatNodeStatuses(nodes.details()), STATE_AGE_MS),
    details: new SharedText(() => formatNodeDetails(nodes.details()), STATE_AGE_MS),
    metrics: new SharedText(() => formatMetrics([...nodes.details()]), METRICS_AGE_MS),
  };
}
