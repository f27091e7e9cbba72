import { readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { type PrivateKey, parsePrivateKey, SSH_KEY_FILES } from '@xcpu/xcpu-protocol';
import { errorText, SetupError, systemText } from './errors.js';
import type { NodeTarget } from './nodes.js';

/** The administrator's name on every node. */
export const ADMIN_USER = 'xcpu-admin';
/** Where the administrator's private key is unless somebody says otherwise. */
export const ADMIN_KEY_FILE = '/etc/xcpu/admin_key';

/** A private key and the file that it came from, for messages. */
export interface LoginKey {
  readonly file: string;
  readonly privateKey: PrivateKey;
  /** Nobody named the file: it is where a user's own key usually is. */
  readonly found?: true;
}

/**
 * Who logs in, and how he proves it. The name alone says who: a node that is given a number too lets that win, and
 * the numbers of this machine are not those of the nodes.
 */
export interface Login {
  readonly user: string;
  /** Absent where there is none: only nodes that ask for no proof let one in. */
  readonly key: LoginKey | undefined;
  /** The administrator was to log in, but no key of his is here: for messages. */
  readonly adminKeyMissing?: true;
}

/** Who logs in as an ordinary user, where it is not the invoking one with his own key. */
export interface LoginOptions {
  /** Name to log in with; the invoking user's if left out. */
  readonly user?: string | undefined;
  /** Private key file; if left out, the first of SSH_KEY_FILES in `~/.ssh` that is there, if one is. */
  readonly keyFile?: string | undefined;
}

/**
 * The log-in of an ordinary user: the invoking one, or a named one.
 * @throws SetupError if the name cannot be told or the key file is not usable
 */
export async function userLogin({ user, keyFile }: LoginOptions = {}): Promise<Login> {
  const key = keyFile === undefined ? await ownKey() : await readKey(keyFile);
  return { user: user ?? invokingUser(), key };
}

/** Who logs in as an administrator, and with which key. */
export interface AdminLoginOptions {
  /** `-A`: the administrator's private key file. */
  readonly adminKeyFile?: string | undefined;
  /** Name to log in with in place of the administrator's, with his key. */
  readonly user?: string | undefined;
  /** Also the invoking user with the administrator's key, for nodes that refuse the administrator. */
  readonly fallBack?: boolean;
  /** The environment that may name the key; `process.env` if left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The log-ins that an administrator's tool tries in turn on each node: `xcpu-admin` with the key of `-A`,
 * `$XCPU_ADMIN_KEY` or /etc/xcpu/admin_key. Where none is named and the last is not readable: the invoking user.
 * @throws SetupError if a key that was named is not usable
 */
export async function adminLogins(
  options: AdminLoginOptions = {},
): Promise<readonly [Login, ...Login[]]> {
  const { adminKeyFile, user, fallBack = false, env = process.env } = options;
  const named = adminKeyFile ?? (env.XCPU_ADMIN_KEY || undefined);
  const key = await (named === undefined ? readableKey(ADMIN_KEY_FILE) : readKey(named));
  if (!key) {
    const login = await userLogin({ user });
    return [user === undefined ? { ...login, adminKeyMissing: true } : login];
  }
  if (user !== undefined) return [{ user, key }];
  const admin: Login = { user: ADMIN_USER, key };
  const self = fallBack ? knownInvokingUser() : undefined;
  return self ? [admin, { user: self, key }] : [admin];
}

/** The log-in for one node: `user@` in the node set wins. */
export function loginFor(target: NodeTarget, login: Login): Login {
  return target.user === undefined ? login : { ...login, user: target.user };
}

/** @throws SetupError naming the file, the reason and the way out */
async function readKey(file: string): Promise<LoginKey> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new SetupError(`cannot read the private key ${file}: ${systemText(error)}`);
  }
  try {
    return { file, privateKey: await parsePrivateKey(text) };
  } catch (error) {
    throw new SetupError(`${file}: ${errorText(error)}`);
  }
}

/** The key, or undefined where the file is missing or not for us to read. */
async function readableKey(file: string): Promise<LoginKey | undefined> {
  try {
    await readFile(file);
  } catch {
    return undefined;
  }
  return readKey(file);
}

async function ownKey(): Promise<LoginKey | undefined> {
  for (const name of SSH_KEY_FILES) {
    const file = `${homedir()}/.ssh/${name}`;
    try {
      const key = await readableKey(file);
      if (key) return { ...key, found: true };
    } catch (error) {
      if (error instanceof SetupError) throw new SetupError(`${error.message}; -k names another`);
      throw error;
    }
  }
  return undefined;
}

function invokingUser(): string {
  const self = knownInvokingUser();
  if (self) return self;
  const uid = process.geteuid?.() ?? 'this user';
  throw new SetupError(
    `cannot tell who you are: uid ${uid} has no name here; give one with --user`,
  );
}

function knownInvokingUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER || process.env.LOGNAME || undefined;
  }
}
