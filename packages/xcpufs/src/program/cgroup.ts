import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  write,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const writeTo = promisify<number, string, unknown>(write);

/** Empty groups kept for the next sessions: the kernel takes longer to make and remove one than to start a program. */
const MAX_SPARE = 8;
/** How often an emptying group is looked at, in milliseconds. */
const POLL_MS = 20;
const POLLS = 100;

/**
 * Control groups (cgroups(7), version 2) in which programs run, one per session: whatever a program starts
 * stays in its group, setsid(2) or not, and ends with it.
 */
export class Cgroups {
  /** Where the groups are made. */
  readonly directory: string;
  /** Groups that were used and are empty. */
  readonly #spare: string[] = [];
  #made = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A place for groups below the daemon's own, undefined where none can be made. */
  static create(name: string): Cgroups | undefined {
    const own = ownGroup();
    if (!own) return undefined;
    try {
      const directory = join(own, name);
      mkdirSync(directory);
      // A file system mounted over the control groups makes plain directories.
      if (existsSync(join(directory, 'cgroup.procs'))) return new Cgroups(directory);
      rmdirSync(directory);
      return undefined;
    } catch {
      return undefined;
    }
  }

  /** The groups that an earlier run of the daemon left in this directory. */
  static at(directory: string): Cgroups {
    return new Cgroups(directory);
  }

  /** Takes an empty group and answers its name; undefined where none can be made. */
  take(): string | undefined {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const name = String(this.#made++);
    try {
      mkdirSync(join(this.directory, name));
      return name;
    } catch {
      return undefined;
    }
  }

  /** Moves a process into a group and tells whether that worked. It may take 20 ms, so it is done off the loop. */
  async enter(name: string, pid: number): Promise<boolean> {
    let fd: number | undefined;
    try {
      // Only the write takes long: each step off the loop costs as much as a small request.
      fd = openSync(join(this.directory, name, 'cgroup.procs'), 'w');
      await writeTo(fd, String(pid));
      return true;
    } catch {
      return false;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** Kills everything in a group. */
  kill(name: string): void {
    this.#killIn(join(this.directory, name));
  }

  /** Gives a group back if nothing is in it, and tells whether it was so. */
  giveBack(name: string): boolean {
    if (this.#spare.length >= MAX_SPARE) return this.#removeEmpty(name);
    if (!this.#isEmpty(name)) return false;
    this.#spare.push(name);
    return true;
  }

  #isEmpty(name: string): boolean {
    try {
      const events = readFileSync(join(this.directory, name, 'cgroup.events'), 'latin1');
      return /^populated 0$/m.test(events);
    } catch {
      return false;
    }
  }

  /** Removes a group if nothing is in it, and tells whether it is gone. */
  #removeEmpty(name: string): boolean {
    try {
      rmdirSync(join(this.directory, name));
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'EBUSY';
    }
  }

  /** Gives a group back once everything in it is gone. */
  async release(name: string): Promise<void> {
    for (let poll = 0; poll < POLLS; poll++) {
      if (this.giveBack(name)) return;
      await sleep(POLL_MS);
    }
  }

  async #remove(name: string): Promise<void> {
    for (let poll = 0; poll < POLLS; poll++) {
      if (this.#removeEmpty(name)) return;
      await sleep(POLL_MS);
    }
  }

  /** Kills and removes all groups, and the place for them. */
  async close(): Promise<void> {
    this.#killIn(this.directory);
    this.#spare.length = 0;
    await Promise.all(groupsIn(this.directory).map((name) => this.#remove(name)));
    await this.#remove('.');
  }

  #killIn(directory: string): void {
    try {
      writeFileSync(join(directory, 'cgroup.kill'), '1');
      return;
    } catch {
      // Kernels before 5.14 have no cgroup.kill.
    }
    for (const pid of processesIn(directory)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
  }
}

function groupsIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function processesIn(directory: string): number[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

/** Where this process's group is in the file system: cgroups(7), /proc/pid/cgroup. */
function ownGroup(): string | undefined {
  try {
    const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    const mount = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((line) => / - cgroup2 /.test(line))
      ?.split(' ')[4];
    return path !== undefined && mount !== undefined ? join(mount, path) : undefined;
  } catch {
    return undefined;
  }
}
