import { spawn } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { homeOf } from './home.js';
import type { UserTable } from './users.js';

/** The host's files by which programs find the names of users and groups: passwd(5), group(5). */
const FILES = ['passwd', 'group'] as const;
type FileName = (typeof FILES)[number];

/** One that lies over the host's. */
interface LaidFile {
  readonly fd: number;
  readonly name: FileName;
  /** The host's. */
  readonly host: string;
}

/** Set by what starts the daemon in a mount namespace of its own: see the head of the shipped program. */
export const OWN_MOUNTS = 'XCPUFS_OWN_MOUNTS';

/**
 * The host's passwd and group with the node's users and groups in them, so that programs find names for numbers which
 * the host does not know: id(1), git and ssh give up on users without one. The files lie over the host's own, for the
 * daemon and what it starts only: that costs a program nothing.
 *
 * They are overwritten in place, for whoever is bound to a file would not see another one; the table changes rarely.
 */
export class HostNames {
  readonly #users: UserTable;
  readonly #files: readonly LaidFile[];
  /** Of the table that the files tell. */
  #version: number | undefined;

  private constructor(users: UserTable, files: readonly LaidFile[]) {
    this.#users = users;
    this.#files = files;
  }

  /**
   * Lays files over the host's; undefined where the daemon was not started for that.
   * @param directory to be made, for files that everybody may read
   * @param mount path of mount(8)
   * @throws Error if that cannot be done; nothing is changed then
   */
  static async create(
    directory: string,
    users: UserTable,
    mount: string,
  ): Promise<HostNames | undefined> {
    const wanted = process.env[OWN_MOUNTS] !== undefined;
    delete process.env[OWN_MOUNTS];
    if (!wanted) return undefined;
    if (!hasOwnMounts()) throw new Error('the mounts of the daemon are those of its host');
    mkdirSync(directory, { mode: 0o755 });
    const files = FILES.map((name) => {
      const host = readFileSync(`/etc/${name}`, 'utf8');
      return { fd: openSync(join(directory, name), 'wx', 0o644), name, host };
    });
    const names = new HostNames(users, files);
    names.refresh();
    for (const { name } of files) await bind(mount, join(directory, name), `/etc/${name}`);
    return names;
  }

  /** Tells of users and groups that came or went since the last time. */
  refresh(): void {
    const { version } = this.#users;
    if (this.#version === version) return;
    try {
      for (const file of this.#files) this.#write(file);
      this.#version = version;
    } catch {
      // The disk is full: programs run all the same, and the next tries again.
    }
  }

  #write({ fd, name, host }: LaidFile): void {
    const lines = name === 'passwd' ? userLines(this.#users) : groupLines(this.#users);
    const text = Buffer.from(merged(host, lines));
    writeSync(fd, text, 0, text.length, 0);
    ftruncateSync(fd, text.length);
  }

  close(): void {
    for (const { fd } of this.#files) closeSync(fd);
  }
}

/** Whether a mount of the daemon's is not its host's: whoever set the variable may have been mistaken. */
function hasOwnMounts(): boolean {
  try {
    return readlinkSync('/proc/self/ns/mnt') !== readlinkSync(`/proc/${process.ppid}/ns/mnt`);
  } catch {
    return false;
  }
}

function bind(mount: string, file: string, over: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(mount, ['-n', '--bind', file, over], {
      cwd: '/',
      env: {},
      stdio: 'ignore',
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${over}: nothing can be mounted on it`));
    });
  });
}

type Line = readonly [name: string, number: number, rest: string];

/** The node's lines come first, and the host has none for the same name or number. */
function merged(host: string, lines: readonly Line[]): string {
  const names = new Set(lines.map(([name]) => name));
  const numbers = new Set(lines.map(([, number]) => String(number)));
  const kept = host.split('\n').filter((line) => {
    const [name = '', , number = ''] = line.split(':');
    return line !== '' && !names.has(name) && !numbers.has(number);
  });
  const own = lines.map(([name, number, rest]) => `${name}:x:${number}:${rest}`);
  return [...own, ...kept, ''].join('\n');
}

function userLines(users: UserTable): Line[] {
  return users.all().flatMap((user): Line[] => {
    const { name, uid, group, shell = '/bin/sh' } = user;
    return fits(name) ? [[name, uid, `${group.gid}::${homeOf(user)}:${shell}`]] : [];
  });
}

function groupLines(users: UserTable): Line[] {
  const members = new Map<string, string[]>();
  for (const user of users.all()) {
    for (const group of user.groups) {
      if (group === user.group || !fits(user.name)) continue;
      const list = members.get(group.name) ?? [];
      members.set(group.name, list);
      list.push(user.name);
    }
  }
  return users
    .groupEntries()
    .reverse()
    .flatMap(({ name, gid }): Line[] =>
      fits(name) ? [[name, gid, (members.get(name) ?? []).join(',')]] : [],
    );
}

/** What the files have room for. */
function fits(name: string): boolean {
  return /^[^:,\s]+$/.test(name);
}
