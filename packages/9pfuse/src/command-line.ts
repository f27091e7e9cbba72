import { readFileSync } from 'node:fs';
import type { Dialect } from '@xcpu/9p-protocol';
import { UsageError } from '@xcpu/libxcpu';
import { seconds, VERSION } from '@xcpu/libxcpu/cli';
import type { ServerOptions } from '@xcpu/libxcpu/files';
import type { Command } from 'commander';
import { CACHE_MODES, type CacheMode } from './cache.js';
import type { MountFuseOptions } from './mount-fuse.js';
import { ownersAs } from './owners.js';
import type { UserIds } from './remote/remote.js';

/** What the command is to do. */
export interface FuseCommand {
  readonly address: string;
  readonly mountpoint: string;
  readonly server: ServerOptions;
  readonly mount: Omit<MountFuseOptions, 'root' | 'mountpoint'>;
  readonly foreground: boolean;
  readonly debug: boolean;
}

const DIALECTS: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];
const LEAST_MSIZE = 4096;
const MOST_MSIZE = 64 * 1024 * 1024;
const MAX_ID = 0xfffffffe;

/**
 * Takes a command line apart.
 * @returns the text that was asked for, if one was: help, or the version
 * @throws UsageError
 */
export async function parseCommand(args: readonly string[]): Promise<FuseCommand | string> {
  const { Command } = await import('commander');
  let text = '';
  const command = define(new Command('9pfuse')).configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
    // What is wrong is thrown, and printed where all errors are.
    writeErr: () => {},
  });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error && 'exitCode' in error)) throw error;
    if (error.exitCode === 0) return text;
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
  const [address, mountpoint, ...more] = command.args;
  if (address === undefined || mountpoint === undefined || more.length > 0) {
    throw new UsageError('wanted: ADDRESS MOUNTPOINT');
  }
  return commandOf(address, mountpoint, command.opts());
}

function define(command: Command): Command {
  return command
    .usage('[options] ADDRESS MOUNTPOINT')
    .description(
      'Mounts a 9P server, or the files of an xcpu node, on a directory: through FUSE, so that the kernel need not know 9P. Returns when the mount is there; it ends with umount MOUNTPOINT.',
    )
    .option('-f, --foreground', 'stay until the mount is gone; interrupt to unmount')
    .option('-d, --debug', 'print what the kernel asks and the 9P conversation; implies -f')
    .option('-D', 'the same, as plan9port has it')
    .option('--cache <MODE>', 'none, open or loose: see below', 'open')
    .option('--allow-other', 'let other users use the mount, within the permissions of its files')
    .option('-o, --options <LIST>', 'options of mount(8), such as ro,noexec', collect)
    .option('--uid <N>', 'show all files as owned by this user')
    .option('--gid <N>', 'show all files as owned by this group')
    .option('-u, --user <NAME>', 'log in as this user, by name or number')
    .option('-k, --key <FILE>', 'private key to log in with (for nodes your own: ~/.ssh/id_rsa, …)')
    .option('-A, --admin-key <FILE>', 'log in as the administrator of a node, with this key')
    .option('-n, --no-auth', 'offer no proof of who you are')
    .option('-a, --aname <NAME>', 'which of the trees of the server')
    .option('--dialect <NAME>', 'the richest to ask for: 9P2000, 9P2000.u or 9P2000.L')
    .option('-m, --msize <BYTES>', 'the largest message to ask for (1048600)')
    .option('--connect-timeout <SECONDS>', 'give up on a server that does not answer (10)')
    .helpOption('-h, --help', 'print this')
    .version(`9pfuse ${VERSION}`, '-V, --version', 'print the version')
    .exitOverride()
    .argument('[operands...]')
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText('after', `\n${HELP}`);
}

const HELP = `Cache modes:
  none   every look at a file asks the server
  open   what others changed is seen when a file is opened, else within a second
  loose  nobody else changes the tree: writes are late, little is asked twice

Examples:
  9pfuse n8:564 /mnt/n8              the files of a 9P server
  9pfuse n8 ~/n8                     an xcpu node, with your key as proof
  9pfuse unix!/run/files /mnt        a server on this machine
  9pfuse --allow-other --uid 1000 --gid 1000 n8:564 /mnt
                                     for everybody here, shown as one user's
  unshare -Urmpf --mount-proc sh -c '9pfuse n8:564 /mnt && exec $SHELL'
                                     without root: a shell that sees the mount

ADDRESS is a node (n8, alice@n8, n8!7000), HOST:PORT, tcp!HOST!PORT, or the path
of a socket.
Without a port it is that of the node map (the first of $XCPU_NODES_FILE,
~/.config/xcpu/nodes and /etc/xcpu/nodes), else 6668, that of xcpufs.
plan9port's 9pfuse takes port 564 there: write HOST:564. Its -A SECONDS is --cache
here, and -A a key.
Set-uid bits and devices on the server mean nothing here, unless root says
-o suid,dev.
`;

type Texts = Readonly<Record<string, string | boolean | undefined>>;

function commandOf(address: string, mountpoint: string, options: Texts): FuseCommand {
  const text = (name: string) => options[name] as string | undefined;
  const [dialect, msize] = [text('dialect'), text('msize')];
  const uid = idOf('--uid', text('uid'));
  const gid = idOf('--gid', text('gid'));
  const debug = options.debug === true || options.D === true;
  return {
    address,
    mountpoint,
    debug,
    foreground: options.foreground === true || debug,
    server: {
      user: text('user'),
      key: text('key'),
      adminKey: keyFileOf(text('adminKey')),
      auth: options.auth !== false,
      aname: text('aname'),
      dialects: dialect === undefined ? undefined : [dialectOf(dialect)],
      msize: msize === undefined ? undefined : msizeOf(msize),
      connectTimeout: seconds('--connect-timeout', text('connectTimeout')),
      debug,
    },
    mount: {
      name: address,
      cache: cacheOf(text('cache')),
      allowOther: options.allowOther === true,
      options: (options.options as unknown as readonly string[] | undefined) ?? [],
      ids: localIds(),
      owners: ownersAs({ ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) }),
    },
  };
}

/** plan9port's 9pfuse takes seconds there. */
function keyFileOf(file: string | undefined): string | undefined {
  if (file === undefined || !/^\.?\d+(\.\d*)?$/.test(file)) return file;
  const advice = 'how long attributes are kept is said by --cache';
  throw new UsageError(`-A ${file}: the administrator's key is wanted (./${file}?); ${advice}`);
}

function collect(list: string, before: readonly string[] = []): readonly string[] {
  const options = list.split(',').filter(Boolean);
  const own = options.find((option) => /^(fd|rootmode|user_id|group_id)(=|$)/.test(option));
  if (own) throw new UsageError(`-o ${own}: 9pfuse sets that itself`);
  return [...before, ...options];
}

function cacheOf(text = 'open'): CacheMode {
  if (Object.hasOwn(CACHE_MODES, text)) return text as CacheMode;
  throw new UsageError(`--cache ${text}: there are ${Object.keys(CACHE_MODES).join(', ')}`);
}

function idOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(id <= MAX_ID)) throw new UsageError(`${option} ${text}: a number is wanted`);
  return id;
}

function dialectOf(text: string): Dialect {
  const found = DIALECTS.find((name) => name.toLowerCase() === text.toLowerCase());
  if (!found) throw new UsageError(`--dialect ${text}: there are ${DIALECTS.join(', ')}`);
  return found;
}

function msizeOf(text: string): number {
  const msize = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (msize < LEAST_MSIZE || msize > MOST_MSIZE) {
    throw new UsageError(`-m ${text}: not between ${LEAST_MSIZE} and ${MOST_MSIZE} bytes`);
  }
  return msize;
}

/** Owners that a server names are those of that name here, if there are any, else whoever mounts. */
function localIds(): UserIds {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  let users: ReadonlyMap<string, number> | undefined;
  let groups: ReadonlyMap<string, number> | undefined;
  return {
    user(name) {
      users ??= idsIn('/etc/passwd');
      return users.get(name) ?? uid;
    },
    group(name) {
      groups ??= idsIn('/etc/group');
      return groups.get(name) ?? gid;
    },
  };
}

/** passwd(5) and group(5): `name:password:number:…` */
function idsIn(file: string): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  try {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [name, , id] = line.split(':');
      if (name && id && /^\d{1,10}$/.test(id)) ids.set(name, Number(id));
    }
  } catch {
    // A machine without the file has no names.
  }
  return ids;
}
