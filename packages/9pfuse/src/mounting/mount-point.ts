import { realpath, stat } from 'node:fs/promises';
import { type MountInfo, mountAt, readMounts } from './mount-info.js';
import { run } from './run.js';

/** How a mount is made. */
export interface MountPointOptions {
  /** What `mount` and `df` show as the source. Default `9pfuse`. */
  readonly name?: string;
  /** Also other users than the one who mounts. Default: he alone. */
  readonly allowOther?: boolean;
  /**
   * More options of mount(8): `ro`, `noexec`, …; `suid` and `dev` take back what is the default, that set-uid bits and
   * devices on the server mean nothing here.
   */
  readonly options?: readonly string[];
}

/** Largest readahead to ask for, in KiB: one request of the largest size. */
const READAHEAD_KB = 1024;
const TYPE = 'fuse.9p';

/** A mount of a FUSE file system, in the mount namespace of this process. */
export class MountPoint {
  /** Absolute, and free of links. */
  readonly path: string;
  /** As in proc_pid_mountinfo(5). */
  readonly device: string;

  /** The path as it stands there, with blanks and the like in octal. */
  readonly escaped: string;

  private constructor({ path, device, escaped }: MountInfo) {
    this.path = path;
    this.device = device;
    this.escaped = escaped;
  }

  /**
   * Mounts on a directory; whoever reads `fd` from then on serves it.
   * @param fd an open /dev/fuse
   * @throws Error that names the reason and the way out
   */
  static async make(
    fd: number,
    directory: string,
    options: MountPointOptions = {},
  ): Promise<MountPoint> {
    const path = await directoryPath(directory);
    const { name = '9pfuse', allowOther = false, options: more = [] } = options;
    const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
    const settings = [
      ...['fd=3', 'rootmode=40000', `user_id=${uid}`, `group_id=${gid}`, 'default_permissions'],
      ...(allowOther ? ['allow_other'] : []),
      ...['nosuid', 'nodev', ...more],
    ].join(',');
    const args = ['-i', '-t', TYPE, '-o', settings, '--', sourceName(name), path];
    const { status, text } = await run('mount', args, fd);
    if (status !== 0) throw new Error(`cannot mount on ${path}: ${refusal(uid, text)}`);
    const made = mountAt(await readMounts(), path);
    if (!made) throw new Error(`cannot mount on ${path}: the mount is gone already`);
    return new MountPoint(made);
  }

  /** Whether the mount is still to be seen at its place. */
  async isThere(): Promise<boolean> {
    return mountAt(await readMounts(), this.path)?.device === this.device;
  }

  /** Whether there is another mount on top of it: a path leads to that one, and none to this. */
  async isCovered(): Promise<boolean> {
    const mounts = await readMounts();
    const there = mounts.some(({ path, device }) => path === this.path && device === this.device);
    return there && mountAt(mounts, this.path)?.device !== this.device;
  }

  /**
   * Takes the mount away in order: the kernel writes what it holds first. What keeps it busy keeps it: then it is cut
   * off all the same, once that is written.
   */
  async unmount(): Promise<void> {
    if (!(await this.isThere())) return;
    if ((await run('umount', ['-i', '-c', '--', this.path])).status === 0) return;
    await run('sync', ['-f', '--', this.path]);
    await this.abort();
  }

  /** Takes the mount away at once: whatever waits for it fails, and whoever has it open is told that it is gone. */
  async abort(): Promise<void> {
    if (!(await this.isThere())) return;
    await run('umount', ['-i', '-c', '-f', '-l', '--', this.path]);
  }

  /**
   * Lets the kernel read as far ahead as it can in one request. Only root may; anybody else keeps what the kernel
   * chose, 128 KiB mostly.
   */
  async readAhead(): Promise<void> {
    const { writeFile } = await import('node:fs/promises');
    const file = `/sys/class/bdi/${this.device}/read_ahead_kb`;
    await writeFile(file, String(READAHEAD_KB)).catch(() => {});
  }
}

async function directoryPath(directory: string): Promise<string> {
  let path: string;
  try {
    path = await realpath(directory);
    if (!(await stat(path)).isDirectory()) throw new Error('not a directory');
  } catch (error) {
    throw new Error(`cannot mount on ${directory}: ${directoryReason(directory, error)}`, {
      cause: error,
    });
  }
  return path;
}

function directoryReason(directory: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `no such directory; make it first (mkdir ${directory})`;
  if (code === 'ENOTCONN') {
    return `a mount whose server is gone is still there; take it away first (umount -l ${directory})`;
  }
  return error instanceof Error ? error.message : String(error);
}

function refusal(uid: number, text: string): string {
  const reason = text.replace(/^mount: /, '').replace(/\s+/g, ' ');
  if (uid === 0) return reason || 'mount(8) does not say why';
  return `only root may, and everybody in a namespace of his own, which a shell started with unshare -Urmpf --mount-proc is in (${reason})`;
}

/** The kernel takes a comma for the end of an option only where options are; a blank source would show as none. */
function sourceName(name: string): string {
  return name.replace(/[\0-\x1f\x7f]/g, '?') || '9pfuse';
}
