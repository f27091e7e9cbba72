import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Parsed, parseCommandLine, parsePort } from '@xcpu/daemon';
import { mountTypeReason, XCPUFS_PORT } from '@xcpu/xcpu-protocol';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { DaemonOptions } from './daemon.js';
import { StartError, systemText } from './errors.js';
import { MOUNT_WAYS, type MountWay } from './mounts/choose.js';

const DEFAULT_ADMIN_KEY = '/etc/xcpu/admin_key.pub';

interface CommandLine {
  port?: number;
  adminKey?: string;
  tmpdir?: string;
  stateDir?: string;
  sameUser?: true;
  localUsers?: true;
  mount?: MountWay;
  allowMount?: readonly string[];
  msize?: number;
  listen?: string;
  debug?: true;
  logJson?: true;
  config?: string;
}

/**
 * Options from the command line and, behind it, from a configuration file.
 * @throws StartError naming what is wrong in the file
 */
export function parseOptions(argv: readonly string[], version: string): Parsed<DaemonOptions> {
  const parsed = parseCommandLine<CommandLine>(describeCommand(), argv, version);
  if ('exitCode' in parsed) return parsed;
  const given = parsed.options;
  const all = given.config ? { ...readConfig(given.config), ...given } : given;
  return {
    options: {
      port: all.port ?? XCPUFS_PORT,
      listen: all.listen,
      adminKey: all.adminKey ?? DEFAULT_ADMIN_KEY,
      adminKeyNeeded: all.adminKey !== undefined,
      tmpdir: all.tmpdir ?? tmpdir(),
      stateDir: all.stateDir,
      sameUser: all.sameUser ?? false,
      localUsers: all.localUsers ?? false,
      mount: all.mount ?? 'auto',
      allowMount: all.allowMount ?? [],
      msize: all.msize,
      debug: all.debug ?? false,
      logJson: all.logJson ?? false,
      nofile: process.env.XCPUFS_NOFILE ?? '',
    },
  };
}

function describeCommand(): Command {
  return new Command('xcpufs')
    .description('The daemon of an xcpu node: serves sessions, users and processes over 9P.')
    .option('-p, --port <port>', 'TCP port to listen on (default: 6668)', parsePort)
    .option('--listen <address>', 'address to listen on (default: all)')
    .option(
      '-a, --admin-key <file>',
      `administrator's ssh public key (default: ${DEFAULT_ADMIN_KEY})`,
    )
    .option('-t, --tmpdir <directory>', "where sessions' files are kept (default: $TMPDIR or /tmp)")
    .option('--state-dir <directory>', 'keep users, groups and defaults there over restarts')
    .option('-s, --same-user', 'run every program as the user who starts xcpufs; needs no root')
    .option('-u, --local-users', "take this host's users who have an ssh key")
    .addOption(
      new Option('--mount <way>', "how sessions see their clients' files (default: auto)").choices(
        MOUNT_WAYS,
      ),
    )
    .option(
      '--allow-mount <types>',
      "file systems that users' namespaces may mount: nfs,tmpfs (default: none)",
      parseTypes,
    )
    .option('-m, --msize <bytes>', 'largest 9P message (default: 1048600)', parseMsize)
    .option('--config <file>', 'read options from a file, one `name = value` per line')
    .option('--log-json', 'log as JSON, one object per line')
    .option('-d, --debug', 'log every 9P message')
    .addHelpText(
      'after',
      '\nExample: a node that trusts one administrator, on one address\n' +
        '  xcpufs -a /etc/xcpu/admin_key.pub --listen 10.0.0.8\n',
    );
}

/** Options of the file by their long names; those of the command line win over them. */
function readConfig(file: string): CommandLine {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`${file}: cannot be read: ${systemText(error)}`);
  }
  const problems: string[] = [];
  const options: Record<string, unknown> = {};
  for (const [index, line] of text.split('\n').entries()) {
    const stripped = line.replace(/(^|\s)#.*$/, '').trim();
    if (!stripped) continue;
    try {
      const [name, value] = parseConfigLine(stripped);
      options[name] = value;
    } catch (error) {
      problems.push(`${file}:${index + 1}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new StartError(problems.join('\n'));
  return options;
}

const CONFIG: Record<string, readonly [keyof CommandLine, (value: string) => unknown]> = {
  port: ['port', parsePort],
  listen: ['listen', String],
  'admin-key': ['adminKey', String],
  tmpdir: ['tmpdir', String],
  'state-dir': ['stateDir', String],
  'same-user': ['sameUser', parseFlag],
  'local-users': ['localUsers', parseFlag],
  mount: ['mount', parseWay],
  'allow-mount': ['allowMount', parseTypes],
  msize: ['msize', parseMsize],
  debug: ['debug', parseFlag],
  'log-json': ['logJson', parseFlag],
};

function parseConfigLine(line: string): [keyof CommandLine, unknown] {
  const match = /^([a-z-]+)\s*=\s*(.+)$/.exec(line);
  if (!match) throw new Error(`${JSON.stringify(line)}: expected name = value`);
  const [, name = '', value = ''] = match;
  const entry = Object.hasOwn(CONFIG, name) ? CONFIG[name] : undefined;
  if (!entry) throw new Error(`${name}: no such option (${Object.keys(CONFIG).join(', ')})`);
  return [entry[0], entry[1](value)];
}

function parseMsize(value: string): number {
  const msize = Number(value);
  if (!/^\d+$/.test(value) || msize < 4096 || msize > 64 * 1024 * 1024) {
    throw new InvalidArgumentError(`${JSON.stringify(value)} is not between 4096 and 67108864`);
  }
  return msize;
}

function parseWay(value: string): MountWay {
  const way = MOUNT_WAYS.find((known) => known === value);
  if (!way) throw new Error(`${JSON.stringify(value)}: expected ${MOUNT_WAYS.join(', ')}`);
  return way;
}

/** Types of file systems, with commas between. */
function parseTypes(value: string): readonly string[] {
  const types = value.split(',').map((type) => type.trim());
  for (const type of types) {
    const reason = mountTypeReason(type);
    if (reason !== undefined) throw new InvalidArgumentError(reason);
  }
  return types;
}

function parseFlag(value: string): true | undefined {
  if (value === 'yes' || value === 'true') return true;
  if (value === 'no' || value === 'false') return undefined;
  throw new Error(`${JSON.stringify(value)}: expected yes or no`);
}
