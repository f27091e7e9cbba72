import type { DirectoryEntry, FileSystemStatistics, Qid, Uint64 } from '@xcpu/9p-protocol';
import type { Client, Fid, linux, RequestOptions } from '@xcpu/9p-protocol/client';
import type { FuseAttributes } from '../protocol/replies.js';
import { LinuxRemote } from './linux.js';
import { Plan9Remote } from './plan9.js';

/** A file as its server tells of it. */
export interface RemoteFile {
  readonly qid: Qid;
  /** Owner and group are the server's. */
  readonly attributes: FuseAttributes;
  /** When it was made and the like, where the server knows: it tells files apart that had the same qid one after the other. */
  readonly birth: string | undefined;
  /** Where a symbolic link leads, if the server told that along with the rest. */
  readonly target?: string;
}

/** What to change of a file; fields left out stay as they are. */
export type RemoteChanges = Pick<
  linux.SetattrChanges,
  'mode' | 'uid' | 'gid' | 'size' | 'atime' | 'mtime'
>;

/** The names in one open directory. */
export interface Listing {
  /** Some of the names behind the one with that offset, from the beginning for 0; none at the end. */
  from(offset: Uint64, options: RequestOptions): Promise<readonly DirectoryEntry[]>;
}

/** What a mount asks of its server about fids, in the words of one dialect. Each throws NinePError. */
export interface Remote {
  /** Whether the server has locks. Where it has none, the kernel keeps them. */
  readonly locks: boolean;
  getattr(fid: Fid, options: RequestOptions): Promise<RemoteFile>;
  /** The same for a file that was just found: if it is a link, the kernel is going to follow it. */
  look(fid: Fid, options: RequestOptions): Promise<RemoteFile>;
  setattr(fid: Fid, changes: RemoteChanges, options: RequestOptions): Promise<void>;
  /** Opens the fid; `flags` are bits of LinuxOpen. */
  open(fid: Fid, flags: number, options: RequestOptions): Promise<void>;
  /** Makes a regular file in the directory `fid`, and opens it: the fid then is the file. */
  create(
    fid: Fid,
    name: string,
    flags: number,
    mode: number,
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void>;
  mkdir(
    directory: Fid,
    name: string,
    mode: number,
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void>;
  symlink(
    directory: Fid,
    name: string,
    target: string,
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void>;
  /** Makes a pipe, socket, device or regular file; `mode` tells which. */
  mknod(
    directory: Fid,
    name: string,
    mode: number,
    device: { readonly major: number; readonly minor: number },
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void>;
  link(directory: Fid, name: string, file: Fid, options: RequestOptions): Promise<void>;
  /** Moves `name` in `from`, which is `file`, to `newName` in `to`, replacing what is there; the fid follows. */
  rename(
    file: Fid,
    from: Fid,
    name: string,
    to: Fid,
    newName: string,
    options: RequestOptions,
  ): Promise<void>;
  /** Takes a name out of a directory. */
  remove(
    directory: Fid,
    name: string,
    isDirectory: boolean,
    options: RequestOptions,
  ): Promise<void>;
  readlink(fid: Fid, options: RequestOptions): Promise<string>;
  /** @param fid an open directory */
  list(fid: Fid): Listing;
  sync(fid: Fid, dataOnly: boolean, options: RequestOptions): Promise<void>;
  statfs(fid: Fid, options: RequestOptions): Promise<FileSystemStatistics>;
  getXattr(fid: Fid, name: string, options: RequestOptions): Promise<Uint8Array>;
  listXattrs(fid: Fid, options: RequestOptions): Promise<readonly string[]>;
  setXattr(
    fid: Fid,
    name: string,
    value: Uint8Array,
    flags: number,
    options: RequestOptions,
  ): Promise<void>;
  removeXattr(fid: Fid, name: string, options: RequestOptions): Promise<void>;
  /** Takes or gives back a lock at once; false where another's is in the way. */
  lock(fid: Fid, range: linux.LockRange, options: RequestOptions): Promise<boolean>;
  getlock(
    fid: Fid,
    range: linux.LockRange,
    options: RequestOptions,
  ): Promise<linux.LockRange | undefined>;
}

/** The numbers of users and groups that a server of 9P2000 knows by name. */
export interface UserIds {
  user(name: string): number;
  group(name: string): number;
}

/** The words of the dialect that was agreed on. */
export function remoteOf(client: Client, ids: UserIds): Remote {
  return client.dialect === '9P2000.L' ? new LinuxRemote() : new Plan9Remote(client.dialect, ids);
}
