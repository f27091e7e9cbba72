import { type Parsed, parseCommandLine, parsePort } from '@xcpu/daemon';
import { STATFS_PORT } from '@xcpu/xcpu-protocol';
import { Command, InvalidArgumentError } from 'commander';
import type { StatfsOptions } from './daemon.js';
import type { HttpPlace } from './http.js';

const DEFAULT_INTERVAL_MS = 5_000;
/** Seconds between two readings of a node: less is for tests, more tells nothing. */
const MIN_INTERVAL = 0.1;
const MAX_INTERVAL = 3_600;

interface CommandLine {
  config?: string;
  port?: number;
  listen?: string;
  interval?: number;
  adminKey?: string;
  http?: HttpPlace;
  debug?: true;
  logJson?: true;
}

/** Options from the command line. */
export function parseOptions(argv: readonly string[], version: string): Parsed<StatfsOptions> {
  const parsed = parseCommandLine<CommandLine>(describeCommand(), argv, version);
  if ('exitCode' in parsed) return parsed;
  const { config, port, listen, interval, adminKey, http, debug, logJson } = parsed.options;
  return {
    options: {
      config,
      port: port ?? STATFS_PORT,
      listen,
      interval: interval ?? DEFAULT_INTERVAL_MS,
      adminKey,
      // Whoever listens on one address means it for both.
      http: http && { host: http.host ?? listen, port: http.port },
      debug: debug ?? false,
      logJson: logJson ?? false,
    },
  };
}

function describeCommand(): Command {
  return new Command('statfs')
    .description(
      'Watches the nodes of a cluster and serves their states over 9P, for xstat and the option -a of the other ' +
        'commands. SIGHUP reads the configuration again: nodes that stay are not disturbed.',
    )
    .option(
      '-c, --config <file>',
      'the nodes, one name=[tcp!]host[!port] per line (default: the node map)',
    )
    .option('-p, --port <port>', `TCP port to listen on (default: ${STATFS_PORT})`, parsePort)
    .option('--listen <address>', 'address to listen on (default: all)')
    .option('--interval <seconds>', 'between two readings of a node (default: 5)', parseInterval)
    .option(
      '-A, --admin-key <file>',
      "administrator's private key (default: $XCPU_ADMIN_KEY, /etc/xcpu/admin_key)",
    )
    .option('--http <[addr:]port>', 'serve Prometheus metrics at /metrics, too', parseHttp)
    .option('--log-json', 'log as JSON, one object per line')
    .option('-d, --debug', 'log every 9P message')
    .addHelpText(
      'after',
      '\nThe node map is the first of $XCPU_NODES_FILE, ~/.config/xcpu/nodes and\n' +
        '/etc/xcpu/nodes.\n' +
        '\nExample: nodes from a file, metrics for this machine only\n' +
        '  statfs -c /etc/xcpu/statfs.conf --http 127.0.0.1:9420\n',
    );
}

/** In milliseconds. */
function parseInterval(value: string): number {
  const seconds = /^(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : 0;
  if (seconds < MIN_INTERVAL || seconds > MAX_INTERVAL) {
    const range = `${MIN_INTERVAL} to ${MAX_INTERVAL} seconds`;
    throw new InvalidArgumentError(`${JSON.stringify(value)} is not ${range}`);
  }
  return seconds * 1000;
}

/** `9420`, `127.0.0.1:9420` or `[::1]:9420`. */
function parseHttp(value: string): HttpPlace {
  const [, bracketed, plain, port = ''] =
    /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d+)$/.exec(value) ?? [];
  if (port === '') {
    throw new InvalidArgumentError(`${JSON.stringify(value)} is not a port or address:port`);
  }
  return { host: bracketed ?? plain, port: parsePort(port) };
}
