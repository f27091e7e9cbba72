import { OpenMode } from '../constants.js';
import { GetattrMask, LinuxOpen } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Uint64 } from '../types.js';
import { fromAttributes, kindOfDirent, momentOf } from './file-stat.js';
import * as linux from './linux.js';
import type { FileRequests } from './requests.js';

/** 9P2000.L. */
export const linuxRequests: FileRequests = {
  open: (fid, mode, options) => linux.lopen(fid, openFlags(mode), options),
  create(fid, name, permissions, mode, options) {
    return linux.lcreate(fid, name, openFlags(mode) | LinuxOpen.EXCL, permissions, options);
  },
  mkdir: (fid, name, permissions, options) => linux.mkdir(fid, name, permissions, options),
  symlink: (fid, name, target, options) => linux.symlink(fid, name, target, options),
  link: (directory, name, file, options) => linux.link(directory, file, name, options),
  rename: (file, _from, to, name, options) => linux.rename(file, to, name, options),
  async stat(fid, options) {
    const mask = GetattrMask.BASIC | GetattrMask.BTIME;
    const { attributes, qid, valid } = await linux.getattr(fid, { ...options, mask });
    return fromAttributes(attributes, qid, valid);
  },
  async change(fid, { mode, owner, group, size, atime, mtime }, options) {
    const changes = {
      mode,
      uid: numberOf(owner),
      gid: numberOf(group),
      size,
      atime: atime === undefined ? undefined : momentOf(atime),
      mtime: mtime === undefined ? undefined : momentOf(mtime),
    };
    await linux.setattr(fid, changes, options);
  },
  readlink: (fid, options) => linux.readlink(fid, options),
  async *entries(fid, options) {
    let offset: Uint64 = 0;
    for (;;) {
      const entries = await linux.readdir(fid, offset, fid.chunk, options);
      const last = entries.at(-1);
      if (!last) return;
      offset = last.offset;
      yield entries.map(({ name, qid, type }) => ({ name, qid, kind: kindOfDirent(type, qid) }));
    }
  },
  sync: (fid, dataOnly, options) => linux.fsync(fid, { ...options, dataOnly }),
  statfs: (fid, options) => linux.statfs(fid, options),
};

function openFlags(mode: number): number {
  const access = mode & OpenMode.ACCESS_MASK;
  return (
    LinuxOpen.LARGEFILE |
    (access === OpenMode.EXECUTE ? LinuxOpen.RDONLY : access) |
    (mode & OpenMode.TRUNCATE ? LinuxOpen.TRUNC : 0) |
    (mode & OpenMode.APPEND ? LinuxOpen.APPEND : 0)
  );
}

function numberOf(id: number | string | undefined): number | undefined {
  if (typeof id === 'string') {
    throw new NinePError('9P2000.L knows users and groups by number only', Errno.EINVAL);
  }
  return id;
}
