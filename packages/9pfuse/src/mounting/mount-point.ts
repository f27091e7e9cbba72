import { realpath, stat } from 'node:fs/promises';
import type { Owner } from '../owners.js';
import { type MountInfo, mountAt, readMounts } from './mount-info.js';
import { run } from './run.js';

/** How a mount is made. */
export interface MountPointOptions {
  /** What `mount` and `df` show as the source. Default `9pfuse`. */
  readonly name?: string;
  /**
   * Whose it is: nobody else gets in, not even root, who then can be led nowhere by names in it. The user's number has to
   * be the effective, real and saved one of a process, and so has the group's. Default: who mounts.
   */
  readonly user?: Owner;
  /** Also other users than that one. */
  readonly allowOther?: boolean;
  /**
   * Who says what may be done: `kernel` goes by the owners and modes that files show; `server` asks none but the server,
   * request by request, which is right where it knows the user better, by groups that he has there for example.
   * access(2) then is a guess, see `operations/access.ts`. Default `kernel`.
   */
  readonly permissions?: 'kernel' | 'server';
  /**
   * More options of mount(8): `ro`, `noexec`, …; `suid` and `dev` take back what is the default, that set-uid bits and
   * devices on the server mean nothing here.
   */
  readonly options?: readonly string[];
}

/** Largest readahead to ask for, in KiB: one request of the largest size, which is a page less than 1 MiB of messages. */
const READAHEAD_KB = 1020;
const TYPE = 'fuse.9p';

/** A mount of a FUSE file system, in the mount namespace of this process or another. */
export class MountPoint {
  /** Absolute, and free of links. */
  readonly path: string;
  /** As in proc_pid_mountinfo(5). */
  readonly device: string;

  /** The path as it stands there, with blanks and the like in octal. */
  readonly escaped: string;
  /** In whose namespace it is, if not in this process's. */
  readonly #pid: number | undefined;

  private constructor({ path, device, escaped }: MountInfo, pid: number | undefined) {
    this.path = path;
    this.device = device;
    this.escaped = escaped;
    this.#pid = pid;
  }

  /**
   * Mounts on a directory; whoever reads `fd` from then on serves it.
   * @param fd an open /dev/fuse
   * @param pid a process in whose mount namespace it is to be, whose root is that namespace's: `directory` then is
   *   absolute and free of links there. Nothing of that namespace is run
   * @throws Error that names the reason and the way out
   */
  static async make(
    fd: number,
    directory: string,
    options: MountPointOptions = {},
    pid?: number,
  ): Promise<MountPoint> {
    const path = pid === undefined ? await directoryPath(directory) : directory;
    const args = [...inNamespace(pid), '-i', '-c', '-t', TYPE, '-o', settingsOf(options)];
    const { name = '9pfuse' } = options;
    const { status, text } = await run('mount', [...args, '--', sourceName(name), path], fd);
    if (status !== 0) throw new Error(`cannot mount on ${path}: ${refusal(text)}`);
    const made = mountAt(await readMounts(pid), path);
    if (!made) throw new Error(`cannot mount on ${path}: the mount is gone already`);
    return new MountPoint(made, pid);
  }

  /** Whether the mount is still to be seen at its place. */
  async isThere(): Promise<boolean> {
    return mountAt(await readMounts(this.#pid), this.path)?.device === this.device;
  }

  /** Whether there is another mount on top of it: a path leads to that one, and none to this. */
  async isCovered(): Promise<boolean> {
    const mounts = await readMounts(this.#pid);
    const there = mounts.some(({ path, device }) => path === this.path && device === this.device);
    return there && mountAt(mounts, this.path)?.device !== this.device;
  }

  /**
   * Takes the mount away in order: the kernel writes what it holds first. What keeps it busy keeps it: then it is cut
   * off all the same, once that is written (in this namespace only: in another no name is looked up).
   */
  async unmount(): Promise<void> {
    if (!(await this.isThere())) return;
    if ((await this.#umount()).status === 0) return;
    if (this.#pid === undefined) await run('sync', ['-f', '--', this.path]);
    await this.abort();
  }

  /** Takes the mount away at once: whatever waits for it fails, and whoever has it open is told that it is gone. */
  async abort(): Promise<void> {
    if (!(await this.isThere())) return;
    await this.#umount('-f', '-l');
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

  #umount(...how: string[]) {
    return run('umount', [...inNamespace(this.#pid), '-i', '-c', ...how, '--', this.path]);
  }
}

/**
 * mount(8) and umount(8) enter the namespace for the system call alone: what runs as root comes from here, and there
 * no name is asked for but the path.
 */
function inNamespace(pid: number | undefined): string[] {
  return pid === undefined ? [] : ['-N', String(pid), '-n'];
}

function settingsOf(options: MountPointOptions): string {
  const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const { user = self, allowOther = false, permissions = 'kernel', options: more = [] } = options;
  return [
    ...['fd=3', 'rootmode=40000', `user_id=${user.uid}`, `group_id=${user.gid}`],
    ...(permissions === 'kernel' ? ['default_permissions'] : []),
    ...(allowOther ? ['allow_other'] : []),
    ...['nosuid', 'nodev', ...more],
  ].join(',');
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

function refusal(text: string): string {
  const reason = text.replace(/^mount: /, '').replace(/\s+/g, ' ');
  if (process.geteuid?.() === 0) return reason || 'mount(8) does not say why';
  return `only root may, and everybody in a namespace of his own, which a shell started with unshare -Urmpf --mount-proc is in (${reason})`;
}

/** The kernel takes a comma for the end of an option only where options are; a blank source would show as none. */
function sourceName(name: string): string {
  return name.replace(/[\0-\x1f\x7f]/g, '?') || '9pfuse';
}
