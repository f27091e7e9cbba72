import { chmodSync, chownSync, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { Errno, ModeBit, NinePError, type Stat } from '@xcpu/9p-protocol';
import type { ServerFile } from '@xcpu/9p-protocol/server';
import type { Session } from '../session/session.js';
import type { Caller } from '../tree/caller.js';
import { PushedFile, qidOf } from './pushed-file.js';
import { removeTree } from './remove-tree.js';

/** Files of one session's `fs/` open at a time: enough for a parallel push, few enough to leave descriptors to others. */
const MAX_OPEN = 256;

/** A session's directory on the node's disk: `fs/`, and what the daemon keeps for the session beside it. Made when first needed. */
export class PushedFiles {
  readonly session: Session;
  readonly #directory: string;
  readonly #trash: string;
  readonly #changesOwner: boolean;
  #made = false;
  #open = 0;

  /**
   * @param directory where to make it, not there yet
   * @param trash a directory of the daemon's own on the same file system
   * @param changesOwner whether files are given to the session's user (the daemon is root)
   */
  constructor(session: Session, directory: string, trash: string, changesOwner: boolean) {
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
    this.#make();
    return join(this.#directory, name);
  }

  /** `fs/` as the tree shows it. */
  rootFile(parent: ServerFile<Caller>): PushedFile {
    this.#make();
    return new PushedFile(this, parent, [], lstatSync(this.root));
  }

  /** The path of a program that was pushed under this plain name, undefined if there is none. */
  program(name: string): string | undefined {
    if (!this.#made || name.includes('/')) return undefined;
    const path = join(this.root, name);
    try {
      return lstatSync(path).isFile() ? path : undefined;
    } catch {
      return undefined;
    }
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

  /** A file's stat, with the names that the node's users have where they are the session's. */
  describe(name: string, stats: Stats): Stat {
    const { owner } = this.session;
    const uid = stats.uid === owner.uid || !this.#changesOwner ? owner.name : String(stats.uid);
    const gid =
      stats.gid === owner.group.gid || !this.#changesOwner ? owner.group.name : String(stats.gid);
    return {
      type: 0,
      dev: 0,
      qid: qidOf(stats),
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
    if (this.#made) await removeTree(this.#directory, this.#trash);
  }

  #make(): void {
    if (this.#made) return;
    this.session.checkAlive();
    // Others may pass through, to the program that the user pushed; only fs/ itself is the user's.
    mkdirSync(this.#directory, { mode: 0o711 });
    mkdirSync(this.root, { mode: 0o700 });
    if (this.owner) chownSync(this.root, this.owner.uid, this.owner.gid);
    chmodSync(this.root, 0o770);
    this.#made = true;
  }
}
