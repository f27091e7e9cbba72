import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Programs that nodes have: what xcpufs needs, and enough to look around with `xrx -l`. */
const PROGRAMS = [
  ...['sh', 'cat', 'chroot', 'dd', 'id', 'ls', 'mkdir', 'pwd', 'readlink', 'sleep', 'stat', 'true'],
  ...['mount', 'nsenter', 'setpriv', 'umount', 'unshare'],
];
const WHERE = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Root directories for daemons, each its own: Node.js, xcpufs, a shell and a few tools, with the libraries of those and
 * nothing else. They have no compiler, no Python, no users but root, no home, and a /tmp of their own. They are mounts in
 * the daemon's mount namespace, and go with it.
 */
export class NodeRoots {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Collects what nodes have; the caller removes it. */
  static async make(): Promise<NodeRoots> {
    const directory = await mkdtemp(join(tmpdir(), 'xcpu-node-'));
    await Promise.all(['root', 'usr/bin', 'usr/sbin'].map((name) => mkdirs(directory, name)));
    const programs = PROGRAMS.map((name) => ({ name: `usr/bin/${name}`, file: found(name) }));
    programs.push({ name: 'usr/bin/node', file: process.execPath });
    const all = [...programs, ...librariesOf(programs.map(({ file }) => file))];
    await Promise.all(all.map(({ name, file }) => put(file, join(directory, name))));
    await writeFile(join(directory, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await writeFile(join(directory, 'group'), 'root:x:0:\n');
    return new NodeRoots(directory);
  }

  /** A `wrap` for a daemon. */
  wrap({ user, prepare = ':', enclose = [] }: NodeRootOptions = {}): string[] {
    const become = user ? `setpriv --reuid=${user.uid} --regid=${user.gid} --clear-groups` : '';
    const command = [...enclose, become].join(' ');
    const script = SCRIPT.replace('PREPARE', () => prepare).replace('BECOME', () => command);
    const owner = user ? `${user.uid}:${user.gid}` : '0:0';
    return ['unshare', '--mount', 'sh', '-ec', script, 'sh', this.#directory, XCPUFS, owner];
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}

export interface NodeRootOptions {
  /** Whom the daemon runs as; root by default. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What is done before, as root and outside of it, in the directory that becomes the node's root: a shell script. */
  readonly prepare?: string;
  /** A command of the node, in words of a shell without apostrophes, to which the daemon's is appended. */
  readonly enclose?: readonly string[];
}

/** All that a node needs of ours. */
const XCPUFS = fileURLToPath(new URL('../../packages/xcpufs/dist/xcpufs.cjs', import.meta.url));

/** Behind its own arguments are the daemon's, whose -t and -a name what the node has beside its own. */
const SCRIPT = `
collected=$1 daemon=$2 owner=$3
shift 4
root=$collected/root
mount -t tmpfs -o mode=755 node "$root"
cd "$root"
mkdir -m 1777 tmp
mkdir -m 700 root
mkdir -p dev etc mnt opt/xcpu proc run srv sys usr
ln -s usr/bin usr/sbin usr/lib .
[ ! -d "$collected/usr/lib64" ] || ln -s usr/lib64 .
cp "$collected/passwd" "$collected/group" etc
mount --bind "$collected/usr" usr
mount -o remount,bind,ro usr
: >opt/xcpu/xcpufs.cjs
mount --bind "$daemon" opt/xcpu/xcpufs.cjs
mount --rbind /proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=755 dev dev
mkdir -m 1777 dev/shm
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/fuse c 10 229
ln -s /proc/self/fd dev/fd
previous=
for word; do
  case $previous in
  -t) mkdir -p ".$word"; mount --bind "$word" ".$word"; chown "$owner" ".$word" ;;
  -a) mkdir -p ".\${word%/*}"; cp "$word" ".$word" ;;
  esac
  previous=$word
done
PREPARE
pivot_root . mnt
exec chroot . /usr/bin/sh -ec '
  umount -l /mnt
  exec BECOME /opt/xcpu/xcpufs.cjs "$@"' sh "$@"`;

interface Collected {
  /** From the collection on. */
  readonly name: string;
  readonly file: string;
}

function found(name: string): string {
  const file = WHERE.map((directory) => join(directory, name)).find((path) => existsSync(path));
  if (!file) throw new Error(`nodes of tests need ${name}`);
  return file;
}

/** Libraries under the names by which programs ask for them; ld.so is one of them. */
function librariesOf(programs: readonly string[]): Collected[] {
  const told = execFileSync('ldd', programs, { encoding: 'utf8' });
  const files = new Set(told.match(/(?<=\s)\/\S+(?= \()/g));
  return [...files].map((file) => ({ name: join('usr', file.replace(/^\/usr\//, '/')), file }));
}

async function put(file: string, place: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const real = realpathSync(file);
  // Another name takes no time, but exists in the same file system only.
  await link(real, place).catch(() => copyFile(real, place));
}

async function mkdirs(directory: string, name: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
}
