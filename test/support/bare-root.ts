import { execFileSync, spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canUnshare } from './namespace.js';
import { isRoot, lacks } from './needs.js';

/** What xcpufs looks for, and a few to look around with. */
const APPLETS = [
  ...[
    'sh',
    'cat',
    'chroot',
    'dd',
    'echo',
    'id',
    'ls',
    'mkdir',
    'mount',
    'nsenter',
    'setpriv',
    'sleep',
  ],
  ...['test', 'true', 'umount', 'unshare'],
];

/** What `ls /` shows in there: no /lib, no /usr, no /etc/ld.so.cache. */
export const BARE_ROOT = ['bin', 'dev', 'mnt', 'opt', 'proc', 'run', 'sys', 'tmp'];

/** Whether such roots cannot be made here, which is then said. */
export function lacksBareRoots(): boolean {
  const { stdout } = spawnSync('ldd', ['/bin/busybox'], { encoding: 'utf8' });
  const isStatic = spawnSync('/bin/busybox', ['true']).status === 0 && !stdout.includes('=>');
  return lacks('root, mount namespaces and busybox-static', isRoot && canUnshare && isStatic);
}

/**
 * Root directories for daemons in which nothing runs but a static busybox and xcpufs: there is no loader and no library at
 * any usual place, as Node.js has those that it needs beside itself. Each daemon gets one of its own, which goes with it.
 */
export class BareRoots {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Collects what is in them; the caller removes it. */
  static async make(): Promise<BareRoots> {
    const directory = await mkdtemp(join(tmpdir(), 'xcpu-bare-'));
    const bin = join(directory, 'bin');
    const node = join(directory, 'node');
    for (const path of [bin, node, join(directory, 'root')]) await mkdir(path);
    await put('/bin/busybox', join(bin, 'busybox'));
    for (const applet of APPLETS) await symlink('busybox', join(bin, applet));
    await put(process.execPath, join(node, 'node'));
    const libraries = librariesOf(process.execPath);
    for (const file of libraries) await put(file, join(node, 'lib', basename(file)));
    const loader = basename(libraries.find((file) => /\/ld[^/]*$/.test(file))!);
    const start = `#!/bin/sh\nexec /opt/node/lib/${loader} --library-path /opt/node/lib /opt/node/node "$@"\n`;
    await writeFile(join(bin, 'node'), start, { mode: 0o755 });
    return new BareRoots(directory);
  }

  /**
   * A `wrap` for a daemon.
   * @param prepare a shell script that is run before, as root, where `$place` is the daemon's `-t` as seen from outside
   */
  wrap(prepare = ':'): string[] {
    const script = SCRIPT.replace('PREPARE', () => prepare);
    return ['unshare', '--mount', 'sh', '-ec', script, 'sh', this.#directory, XCPUFS];
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}

/** All that a node needs of ours. */
const XCPUFS = fileURLToPath(new URL('../../packages/xcpufs/dist/xcpufs.cjs', import.meta.url));

/** Behind its own arguments are the daemon's, whose -t and -a name what the node has beside its own. */
const SCRIPT = `
collected=$1 daemon=$2
shift 3
root=$collected/root
mount -t tmpfs -o mode=755 node "$root"
cd "$root"
mkdir -p bin dev mnt opt/node opt/xcpu proc run sys
mkdir -m 1777 tmp
mount --bind "$collected/bin" bin
mount --bind "$collected/node" opt/node
: >opt/xcpu/xcpufs.cjs
mount --bind "$daemon" opt/xcpu/xcpufs.cjs
mount --rbind /proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=755 dev dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
ln -s /proc/self/fd dev/fd
previous=
for word; do
  case $previous in
  -t) mkdir -p ".$word"; place=$root$word; mount --bind "$word" "$place" ;;
  -a) mkdir -p ".\${word%/*}"; cp "$word" ".$word" ;;
  esac
  previous=$word
done
PREPARE
cd "$root"
pivot_root . mnt
exec chroot . /bin/sh -ec '
  umount -l /mnt
  exec /opt/xcpu/xcpufs.cjs "$@"' sh "$@"`;

/** Libraries by path; ld.so is one of them. */
function librariesOf(program: string): string[] {
  const told = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...new Set(told.match(/(?<=\s)\/\S+(?= \()/g))];
}

async function put(file: string, place: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const real = realpathSync(file);
  // Another name takes no time, but exists in the same file system only.
  await link(real, place).catch(() => copyFile(real, place));
}
