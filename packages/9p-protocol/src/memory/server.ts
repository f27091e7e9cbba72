import { FileMode } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_MEMORY_BYTES } from '../limits.js';
import type { FileServer } from '../server/files.js';
import type { Uint64 } from '../types.js';
import { MemoryFile } from './file.js';
import { Inode } from './inode.js';
import { type MemoryUser, type Person, Users } from './users.js';
import { Volume } from './volume.js';

/** What a file system in memory is like. */
export interface MemoryOptions {
  /** Bytes that files, names and attributes may take together; beyond it ENOSPC. Default 1 GiB. */
  readonly limit?: number;
  /**
   * Files are protected from other users by owner, group and mode. User 0 may do everything; nobody proves who he
   * is. Default true.
   */
  readonly checkPermissions?: boolean;
  /**
   * Users whose names and numbers are known, beside root (0) and nobody (65534). Whoever else attaches has the number
   * that he gives, or one of his own for his name; his group has the same number.
   */
  readonly users?: readonly MemoryUser[];
  /** Owner, group and permissions of the root; default: of user 0, and open to everybody. */
  readonly root?: { readonly uid?: number; readonly gid?: number; readonly mode?: number };
  /** qid.path of the root; later files count on from there. Default 1. */
  readonly firstPath?: Uint64;
}

/**
 * A file system that lives as long as this object does, with POSIX's behaviour, in every dialect: for tests, and as a
 * RAM disk that programs share. What is removed is forgotten; nothing is kept anywhere else.
 */
export function memoryServer(options: MemoryOptions = {}): FileServer<Person> {
  const { limit = MAX_MEMORY_BYTES, checkPermissions = true, firstPath = 1 } = options;
  const { uid = 0, gid = 0, mode = 0o777 } = options.root ?? {};
  const users = new Users(options.users ?? [], checkPermissions);
  const volume = new Volume(limit, firstPath, users);
  const owner = { uid, gid, groups: [gid], privileged: false };
  const inode = new Inode(volume, FileMode.DIRECTORY | (mode & 0o7777), 0, owner);
  inode.nlink = 2;
  const root = new MemoryFile('/', inode, undefined);
  return {
    byteNames: true,
    attach: (login) => {
      if (login.aname !== '' && login.aname !== '/') {
        throw new NinePError(`no tree called ${JSON.stringify(login.aname)}`, Errno.ENOENT);
      }
      return { root, user: users.enter(login) };
    },
  };
}
