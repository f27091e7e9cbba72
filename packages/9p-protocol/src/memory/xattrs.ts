import { encodedLength } from '../codec/strings.js';
import { XattrFlag } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_XATTR_BYTES, MAX_XATTR_NAME } from '../limits.js';
import type { ExtendedAttributes } from '../server/files.js';
import type { Request } from '../server/request.js';
import type { Inode } from './inode.js';
import { Access, checkAccess, type Person } from './users.js';

/** What is kept for one beside its value, in bytes, roughly. */
const COST = 256;

/** The extended attributes of a file in memory: xattr(7), of any namespace. */
export class Attached implements ExtendedAttributes<Person> {
  readonly #inode: Inode;

  constructor(inode: Inode) {
    this.#inode = inode;
  }

  list(): readonly string[] {
    return [...this.#inode.xattrs.keys()];
  }

  get(name: string, { user }: Request<Person>): Uint8Array | undefined {
    checkAccess(user, this.#inode, Access.READ);
    return this.#inode.xattrs.get(name);
  }

  set(name: string, value: Uint8Array, flags: number, { user }: Request<Person>): void {
    const inode = this.#inode;
    checkAccess(user, inode, Access.WRITE);
    if (encodedLength(name) > MAX_XATTR_NAME) {
      throw new NinePError('attribute name too long', Errno.ERANGE);
    }
    if (value.length > MAX_XATTR_BYTES) throw new NinePError('attribute too large', Errno.E2BIG);
    const before = inode.xattrs.get(name);
    if (before && flags & XattrFlag.CREATE) {
      throw new NinePError('attribute already exists', Errno.EEXIST);
    }
    if (!before && flags & XattrFlag.REPLACE) throw noAttribute();
    inode.charge(value.length - (before?.length ?? -COST));
    inode.xattrs.set(name, Buffer.from(value));
    inode.ctime = inode.volume.now();
  }

  remove(name: string, { user }: Request<Person>): void {
    const inode = this.#inode;
    checkAccess(user, inode, Access.WRITE);
    const value = inode.xattrs.get(name);
    if (!value) throw noAttribute();
    inode.xattrs.delete(name);
    inode.charge(-COST - value.length);
    inode.ctime = inode.volume.now();
  }
}

function noAttribute(): NinePError {
  return new NinePError('no such attribute', Errno.ENODATA);
}
