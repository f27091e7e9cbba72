import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Listener } from '@xcpu/9p-protocol';
import { Server } from '@xcpu/9p-protocol/server';
import { Log, listenAt, type RunningDaemon, serverLog } from '@xcpu/daemon';
import { formatArch, localArch, type PublicKey, parsePublicKey } from '@xcpu/xcpu-protocol';
import { StartError, systemText } from './errors.js';
import { Guardian } from './guardian.js';
import { GRACE_MS, MAX_FIDS } from './limits.js';
import { chooseMounter, type MountWay } from './mounts/choose.js';
import type { Mounter } from './mounts/mounter.js';
import { Namespaces } from './namespace/namespaces.js';
import { processList, type RunningSession, sharedLists } from './processes.js';
import { PipeMaker } from './program/pipes.js';
import { Spawner } from './program/program.js';
import { findNamespaceTools, findTools } from './program/tools.js';
import { clearLeftovers, Scratch } from './scratch.js';
import { Sessions } from './session/sessions.js';
import { type OpenTables, openTables } from './state/tables.js';
import { Caller } from './tree/caller.js';
import type { NodeTables } from './tree/ownership.js';
import { RootDirectory } from './tree/root-directory.js';
import { HostNames } from './users/host-names.js';
import { hostNumber } from './users/local.js';
import { Logins } from './users/login.js';
import { Passkeys } from './users/passkeys.js';
import { ADMIN, type AdminIdentity, type UserTable } from './users/users.js';

/** Number of xcpu-admin where the host has none of that name: wire document, section 2. */
const ADMIN_NUMBER = 65_530;
/** How long clients have to read the last of their programs' output when the daemon stops, in milliseconds. */
const LAST_READS_MS = 500;
const POLL_MS = 10;
/** Letters of the name of somebody who is not let in that are logged. */
const MAX_LOGGED_NAME = 64;

export interface DaemonOptions {
  readonly port: number;
  /** Address to listen on; all of them if left out. */
  readonly listen?: string | undefined;
  /** File with the administrator's OpenSSH public key. */
  readonly adminKey: string;
  /** Whether a missing key file is an error, or means that the administrator cannot log in. */
  readonly adminKeyNeeded: boolean;
  readonly tmpdir: string;
  /** Where users, groups and settings outlive the daemon; they do not if left out. */
  readonly stateDir?: string | undefined;
  /** Every program runs as the daemon's user. */
  readonly sameUser: boolean;
  /** Take the host's users who have an ssh key. */
  readonly localUsers: boolean;
  /** How sessions' files are mounted. */
  readonly mount: MountWay;
  /** Types of file systems that users may mount in their sessions' namespaces. */
  readonly allowMount: readonly string[];
  /** Largest 9P message, in bytes. */
  readonly msize?: number | undefined;
  /** One log line per request. */
  readonly debug: boolean;
  readonly logJson: boolean;
  /** Soft limit of descriptors that programs get, empty to leave it as it is. */
  readonly nofile: string;
}

/** A running node; stopping ends its sessions first. */
export interface Daemon extends RunningDaemon {
  /** Where it listens: `127.0.0.1!6668`. */
  readonly address: string;
}

/**
 * Starts a node.
 * @throws StartError telling the operator what is wrong
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const log = new Log(options.logJson);
  const root = process.geteuid?.() === 0;
  if (!root && !options.sameUser) {
    throw new StartError(
      'not root: run as root, or with -s to run every program as the user who starts xcpufs',
    );
  }
  const identity = adminIdentity(options);
  if (!identity.key) log.event('no administrator', { reason: `${options.adminKey} is missing` });
  const tools = findTools(options.sameUser);
  const scratch = new Scratch(options.tmpdir);
  const { directory } = scratch;
  const guardian = new Guardian({ sh: tools.sh, directory, logJson: options.logJson, log });
  let tables: OpenTables | undefined;
  try {
    tables = openTables(options, identity, defaultEnvironment(), log);
    const { users, settings } = tables;
    await clearLeftovers(options.tmpdir, log);
    const pipes = new PipeMaker(tools.sh);
    const { instance, cgroups } = scratch;
    const { nofile } = options;
    const changesUser = !options.sameUser;
    const { namespaces, mounter } = namespacesOf(options, scratch, log);
    const spawner = new Spawner({
      tools,
      namespaces,
      names: options.sameUser ? undefined : await namesOf(users, scratch, log),
      pipes,
      cgroups,
      instance,
      changesUser,
      nofile,
    });
    const sessions = new Sessions({
      spawner,
      directory: scratch.sessions,
      trash: scratch.trash,
      defaults: settings.defaults,
      mountTypes: (user) => (users.administers(user) ? 'all' : options.allowMount),
      log,
    });
    const server = serveNode(options, tables, sessions, log);
    const place = { daemon: 'xcpufs', host: options.listen, port: options.port };
    const listener = await listenAt(place, (transport) => void server.accept(transport));
    await pipes.prepare();
    const { address } = listener;
    log.event('listening', { address, cgroups: cgroups ? 'yes' : 'no', tmpdir: scratch.directory });
    return new NodeDaemon({ listener, server, sessions, mounter, tables, scratch, guardian, log });
  } catch (error) {
    await tables?.close();
    await scratch.remove();
    await guardian.release();
    throw error;
  }
}

interface DaemonParts {
  readonly listener: Listener;
  readonly server: Server<Caller>;
  readonly sessions: Sessions;
  /** What mounts files, if anything was mounted. */
  readonly mounter: () => Promise<Mounter> | undefined;
  readonly tables: OpenTables;
  readonly scratch: Scratch;
  readonly guardian: Guardian;
  readonly log: Log;
}

class NodeDaemon implements Daemon {
  readonly address: string;
  readonly #parts: DaemonParts;

  constructor(parts: DaemonParts) {
    this.address = parts.listener.address;
    this.#parts = parts;
  }

  async stop(): Promise<void> {
    const { listener, server, sessions, mounter, tables, scratch, guardian, log } = this.#parts;
    log.event('stopping', { sessions: sessions.size });
    const closed = listener.close();
    const programs = sessions.size;
    await sessions.close(GRACE_MS);
    if (programs > 0) await this.#lastReads();
    server.close();
    await closed;
    await tables.close();
    await (await mounter()?.catch(() => undefined))?.close();
    await scratch.remove();
    await guardian.release();
    log.event('stopped');
  }

  /** Lets clients fetch what programs printed last and how they ended; those that are done go by themselves. */
  async #lastReads(): Promise<void> {
    const { connections } = this.#parts.server;
    const end = performance.now() + LAST_READS_MS;
    while (connections.size > 0 && performance.now() < end) await sleep(POLL_MS);
  }
}

/** Names for programs; where they cannot be had, programs see those of the host. */
async function namesOf(
  users: UserTable,
  scratch: Scratch,
  log: Log,
): Promise<HostNames | undefined> {
  try {
    return await HostNames.create(scratch.names, users, findNamespaceTools().mount);
  } catch (error) {
    log.event('no names for pushed users', { reason: systemText(error) });
    return undefined;
  }
}

/** What mounts on this node is found out when the first session asks for it: most may never do. */
function namespacesOf(options: DaemonOptions, scratch: Scratch, log: Log) {
  try {
    findNamespaceTools();
  } catch (error) {
    log.event('no namespaces', { reason: (error as Error).message });
  }
  let mounter: Promise<Mounter> | undefined;
  const choose = () =>
    chooseMounter({
      way: options.mount,
      root: process.geteuid?.() === 0,
      directory: scratch.mounts,
      log: (text) => log.event('mounts', { text }),
    });
  const namespaces = new Namespaces(
    findNamespaceTools,
    () => {
      mounter ??= choose();
      return mounter;
    },
    scratch.namespaces,
  );
  return { namespaces, mounter: () => mounter };
}

function serveNode(
  options: DaemonOptions,
  tables: NodeTables,
  sessions: Sessions,
  log: Log,
): Server<Caller> {
  const { users } = tables;
  const passkeys = new Passkeys();
  const logins = new Logins(users, passkeys);
  const processes = sharedLists(async () => Buffer.from(await processList(running(sessions))));
  const arch = formatArch(localArch());
  const root = new RootDirectory({ ...tables, passkeys, sessions, arch, processes });
  return new Server<Caller>(
    {
      auth: (login) => logins.challenge(login),
      attach: (login, auth, { connection }) => {
        const client = connection.transport.peer.address;
        try {
          const user = logins.check(login, auth);
          log.event('login', { user: user.name, client });
          return { root, user: new Caller(user, users) };
        } catch (error) {
          // A stranger's name may have thousands of letters, and he may come again and again.
          const user = login.uname.slice(0, MAX_LOGGED_NAME);
          log.event('login refused', { user, client, reason: String(error) });
          throw error;
        }
      },
    },
    {
      ...serverLog(log, options.debug),
      limits: { fids: MAX_FIDS, ...(options.msize !== undefined && { msize: options.msize }) },
    },
  );
}

function* running(sessions: Sessions): Iterable<RunningSession> {
  for (const { pid, sid, jobAndRank } of sessions) yield { pid, sid, jobAndRank };
}

/** The host's own numbers for xcpu-admin, if it has them. */
function adminIdentity(options: DaemonOptions): AdminIdentity {
  return {
    uid: hostNumber('/etc/passwd', ADMIN) ?? ADMIN_NUMBER,
    gid: hostNumber('/etc/group', ADMIN) ?? ADMIN_NUMBER,
    key: readAdminKey(options),
  };
}

function readAdminKey({ adminKey, adminKeyNeeded }: DaemonOptions): PublicKey | undefined {
  let text: string;
  try {
    text = readFileSync(adminKey, 'utf8');
  } catch (error) {
    if (!adminKeyNeeded && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartError(`${adminKey}: cannot be read: ${systemText(error)}`);
  }
  try {
    return parsePublicKey(text);
  } catch {
    const hint = text.includes('PRIVATE KEY') ? ' (this is a private key: give its .pub)' : '';
    throw new StartError(`${adminKey}: not an ssh public key of type RSA, Ed25519 or ECDSA${hint}`);
  }
}

/** What every session's environment begins with; the rest fits its user and is added at exec. */
function defaultEnvironment(): string {
  const { LANG } = process.env;
  return LANG && /^[\w.@-]+$/.test(LANG) ? `LANG=${LANG}\n` : '';
}
