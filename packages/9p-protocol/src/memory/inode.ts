import { ModeBit } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import type { Qid, Uint64 } from '../types.js';
import { Contents } from './contents.js';
import type { MemoryFile } from './file.js';
import type { Person } from './users.js';
import type { Volume } from './volume.js';

/** Seconds since 1970, and nanoseconds beyond. */
export interface Time {
  readonly sec: number;
  readonly nsec: number;
}

/** What a file takes beside its contents, in bytes, roughly. */
const COST = 1024;

/** A file apart from its names. */
export class Inode {
  readonly volume: Volume;
  readonly path: Uint64;
  /** Kind and permissions, see FileMode. */
  mode: number;
  /** ModeBit.APPEND, EXCLUSIVE and TEMPORARY. */
  flags: number;
  uid: number;
  gid: number;
  /** Who changed it last. */
  muid: number;
  nlink = 0;
  atime: Time;
  mtime: Time;
  ctime: Time;
  readonly btime: Time;
  /** Of a regular file. */
  readonly contents: Contents | undefined;
  /** Of a directory. */
  readonly children: Map<string, MemoryFile> | undefined;
  /** Where a symbolic link leads. */
  target = '';
  /** Of a device: what it is, as 9P2000.u tells it (`c 1 3`). */
  device = '';
  readonly xattrs = new Map<string, Buffer>();
  /** Fids through which it is open. */
  opened = 0;
  /** Fids that name it, and operations under way. */
  held = 0;
  #version = 0;
  #qid: Qid | undefined;
  #taken = COST;

  /** @throws NinePError (ENOSPC) */
  constructor(volume: Volume, mode: number, flags: number, owner: Person) {
    volume.space.take(COST);
    this.volume = volume;
    this.path = volume.nextPath();
    this.mode = mode;
    this.flags = flags;
    this.uid = owner.uid;
    this.gid = owner.gid;
    this.muid = owner.uid;
    this.btime = volume.now();
    this.atime = this.btime;
    this.mtime = this.btime;
    this.ctime = this.btime;
    if (this.kind === FileMode.REGULAR) this.contents = new Contents(volume.space);
    if (this.kind === FileMode.DIRECTORY) this.children = new Map();
  }

  /** The type bits of its mode. */
  get kind(): number {
    return this.mode & FileMode.TYPE_MASK;
  }

  get size(): number {
    return this.contents?.size ?? Buffer.byteLength(this.target);
  }

  get version(): number {
    return this.#version;
  }

  get qid(): Qid {
    this.#qid ??= { type: this.#qidType(), version: this.#version, path: this.path };
    return this.#qid;
  }

  /** Bytes beside its contents that it takes. */
  get taken(): number {
    return this.#taken;
  }

  /** Counts what is kept for it beside its contents. @throws NinePError (ENOSPC) */
  charge(bytes: number): void {
    if (bytes > 0) this.volume.space.take(bytes);
    else this.volume.space.give(-bytes);
    this.#taken += bytes;
  }

  setMode(permissions: number, flags: number): void {
    this.mode = this.kind | permissions;
    this.flags = flags;
    this.#qid = undefined;
  }

  /** Its contents, or the names in it, are others now. */
  changed(by: Person): void {
    this.#version = (this.#version + 1) >>> 0;
    this.#qid = undefined;
    this.muid = by.uid;
    this.mtime = this.volume.now();
    this.ctime = this.mtime;
  }

  /** Gives its space back once nobody can reach it any more. */
  reclaim(): void {
    if (this.nlink > 0 || this.held > 0 || this.#taken === 0) return;
    this.contents?.truncate(0);
    this.volume.space.give(this.#taken);
    this.#taken = 0;
  }

  #qidType(): number {
    const kind = this.children ? ModeBit.DIR : this.kind === FileMode.SYMLINK ? ModeBit.SYMLINK : 0;
    return (kind | this.flags) >>> 24;
  }
}
