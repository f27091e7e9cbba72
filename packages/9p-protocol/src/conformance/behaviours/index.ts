import type { Behaviour } from '../behaviour.js';
import { getattr, stat, statfs } from './attributes.js';
import { change, setattr } from './changes.js';
import { create, mkdir } from './create.js';
import { readdir } from './directories.js';
import { fids } from './fids.js';
import { flush } from './flush.js';
import { link, mknod, symlink } from './links.js';
import { lock } from './locks.js';
import { names } from './names.js';
import { open } from './open.js';
import { fsync, read, write } from './read-write.js';
import { remove, unlinkat } from './remove.js';
import { rename } from './rename.js';
import { renameat } from './renameat.js';
import { attach, tags, version } from './version.js';
import { walk } from './walk.js';
import { wstat } from './wstat.js';
import { xattr } from './xattrs.js';

/** Everything that the suite looks at, in an order in which the first failure tells most. */
export const behaviours: readonly Behaviour[] = [
  version,
  attach,
  tags,
  walk,
  fids,
  open,
  create,
  mkdir,
  read,
  write,
  fsync,
  readdir,
  stat,
  getattr,
  statfs,
  change,
  setattr,
  wstat,
  remove,
  unlinkat,
  rename,
  renameat,
  link,
  symlink,
  mknod,
  xattr,
  lock,
  flush,
  names,
].flat();
