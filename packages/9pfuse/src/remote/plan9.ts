import {
  type Dialect,
  Errno,
  FileMode,
  type FileSystemStatistics,
  LinuxOpen,
  ModeBit,
  NinePError,
  NONUNAME,
  OpenMode,
  plan9Permissions,
  type Stat,
} from '@xcpu/9p-protocol';
import type { Fid, linux, RequestOptions } from '@xcpu/9p-protocol/client';
import { kernelDevice } from '../protocol/replies.js';
import { kindOf, Plan9Listing } from './plan9-listing.js';
import type { Listing, Remote, RemoteChanges, RemoteFile, UserIds } from './remote.js';
import { removeByFid } from './remove.js';

const BLOCK = 512;

/** 9P2000 and 9P2000.u: Plan 9 manual section 5, and the 9P2000.u draft. What they lack is refused (ENOSYS, EPERM). */
export class Plan9Remote implements Remote {
  readonly locks = false;
  readonly #dialect: Dialect;
  readonly #ids: UserIds;

  constructor(dialect: Dialect, ids: UserIds) {
    this.#dialect = dialect;
    this.#ids = ids;
  }

  async getattr(fid: Fid, options: RequestOptions): Promise<RemoteFile> {
    return this.#file(await fid.stat(options));
  }

  look(fid: Fid, options: RequestOptions): Promise<RemoteFile> {
    return this.getattr(fid, options);
  }

  setattr(fid: Fid, changes: RemoteChanges, options: RequestOptions): Promise<void> {
    const { mode, uid, gid, size, atime, mtime } = changes;
    if ((uid !== undefined || gid !== undefined) && this.#dialect === '9P2000') {
      throw new NinePError('9P2000 knows users and groups by name only', Errno.EPERM);
    }
    // The bits that tell the kind cannot change and have to be repeated.
    const kind = (fid.qid.type << 24) >>> 0;
    return fid.wstat(
      {
        ...(mode !== undefined && { mode: (kind | plan9Permissions(mode)) >>> 0 }),
        ...(uid !== undefined && { nUid: uid }),
        ...(gid !== undefined && { nGid: gid }),
        ...(size !== undefined && { length: size }),
        ...(atime !== undefined && { atime: secondsOf(atime) }),
        ...(mtime !== undefined && { mtime: secondsOf(mtime) }),
      },
      options,
    );
  }

  async open(fid: Fid, flags: number, options: RequestOptions): Promise<void> {
    await fid.open(this.#openMode(flags), options);
  }

  async create(
    fid: Fid,
    name: string,
    flags: number,
    mode: number,
    _gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    const opened = this.#openMode(flags) & ~OpenMode.TRUNCATE;
    await fid.create(name, plan9Permissions(mode), opened, options);
  }

  mkdir(
    directory: Fid,
    name: string,
    mode: number,
    _gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    return this.#make(directory, name, ModeBit.DIR | plan9Permissions(mode), '', options);
  }

  async symlink(
    directory: Fid,
    name: string,
    target: string,
    _gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    this.#needExtensions('symbolic links');
    await this.#make(directory, name, ModeBit.SYMLINK | 0o777, target, options);
  }

  async mknod(
    directory: Fid,
    name: string,
    mode: number,
    { major, minor }: { readonly major: number; readonly minor: number },
    _gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    const kind = mode & FileMode.TYPE_MASK;
    const permissions = plan9Permissions(mode);
    if (kind === FileMode.REGULAR) return this.#make(directory, name, permissions, '', options);
    this.#needExtensions('special files');
    const numbers = `${kind === FileMode.BLOCK_DEVICE ? 'b' : 'c'} ${major} ${minor}`;
    const [bit, extension] =
      kind === FileMode.FIFO
        ? [ModeBit.NAMED_PIPE, '']
        : kind === FileMode.SOCKET
          ? [ModeBit.SOCKET, '']
          : [ModeBit.DEVICE, numbers];
    await this.#make(directory, name, bit | permissions, extension, options);
  }

  async link(directory: Fid, name: string, file: Fid, options: RequestOptions): Promise<void> {
    this.#needExtensions('hard links');
    await this.#make(directory, name, ModeBit.LINK, String(file.number), options);
  }

  /** These dialects rename within a directory, and to a name that is free: what has it is removed first. */
  async rename(
    file: Fid,
    from: Fid,
    _name: string,
    to: Fid,
    newName: string,
    options: RequestOptions,
  ): Promise<void> {
    if (from.qid.path !== to.qid.path) {
      throw new NinePError(`${this.#dialect} renames only within a directory`, Errno.EXDEV);
    }
    try {
      await file.wstat({ name: newName }, options);
    } catch (error) {
      const target = await to.walk([newName], options).catch(() => undefined);
      if (!target) throw error;
      if (target.qid.path === file.qid.path) return target.clunk();
      await target.remove();
      await file.wstat({ name: newName }, options);
    }
  }

  remove(
    directory: Fid,
    name: string,
    isDirectory: boolean,
    options: RequestOptions,
  ): Promise<void> {
    return removeByFid(directory, name, isDirectory, options);
  }

  async readlink(fid: Fid, options: RequestOptions): Promise<string> {
    this.#needExtensions('symbolic links');
    return (await fid.stat(options)).extension ?? '';
  }

  list(fid: Fid): Listing {
    return new Plan9Listing(fid, this.#dialect);
  }

  /** A wstat that changes nothing asks for what was written to be on disk: stat(5). */
  sync(fid: Fid, _dataOnly: boolean, options: RequestOptions): Promise<void> {
    return fid.wstat({}, options);
  }

  /** Nothing is known but that there is room. */
  async statfs(): Promise<FileSystemStatistics> {
    const none = { type: 0, files: 0, ffree: 0, fsid: 0, namelen: 255 };
    return { ...none, bsize: 4096, blocks: 2 ** 40, bfree: 2 ** 40, bavail: 2 ** 40 };
  }

  async getXattr(): Promise<never> {
    throw this.#lacking('extended attributes');
  }

  async listXattrs(): Promise<never> {
    throw this.#lacking('extended attributes');
  }

  async setXattr(): Promise<never> {
    throw this.#lacking('extended attributes');
  }

  async removeXattr(): Promise<never> {
    throw this.#lacking('extended attributes');
  }

  async lock(): Promise<never> {
    throw this.#lacking('locks');
  }

  async getlock(): Promise<linux.LockRange | undefined> {
    throw this.#lacking('locks');
  }

  #file(stat: Stat): RemoteFile {
    const { qid, atime, mtime, length, extension = '' } = stat;
    const mode = this.#modeOf(stat);
    const device = /^[bc] (\d{1,5}) (\d{1,8})$/.exec(extension);
    const isLink = (mode & FileMode.TYPE_MASK) === FileMode.SYMLINK;
    const size = isLink ? Buffer.byteLength(extension) : length;
    return {
      qid,
      birth: undefined,
      attributes: {
        ino: qid.path,
        size,
        blocks: Math.ceil(Number(size) / BLOCK),
        atime,
        mtime,
        ctime: mtime,
        atimeNsec: 0,
        mtimeNsec: 0,
        ctimeNsec: 0,
        mode,
        nlink: 1,
        uid: numberOf(stat.nUid) ?? this.#ids.user(stat.uid),
        gid: numberOf(stat.nGid) ?? this.#ids.group(stat.gid),
        rdev: device ? kernelDevice(Number(device[1]), Number(device[2])) : 0,
        blksize: 4096,
      },
    };
  }

  #modeOf({ mode, extension = '' }: Stat): number {
    const special =
      (mode & ModeBit.SETUID ? FileMode.SETUID : 0) |
      (mode & ModeBit.SETGID ? FileMode.SETGID : 0) |
      (mode & ModeBit.STICKY ? FileMode.STICKY : 0);
    const permissions = mode & FileMode.PERMISSIONS;
    if (mode & ModeBit.DIR) return FileMode.DIRECTORY | permissions | special;
    if (this.#dialect === '9P2000') return FileMode.REGULAR | permissions;
    return kindOf(mode, extension) | permissions | special;
  }

  #openMode(flags: number): number {
    return (
      (flags & LinuxOpen.ACCESS_MASK) |
      (flags & LinuxOpen.TRUNC ? OpenMode.TRUNCATE : 0) |
      // Plan 9 knows no append mode: whoever writes there does it by offset.
      (flags & LinuxOpen.APPEND && this.#dialect === '9P2000.u' ? OpenMode.APPEND : 0)
    );
  }

  /** Makes something that has no use when it is open, on a fid of its own. */
  async #make(
    directory: Fid,
    name: string,
    perm: number,
    extension: string,
    options: RequestOptions,
  ): Promise<void> {
    const fid = await directory.walk([], options);
    try {
      await fid.create(name, perm >>> 0, OpenMode.READ, { ...options, extension });
    } finally {
      void fid.clunk().catch(() => {});
    }
  }

  #needExtensions(what: string): void {
    if (this.#dialect === '9P2000') throw new NinePError(`9P2000 has no ${what}`, Errno.EPERM);
  }

  #lacking(what: string): NinePError {
    return new NinePError(`${this.#dialect} has no ${what}`, Errno.ENOSYS);
  }
}

function secondsOf(time: linux.SetTime): number {
  if (time === 'now') return Math.floor(Date.now() / 1000);
  return Math.min(Math.max(Number(BigInt.asIntN(64, BigInt(time.sec))), 0), 0xfffffffe);
}

function numberOf(id: number | undefined): number | undefined {
  return id === NONUNAME ? undefined : id;
}
