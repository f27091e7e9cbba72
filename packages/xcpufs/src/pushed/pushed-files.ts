import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { Errno, ModeBit, NinePError, type Qid, QidType, type Stat } from '@xcpu/9p-protocol';
import type { Awaitable } from '@xcpu/9p-protocol/server';
import type { ConnectCommand } from '@xcpu/xcpu-protocol';
import type { Caller } from '../tree/caller.js';
import type { User } from '../users/users.js';
import { inDirectory, splitLast } from './beneath.js';
import { giveFile, makeDirectory } from './make.js';
import { fetchable, Peer } from './peer.js';
import type { Ownership } from './permission.js';
import { removeTree } from './remove-tree.js';

/** Files of one session's `fs/` open at a time: enough for a parallel push, few enough to leave descriptors to others. */
const MAX_OPEN = 256;

let fetches = 0;

/** Whose files they are: a session, as far as its files care. */
export interface FilesHolder {
  readonly owner: User;
  /** @throws NinePError `session wiped` */
  checkAlive(): void;
  /** @throws NinePError (EPERM) for whom the session is not any more */
  admit(caller: Caller): void;
  acquire(): void;
  release(): void;
}

/** A session's directory on the node's disk: `fs/`, and what the daemon keeps for the session beside it. Made when first needed. */
export class PushedFiles {
  readonly session: FilesHolder;
  readonly #directory: string;
  readonly #trash: string;
  readonly #changesOwner: boolean;
  /** Files that are missing here come from there. */
  #peer: Peer | undefined;
  readonly #fetching = new Map<string, Promise<boolean>>();
  /** Permissions of `fs/`. */
  #mode = 0o770;
  #made = false;
  #removed = false;
  #open = 0;

  /**
   * @param directory where to make it, not there yet
   * @param trash a directory of the daemon's own on the same file system
   * @param changesOwner whether files are given to the session's user (the daemon is root)
   */
  constructor(session: FilesHolder, directory: string, trash: string, changesOwner: boolean) {
    this.session = session;
    this.#directory = directory;
    this.#trash = trash;
    this.#changesOwner = changesOwner;
  }

  /** `fs/` on the disk. */
  get root(): string {
    return join(this.#directory, 'fs');
  }

  /** Whom the files belong to; undefined where all is the daemon's own user's. */
  get owner(): { uid: number; gid: number } | undefined {
    const { uid, group } = this.session.owner;
    return this.#changesOwner ? { uid, gid: group.gid } : undefined;
  }

  /** Where the daemon keeps a file of its own for the session. */
  ownFile(name: string): string {
    this.make();
    return join(this.#directory, name);
  }

  /** The path of a program that was pushed under this plain name, undefined if there is none. */
  program(name: string): Awaitable<string | undefined> {
    if (name.includes('/')) return undefined;
    const path = join(this.root, name);
    if (isFile(path)) return path;
    return this.fetch([name])?.then((fetched) => (fetched && isFile(path) ? path : undefined));
  }

  /** Whether a program that was pushed is kept on a file system on which nothing may be run. */
  isNoexec(path: string): boolean {
    try {
      if (!(lstatSync(path).mode & constants.S_IXUSR)) return false;
      accessSync(path, constants.X_OK);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EACCES';
    }
  }

  /** Files that are missing from now on are fetched from a session of another node. */
  async connect(command: ConnectCommand): Promise<void> {
    const peer = await Peer.connect(command, this.session.owner);
    this.#peer?.close();
    this.#peer = peer;
    if (this.#removed) peer.close();
  }

  /** Fetches a file that is missing here, or makes its directory; resolves to whether it is here now. */
  fetch(components: readonly string[]): Promise<boolean> | undefined {
    if (!this.#peer) return undefined;
    const key = components.join('/');
    const peer = this.#peer;
    let fetching = this.#fetching.get(key);
    if (!fetching) {
      fetching = this.#fetch(peer, components).finally(() => this.#fetching.delete(key));
      this.#fetching.set(key, fetching);
    }
    return fetching;
  }

  async #fetch(peer: Peer, components: readonly string[]): Promise<boolean> {
    this.make();
    const stat = await peer.find(components);
    if (!stat || !fetchable(stat)) return false;
    const [parent, name] = splitLast(components);
    if (stat.mode & ModeBit.DIR) {
      makeDirectory(this, parent, name, stat.mode);
      return true;
    }
    // The copy appears under its name when it is whole: nobody sees, or runs, half of it.
    const copy = this.ownFile(`fetch.${fetches++}`);
    const fd = openSync(copy, 'wx', 0o600);
    try {
      await peer.copy(components, copy);
      giveFile(this, fd, stat.mode);
      inDirectory(this.root, parent, (path) => renameSync(copy, `${path}/${name}`));
      return true;
    } catch (error) {
      unlinkSync(copy);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Nobody but the owner may use the files from now on, programs of others on the node included. */
  keepOut(): void {
    this.#mode = 0o700;
    if (this.#made) chmodSync(this.root, this.#mode);
  }

  /** The session was handed to another user. */
  chown(): void {
    if (this.#made && this.owner) chownSync(this.root, this.owner.uid, this.owner.gid);
  }

  countOpen(): void {
    if (this.#open >= MAX_OPEN) {
      throw new NinePError(`too many open files in a session (limit ${MAX_OPEN})`, Errno.EMFILE);
    }
    this.#open++;
  }

  countClosed(): void {
    this.#open--;
  }

  /** Whose a file counts as: where all is the daemon's own user's, that is the session's. */
  ownership(stats: Stats): Ownership {
    if (this.#changesOwner || stats.uid !== process.geteuid?.()) return stats;
    const { uid, group } = this.session.owner;
    return { uid, gid: group.gid, mode: stats.mode };
  }

  /** A file's qid, from its inode: `fs/` is on one file system. */
  qid(stats: Stats): Qid {
    const type = stats.isDirectory() ? QidType.DIR : stats.isSymbolicLink() ? QidType.SYMLINK : 0;
    // Sessions' own files have small numbers: keep clear of them.
    return { type, version: Math.floor(stats.mtimeMs) >>> 0, path: stats.ino + 2 ** 48 };
  }

  /** A file's stat, with the names that the node's users have where they are the session's. */
  describe(name: string, stats: Stats): Stat {
    const { owner } = this.session;
    const uid = stats.uid === owner.uid || !this.#changesOwner ? owner.name : String(stats.uid);
    const gid =
      stats.gid === owner.group.gid || !this.#changesOwner ? owner.group.name : String(stats.gid);
    return {
      type: 0,
      dev: 0,
      qid: this.qid(stats),
      mode: ((stats.mode & 0o777) | (stats.isDirectory() ? ModeBit.DIR : 0)) >>> 0,
      atime: Math.floor(stats.atimeMs / 1000),
      mtime: Math.floor(stats.mtimeMs / 1000),
      length: stats.isDirectory() ? 0 : stats.size,
      name,
      uid,
      gid,
      muid: uid,
      extension: '',
      nUid: stats.uid,
      nGid: stats.gid,
    };
  }

  async remove(): Promise<void> {
    this.#removed = true;
    this.#peer?.close();
    if (this.#made) await removeTree(this.#directory, this.#trash);
  }

  /** Makes the directory, unless it is there. */
  make(): void {
    if (this.#made) return;
    this.session.checkAlive();
    // Others may pass through, to the program that the user pushed; only fs/ itself is the user's.
    mkdirSync(this.#directory, { mode: 0o711 });
    mkdirSync(this.root, { mode: 0o700 });
    if (this.owner) chownSync(this.root, this.owner.uid, this.owner.gid);
    chmodSync(this.root, this.#mode);
    this.#made = true;
  }
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}
