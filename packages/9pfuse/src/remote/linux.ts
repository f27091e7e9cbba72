import {
  AT_REMOVEDIR,
  type Attributes,
  type DirectoryEntry,
  Errno,
  GetattrMask,
  LinuxOpen,
  NinePError,
  NONUNAME,
  type Qid,
  type Uint64,
} from '@xcpu/9p-protocol';
import { type Fid, linux, type RequestOptions } from '@xcpu/9p-protocol/client';
import { type FuseAttributes, kernelDevice } from '../protocol/replies.js';
import type { Listing, Remote, RemoteChanges, RemoteFile } from './remote.js';
import { removeByFid } from './remove.js';

const MASK = GetattrMask.BASIC | GetattrMask.BTIME | GetattrMask.GEN;
/** Bytes of names to ask for at once: some two thousand of them. */
const LISTING_BYTES = 128 * 1024;

/** 9P2000.L. */
export class LinuxRemote implements Remote {
  readonly locks = true;

  async getattr(fid: Fid, options: RequestOptions): Promise<RemoteFile> {
    const { attributes, qid, valid } = await linux.getattr(fid, { ...options, mask: MASK });
    return { qid, attributes: fuseAttributes(attributes, qid), birth: birthOf(attributes, valid) };
  }

  /** What cannot be read as a link costs the server little, the round trip after a link's attributes is spared. */
  async look(fid: Fid, options: RequestOptions): Promise<RemoteFile> {
    const asked = [this.getattr(fid, options), linux.readlink(fid, options)] as const;
    const [told, target] = await Promise.allSettled(asked);
    if (told.status === 'rejected') throw told.reason;
    return target.status === 'fulfilled' ? { ...told.value, target: target.value } : told.value;
  }

  setattr(fid: Fid, changes: RemoteChanges, options: RequestOptions): Promise<void> {
    return linux.setattr(fid, changes, options);
  }

  async open(fid: Fid, flags: number, options: RequestOptions): Promise<void> {
    await linux.lopen(fid, flags | LinuxOpen.LARGEFILE, options);
  }

  async create(
    fid: Fid,
    name: string,
    flags: number,
    mode: number,
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    const group = groupOf(gid, options);
    await linux.lcreate(fid, name, flags | LinuxOpen.LARGEFILE, mode, group);
  }

  async mkdir(
    directory: Fid,
    name: string,
    mode: number,
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    await linux.mkdir(directory, name, mode, groupOf(gid, options));
  }

  async symlink(
    directory: Fid,
    name: string,
    target: string,
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    await linux.symlink(directory, name, target, groupOf(gid, options));
  }

  async mknod(
    directory: Fid,
    name: string,
    mode: number,
    device: { readonly major: number; readonly minor: number },
    gid: number | undefined,
    options: RequestOptions,
  ): Promise<void> {
    await linux.mknod(directory, name, mode, { ...groupOf(gid, options), ...device });
  }

  link(directory: Fid, name: string, file: Fid, options: RequestOptions): Promise<void> {
    return linux.link(directory, file, name, options);
  }

  async rename(
    file: Fid,
    from: Fid,
    name: string,
    to: Fid,
    newName: string,
    options: RequestOptions,
  ): Promise<void> {
    try {
      await linux.renameat(from, name, to, newName, options);
    } catch (error) {
      // Older servers know Trename only.
      if (!isUnknown(error)) throw error;
      await linux.rename(file, to, newName, options);
    }
  }

  async remove(
    directory: Fid,
    name: string,
    isDirectory: boolean,
    options: RequestOptions,
  ): Promise<void> {
    try {
      await linux.unlinkat(directory, name, isDirectory ? AT_REMOVEDIR : 0, options);
    } catch (error) {
      // Older servers, diod among them, know Tremove only.
      if (!isUnknown(error)) throw error;
      await removeByFid(directory, name, isDirectory, options);
    }
  }

  readlink(fid: Fid, options: RequestOptions): Promise<string> {
    return linux.readlink(fid, options);
  }

  list(fid: Fid): Listing {
    return new LinuxListing(fid);
  }

  sync(fid: Fid, dataOnly: boolean, options: RequestOptions): Promise<void> {
    return linux.fsync(fid, { ...options, dataOnly });
  }

  statfs(fid: Fid, options: RequestOptions) {
    return linux.statfs(fid, options);
  }

  getXattr(fid: Fid, name: string, options: RequestOptions): Promise<Uint8Array> {
    return linux.getXattr(fid, name, options);
  }

  listXattrs(fid: Fid, options: RequestOptions): Promise<readonly string[]> {
    return linux.listXattrs(fid, options);
  }

  setXattr(
    fid: Fid,
    name: string,
    value: Uint8Array,
    flags: number,
    options: RequestOptions,
  ): Promise<void> {
    return linux.setXattr(fid, name, value, { ...options, flags });
  }

  removeXattr(fid: Fid, name: string, options: RequestOptions): Promise<void> {
    return linux.removeXattr(fid, name, options);
  }

  async lock(fid: Fid, range: linux.LockRange, options: RequestOptions): Promise<boolean> {
    try {
      await linux.lock(fid, range, options);
      return true;
    } catch (error) {
      if (error instanceof NinePError && error.errno === Errno.EAGAIN) return false;
      throw error;
    }
  }

  getlock(fid: Fid, range: linux.LockRange, options: RequestOptions) {
    return linux.getlock(fid, range, options);
  }
}

/** What the last answer had and the kernel had no room for is kept: kernels ask for a page at a time. */
class LinuxListing implements Listing {
  readonly #fid: Fid;
  /** The offset that `#entries` begin behind. */
  #start: Uint64 = 0;
  #entries: readonly DirectoryEntry[] = [];

  constructor(fid: Fid) {
    this.#fid = fid;
  }

  async from(offset: Uint64, options: RequestOptions): Promise<readonly DirectoryEntry[]> {
    const known = this.#known(offset);
    if (known.length > 0) return known;
    const count = Math.min(this.#fid.chunk, LISTING_BYTES);
    this.#entries = await linux.readdir(this.#fid, offset, count, options);
    this.#start = offset;
    return this.#entries;
  }

  #known(offset: Uint64): readonly DirectoryEntry[] {
    // From the beginning, everything is asked anew: rewinddir(3).
    if (offset === 0) return [];
    if (offset === this.#start) return this.#entries;
    // Of offsets that a server gives twice the last: whoever goes on behind an answer's last entry gets another answer.
    const index = this.#entries.findLastIndex((entry) => entry.offset === offset);
    return index < 0 ? [] : this.#entries.slice(index + 1);
  }
}

function fuseAttributes(attributes: Attributes, qid: Qid): FuseAttributes {
  const { mode, uid, gid, size, blocks } = attributes;
  return {
    ino: qid.path,
    size,
    blocks,
    atime: attributes.atimeSec,
    mtime: attributes.mtimeSec,
    ctime: attributes.ctimeSec,
    atimeNsec: attributes.atimeNsec,
    mtimeNsec: attributes.mtimeNsec,
    ctimeNsec: attributes.ctimeNsec,
    mode,
    nlink: Math.min(Number(attributes.nlink), 0xffffffff),
    uid,
    gid,
    rdev: attributes.rdev === 0 ? 0 : deviceOf(BigInt(attributes.rdev)),
    blksize: Math.min(Number(attributes.blksize), 0xffffffff),
  };
}

function birthOf(attributes: Attributes, valid: Uint64): string | undefined {
  const known = Number(BigInt(valid) & BigInt(GetattrMask.BTIME | GetattrMask.GEN));
  if (known === 0) return undefined;
  return `${attributes.btimeSec}.${attributes.btimeNsec} ${attributes.gen}`;
}

/** From how the C library's makedev(3) packs a device's numbers to how the kernel does. */
function deviceOf(rdev: bigint): number {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return kernelDevice(Number(major), Number(minor));
}

function groupOf(gid: number | undefined, options: RequestOptions): linux.GroupOptions {
  return { ...options, gid: gid ?? NONUNAME };
}

function isUnknown(error: unknown): boolean {
  return (
    error instanceof NinePError &&
    (error.errno === Errno.ENOSYS || error.errno === Errno.EOPNOTSUPP)
  );
}
