import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type SshUser, sshKeyFiles } from './ssh-config.js';

/** What of a user's home holds secrets that are his alone, and what for. */
const IN_HOME: readonly string[] = [
  // Keys: whoever has them is the user, on nodes as on any other machine.
  '.ssh',
  '.gnupg',
  '.config/xcpu',
  '.pki',
  // Accounts with clouds and clusters.
  '.aws',
  '.azure',
  '.config/gcloud',
  '.kube',
  '.docker/config.json',
  '.config/containers/auth.json',
  '.config/rclone',
  '.config/doctl',
  '.terraform.d/credentials.tfrc.json',
  '.oci',
  '.boto',
  '.s3cfg',
  // Passwords and tokens that programs keep.
  '.netrc',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.gem/credentials',
  '.config/sops',
  '.authinfo',
  '.authinfo.gpg',
  '.git-credentials',
  '.config/git/credentials',
  '.config/gh',
  '.config/glab-cli',
  '.config/hub',
  '.pgpass',
  '.pypirc',
  '.vault-token',
  '.password-store',
  '.local/share/keyrings',
  '.local/share/kwalletd',
  '.config/keepassxc',
  '.Xauthority',
  '.ICEauthority',
  // Browsers and mail: passwords, and cookies that stand for them.
  '.mozilla',
  '.thunderbird',
  '.config/google-chrome',
  '.config/chromium',
  '.config/BraveSoftware',
  '.config/microsoft-edge',
];

/** What only root reads: it matters where root runs xrx. */
const OF_SYSTEM: readonly string[] = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/xcpu/admin_key',
  '/etc/krb5.keytab',
  '/etc/ssl/private',
  '/etc/wireguard',
  '/etc/NetworkManager/system-connections',
  '/var/lib/sss/secrets',
];

/** Host keys are called by their kind, of which there come new ones. */
const HOST_KEY = /^ssh_host_.*_key$/;
const SSH_DIRECTORY = '/etc/ssh';

/** Homes that are looked at when root runs xrx: each costs some forty looks at the disk a second. */
const MAX_HOMES = 500;

/** Whose secrets are to be hidden. */
export interface PrivateFilesOptions {
  /** The invoking user's home directory. */
  readonly home: string;
  /** The one that passwd(5) tells, which ssh goes by, if that is another. */
  readonly passwdHome?: string | undefined;
  /** His name, where he has one. */
  readonly user?: string | undefined;
  /** His number: root has everybody's rights, so everybody's secrets are hidden from nodes that work for him. */
  readonly uid: number;
  /** The private key that xrx logs in with, and any other that was named. */
  readonly keyFiles?: readonly string[] | undefined;
  /** Names further ones: XCPU_ADMIN_KEY, KRB5CCNAME, GNUPGHOME, … */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where he is. */
  readonly cwd?: string | undefined;
  /** Where users' homes are found. Default `/etc/passwd`. */
  readonly passwd?: string | undefined;
  /** What ssh is told for all users. Default `/etc/ssh/ssh_config`. */
  readonly sshConfig?: string | undefined;
}

/**
 * The files and directories that nodes do not get to see by default, as absolute paths, there or not: a node that was
 * broken into must not read them. Files that hold settings as well as secrets (`~/.npmrc`, `~/.my.cnf`, a shell's
 * history) are not among them. A socket, such as an agent's, cannot be opened anyway.
 */
export function privateFiles(options: PrivateFilesOptions): string[] {
  const { home, passwdHome = home, user: name, uid, cwd, keyFiles = [], env = {} } = options;
  const { passwd = '/etc/passwd', sshConfig = `${SSH_DIRECTORY}/ssh_config` } = options;
  const own = new Set([home, passwdHome]);
  const entries = listed(() => entriesIn(passwd));
  const homeOf = (wanted: string) => entries.find((entry) => entry.name === wanted)?.home;
  const others = uid === 0 ? homesIn(entries).filter((other) => !own.has(other.home)) : [];
  return [
    ...keyFiles,
    ...[...own, ...others.map((other) => other.home)].flatMap(secretsIn),
    ...[...own].flatMap((home) => keysNamedBy({ home, name, uid, env, cwd, homeOf }, sshConfig)),
    ...others.flatMap((other) => keysOfOther({ ...other, homeOf }, sshConfig)),
    ...OF_SYSTEM,
    ...hostKeys(),
    `/tmp/krb5cc_${uid}`,
    `/run/user/${uid}`,
    ...namedBy(env),
  ];
}

/** Keys that ssh is told of. What is a directory or a device (`/dev/null`) is none. */
function keysNamedBy(user: SshUser, sshConfig: string): string[] {
  const configs = [join(user.home, '.ssh/config'), sshConfig];
  const named = configs.flatMap((config) => sshKeyFiles(config, user));
  return named.filter((path) => statsOf(path)?.isFile() !== false);
}

/** Of what another user names only what is his: nobody may say what root's programs do not see. */
function keysOfOther(user: SshUser, sshConfig: string): string[] {
  const owner = statsOf(user.home)?.uid;
  if (owner === undefined) return [];
  return keysNamedBy({ ...user, uid: owner }, sshConfig).filter(
    (path) => path.startsWith(`${user.home}/`) || statsOf(path)?.uid === owner,
  );
}

/** Put together as text, which is a hundredth of the work of join(): where root runs xrx there are a thousand. */
function secretsIn(home: string): string[] {
  const directory = resolve(home).replace(/\/$/, '');
  return IN_HOME.map((name) => `${directory}/${name}`);
}

function namedBy(env: Readonly<Record<string, string | undefined>>): string[] {
  const named = [
    env.XCPU_ADMIN_KEY,
    env.GNUPGHOME,
    env.KUBECONFIG,
    env.DOCKER_CONFIG && join(env.DOCKER_CONFIG, 'config.json'),
    env.AWS_SHARED_CREDENTIALS_FILE,
    env.GOOGLE_APPLICATION_CREDENTIALS,
    env.NETRC,
    env.PGPASSFILE,
    env.PASSWORD_STORE_DIR,
    env.XAUTHORITY,
    env.KRB5CCNAME?.replace(/^(?:FILE|DIR):/, ''),
  ];
  // KUBECONFIG may be a list; a cache of Kerberos may be in the kernel, or a service's.
  return named.flatMap((value) => value?.split(':') ?? []).filter((path) => path.startsWith('/'));
}

/** Where a user is at home; his name, if that is known. */
interface Home {
  readonly home: string;
  readonly name?: string;
}

function entriesIn(passwd: string): Home[] {
  const lines = readFileSync(passwd, 'utf8').split('\n');
  return lines.map((line) => {
    const [name = '', , , , , home = ''] = line.split(':');
    return { name, home };
  });
}

function homesIn(entries: readonly Home[]): Home[] {
  const local = listed(() => readdirSync('/home')).map((name) => ({ home: join('/home', name) }));
  // A service's home may be any directory: `/` has no secrets of the kind.
  const users = [...entries, ...local].filter(({ home }) => home.startsWith('/') && home !== '/');
  const first = new Map(users.toReversed().map((user) => [user.home, user]));
  return [...first.values()].reverse().slice(0, MAX_HOMES);
}

function hostKeys(): string[] {
  const names = listed(() => readdirSync(SSH_DIRECTORY)).filter((name) => HOST_KEY.test(name));
  return names.map((name) => join(SSH_DIRECTORY, name));
}

function listed<T>(list: () => T[]): T[] {
  try {
    return list();
  } catch {
    return [];
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
