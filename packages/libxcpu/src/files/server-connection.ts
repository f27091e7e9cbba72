import { DEFAULT_PORT, type Dialect, dial, NinePError, type Transport } from '@xcpu/9p-protocol';
import { type Fid, type FileSystem, type MountOptions, mount } from '@xcpu/9p-protocol/client';
import { CHALLENGE_BYTES, signChallengeInThread, XCPUFS_PORT } from '@xcpu/xcpu-protocol';
import { systemText, UsageError } from '../errors.js';
import { ADMIN_USER, adminLogins, type Login, userLogin } from '../login.js';
import { CONNECT_TIMEOUT_MS } from '../node/dial.js';
import { loginError, printable } from '../node/errors.js';
import { printTrace } from '../trace.js';
import { formatServerAddress, parseServerTarget, type ServerTarget } from './server-target.js';

/** What copies, moves and describes files wants to know and do all that there is. */
export const RICHEST: readonly Dialect[] = ['9P2000.L', '9P2000.u'];

/** How a 9P server is reached, and who logs in. */
export interface ServerOptions {
  /** Name, or number, to log in with; the invoking user's if left out. */
  readonly user?: string | undefined;
  /** Private key file; the user's own, if he has one, if left out: that one signs for nodes only. */
  readonly key?: string | undefined;
  /** Logs in as the administrator of a node, with this private key file. */
  readonly adminKey?: string | undefined;
  /** Whether a proof is offered. Default true. */
  readonly auth?: boolean | undefined;
  /** Which of the server's trees. */
  readonly aname?: string | undefined;
  /** The dialects to ask for in turn until the server knows one. Default: the richest first. */
  readonly dialects?: readonly Dialect[] | undefined;
  /** Largest message to ask for, in bytes. */
  readonly msize?: number | undefined;
  /** Longest time to connect and log in, in milliseconds. Default 10 s. */
  readonly connectTimeout?: number | undefined;
  /** Prints the conversation to stderr. */
  readonly debug?: boolean | undefined;
}

/** A server's files, and what the user calls the server. */
export interface ServerFiles {
  readonly name: string;
  readonly files: FileSystem;
}

/**
 * Connects to a server and logs in: with the proof of xcpu (wire document, section 2) where it asks for one, else by
 * name alone. The challenge does not say who asks, so that a server can pass on a node's and log in there as the user:
 * only nodes, and whom the user names a key for, get a proof.
 * @throws UsageError, SetupError, Error that begins with the server's name
 */
export async function connectServer(
  address: string,
  options: ServerOptions = {},
): Promise<ServerFiles> {
  const target = parseServerTarget(address);
  const login = await loginOf(target, options);
  const limit = options.connectTimeout ?? CONNECT_TIMEOUT_MS;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limit);
  try {
    return { name: target.name, files: await enter(target, login, options, late.signal) };
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new Error(`${target.name}: no answer within ${limit / 1000} s${place(target)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function loginOf({ user: named }: ServerTarget, options: ServerOptions): Promise<Login> {
  const { user = named, key, adminKey } = options;
  if (adminKey === undefined) return userLogin({ user, keyFile: key });
  if (key !== undefined) throw new UsageError('-k and -A exclude each other');
  const [login] = await adminLogins({ adminKeyFile: adminKey, user });
  return login;
}

/**
 * Asks for one dialect after the other, each on a connection of its own, until the server knows one and lets the user
 * in. One that refuses him in 9P2000.L, by a number, may say why in another.
 */
async function enter(
  target: ServerTarget,
  login: Login,
  options: ServerOptions,
  signal: AbortSignal,
): Promise<FileSystem> {
  let told: unknown;
  for (const version of options.dialects ?? RICHEST) {
    const transport = await reach(target, signal);
    try {
      return await mount(transport, { ...mountOptions(target, login, options), version, signal });
    } catch (error) {
      const kind = error instanceof NinePError ? error.kind : 'other';
      if (told === undefined || kind === 'file') told = error;
      const otherwise = kind === 'protocol' || (kind === 'file' && version === '9P2000.L');
      if (!otherwise) break;
    }
  }
  throw mountError(target, login, told);
}

async function reach(target: ServerTarget, signal: AbortSignal): Promise<Transport> {
  const where = formatServerAddress(target.address);
  const address = target.address.kind === 'tcp' ? `tcp!${where}` : where;
  try {
    return await dial(address, { signal });
  } catch (error) {
    throw new Error(`${target.name}: ${connectReason(target, error)}`, { cause: error });
  }
}

function mountOptions(target: ServerTarget, login: Login, options: ServerOptions): MountOptions {
  const { aname, msize, auth = true, debug, key, adminKey } = options;
  const trusted = target.isNode || key !== undefined || adminKey !== undefined;
  const number = /^\d{1,9}$/.test(login.user) ? Number(login.user) : undefined;
  return {
    uname: login.user,
    // Only a number that was asked for: those of this machine mean nothing elsewhere, and would win over the name.
    ...(number === undefined ? {} : { nUname: number }),
    ...(aname === undefined ? {} : { aname }),
    ...(msize === undefined ? {} : { msize }),
    ...(auth && { authenticate: (afid: Fid) => prove(afid, login, trusted) }),
    ...(debug && {
      trace: (direction, message) => printTrace(target.name, direction, message),
    }),
  };
}

/** Whoever has no key is let in, or refused, without a proof by a server that is trusted. */
async function prove(afid: Fid, { key }: Login, trusted: boolean): Promise<void> {
  const challenge = await afid.read(0, CHALLENGE_BYTES);
  if (challenge.length !== CHALLENGE_BYTES) throw new UnknownProof();
  if (!trusted) throw new WithheldProof();
  if (key) await afid.write(0, await signChallengeInThread(challenge, key.privateKey));
}

/** The server wants to know who the user is in a way that is not xcpu's. */
class UnknownProof extends Error {}

/** The server wants a proof that it could use elsewhere. */
class WithheldProof extends Error {}

function connectReason(target: ServerTarget, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const at = place(target);
  if (code === 'ECONNREFUSED') return `connection refused${at}: ${serverHint(target.address)}`;
  if (code === 'ENOTFOUND') {
    return `unknown host${at}: give it an address in /etc/hosts or the node map ($XCPU_NODES_FILE or ~/.config/xcpu/nodes)`;
  }
  return `${systemText(error)}${at}`;
}

/** Who meant another port than xcpu's may not know that he has to say so. */
function serverHint(address: ServerTarget['address']): string {
  return address.kind === 'tcp' && address.port === XCPUFS_PORT
    ? `is xcpufs running there? For other 9P servers name the port, as in ${address.host}:${DEFAULT_PORT}`
    : 'is a server running there?';
}

function mountError(target: ServerTarget, login: Login, error: unknown): Error {
  const { name, address } = target;
  if (error instanceof UnknownProof) {
    return new Error(
      `${name}: wants a proof that is not xcpu's${place(target)}; log in without one`,
    );
  }
  if (error instanceof WithheldProof) {
    return new Error(
      `${name}: asks for a proof of who you are${place(target)}; -k FILE signs one: only for servers that you trust`,
    );
  }
  if (!(error instanceof NinePError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  if (error.kind !== 'file') {
    const text = printable(error.message);
    return new Error(`${name}: ${text}${place(target)}: is this a 9P server?`);
  }
  const { host, port } = address.kind === 'tcp' ? address : { host: address.path, port: 0 };
  const refusal = loginError({ name, host, port }, login, error);
  if (error.ename !== 'unknown user' || login.user === ADMIN_USER) return refusal;
  return new Error(`${refusal.message}; -A FILE, as -A "$XCPU_ADMIN_KEY", logs in as one`);
}

/** Where a server is, in parentheses, if its name does not say so already. */
function place({ name, address }: ServerTarget): string {
  const where = formatServerAddress(address);
  return where === name ? '' : ` (${where})`;
}
