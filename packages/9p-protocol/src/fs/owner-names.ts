import { readFileSync, statSync } from 'node:fs';

/** The names of users and groups; numbers where there is no name. */
export interface OwnerNames {
  /** The number in decimal if it has no name. */
  userName(uid: number): string;
  /** The number in decimal if it has no name. */
  groupName(gid: number): string;
  /** undefined for a name that nobody has. */
  userId(name: string): number | undefined;
  /** undefined for a name that no group has. */
  groupId(name: string): number | undefined;
}

/** Where names come from: passwd(5), group(5). */
export interface OwnerFiles {
  /** `/etc/passwd` by default. */
  readonly passwd?: string;
  /** `/etc/group` by default. */
  readonly group?: string;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/** How often it is asked whether the files have changed, in milliseconds: asking costs as much as a stat. */
const CHECK_MS = 1000;

/** The names in the files, which are read again when they change. A file that cannot be read has no names. */
export function ownerNames(files: OwnerFiles = {}): OwnerNames {
  const now = files.now ?? (() => performance.now());
  const users = new NameFile(files.passwd ?? '/etc/passwd', now);
  const groups = new NameFile(files.group ?? '/etc/group', now);
  return {
    userName: (uid) => users.name(uid),
    groupName: (gid) => groups.name(gid),
    userId: (name) => users.id(name),
    groupId: (name) => groups.id(name),
  };
}

/** A file of lines whose first field is a name and whose third is its number. */
class NameFile {
  readonly #path: string;
  readonly #now: () => number;
  #checked = Number.NEGATIVE_INFINITY;
  #version = '';
  #names = new Map<number, string>();
  #ids = new Map<string, number>();

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
  }

  name(id: number): string {
    this.#refresh();
    return this.#names.get(id) ?? String(id);
  }

  id(name: string): number | undefined {
    this.#refresh();
    const id = this.#ids.get(name);
    if (id !== undefined) return id;
    // What `name` yields for the nameless must lead back.
    return /^\d{1,9}$/.test(name) ? Number(name) : undefined;
  }

  #refresh(): void {
    const now = this.#now();
    if (now - this.#checked < CHECK_MS) return;
    this.#checked = now;
    const version = versionOf(this.#path);
    if (version === this.#version) return;
    this.#version = version;
    this.#names = new Map();
    this.#ids = new Map();
    for (const line of linesOf(this.#path)) {
      const [name, , number] = line.split(':');
      if (!name || !number || !/^\d{1,10}$/.test(number)) continue;
      const id = Number(number);
      // As getpwuid(3) does: the first of several wins.
      if (!this.#names.has(id)) this.#names.set(id, name);
      if (!this.#ids.has(name)) this.#ids.set(name, id);
    }
  }
}

function versionOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev} ${stats.ino} ${stats.ctimeNs} ${stats.size}` : '';
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
