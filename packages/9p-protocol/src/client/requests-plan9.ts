import { decodeStats } from '../codec/stat.js';
import { ModeBit, OpenMode } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { plan9Permissions } from '../permissions.js';
import type { Stat } from '../types.js';
import type { Fid, RequestOptions } from './fid.js';
import { type FileChanges, fromStat, secondsOf } from './file-stat.js';
import type { FileRequests } from './requests.js';

/** 9P2000 and 9P2000.u: Plan 9 manual section 5, and the 9P2000.u draft for links. */
export const plan9Requests: FileRequests = {
  open(fid, mode, options) {
    // Plan 9 knows no append mode: whoever writes there does it by offset.
    const known = fid.client.dialect === '9P2000.u' ? mode : mode & ~OpenMode.APPEND;
    return fid.open(known, options);
  },
  create(fid, name, permissions, mode, options) {
    const known = fid.client.dialect === '9P2000.u' ? mode : mode & ~OpenMode.APPEND;
    return fid.create(name, plan9Permissions(permissions), known & ~OpenMode.TRUNCATE, options);
  },
  mkdir(fid, name, permissions, options) {
    return make(fid, name, (ModeBit.DIR | plan9Permissions(permissions)) >>> 0, '', options);
  },
  symlink(fid, name, target, options) {
    needsExtensions(fid, 'symbolic links');
    return make(fid, name, ModeBit.SYMLINK | 0o777, target, options);
  },
  link(directory, name, file, options) {
    needsExtensions(file, 'hard links');
    return make(directory, name, ModeBit.LINK, String(file.number), options);
  },
  rename(file, from, to, name, options) {
    if (from.qid.path !== to.qid.path) {
      const text = `${file.client.dialect} renames only within a directory`;
      throw new NinePError(text, Errno.EXDEV);
    }
    return file.wstat({ name }, options);
  },
  async stat(fid, options) {
    return fromStat(await fid.stat(options), fid.client.dialect);
  },
  change(fid, changes, options) {
    return fid.wstat(statChanges(fid, changes), options);
  },
  async readlink(fid, options) {
    needsExtensions(fid, 'symbolic links');
    const { mode, extension = '' } = await fid.stat(options);
    if (!(mode & ModeBit.SYMLINK)) throw new NinePError('not a symbolic link', Errno.EINVAL);
    return extension;
  },
  async *entries(fid, options) {
    const { dialect } = fid.client;
    let offset = 0;
    for (;;) {
      const data = await fid.read(offset, fid.chunk, options);
      if (data.length === 0) return;
      offset += data.length;
      const stats = decodeStats(data, dialect, { strings: 'bytes' });
      yield stats.map((stat) => {
        const told = fromStat(stat, dialect);
        return { name: stat.name, kind: told.kind, qid: stat.qid, stat: told };
      });
    }
  },
  // A wstat that changes nothing asks for what was written to be on disk: stat(5).
  sync: (fid, _dataOnly, options) => fid.wstat({}, options),
  async statfs(fid) {
    throw new NinePError(`${fid.client.dialect} has no statfs`, Errno.EOPNOTSUPP);
  },
};

/** Makes something that has no use when it is open, on a fid of its own. */
async function make(
  directory: Fid,
  name: string,
  perm: number,
  extension: string,
  options: RequestOptions,
): Promise<void> {
  const fid = await directory.walk([], options);
  try {
    await fid.create(name, perm, OpenMode.READ, { ...options, extension });
  } finally {
    void fid.clunk().catch(() => {});
  }
}

function statChanges(fid: Fid, changes: FileChanges): Partial<Stat> {
  const { mode, owner, group, size, atime, mtime } = changes;
  // The bits that tell the kind cannot change and have to be repeated.
  const kind = (fid.qid.type << 24) >>> 0;
  return {
    ...(mode !== undefined && { mode: (kind | plan9Permissions(mode)) >>> 0 }),
    ...(owner !== undefined && ownerOf(fid, owner, 'uid', 'nUid')),
    ...(group !== undefined && ownerOf(fid, group, 'gid', 'nGid')),
    ...(size !== undefined && { length: size }),
    ...(atime !== undefined && { atime: secondsOf(atime) }),
    ...(mtime !== undefined && { mtime: secondsOf(mtime) }),
  };
}

function ownerOf(fid: Fid, owner: number | string, byName: 'uid' | 'gid', byNumber: string) {
  if (typeof owner === 'string') return { [byName]: owner };
  if (fid.client.dialect === '9P2000') {
    throw new NinePError('9P2000 knows users and groups by name only', Errno.EINVAL);
  }
  return { [byNumber]: owner };
}

function needsExtensions(fid: Fid, what: string): void {
  if (fid.client.dialect === '9P2000') {
    throw new NinePError(`9P2000 has no ${what}`, Errno.EOPNOTSUPP);
  }
}
