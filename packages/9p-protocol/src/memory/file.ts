import { OpenMode } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type {
  AttributeChanges,
  CreatedFile,
  ExtendedAttributes,
  NewFile,
  OpenFile,
  ServerFile,
  StatChanges,
} from '../server/files.js';
import type { Request } from '../server/request.js';
import type { Attributes, FileSystemStatistics, Qid, Stat } from '../types.js';
import { attributesOf, prepareChanges, prepareStatChanges, statOf } from './attributes.js';
import type { Inode } from './inode.js';
import { handedOn } from './modes.js';
import { checkRemoval, createFile, linkFile, prepareRename, removeFile } from './names.js';
import { OpenContents, OpenDirectory } from './open.js';
import { Access, checkAccess, type Person } from './users.js';
import { Attached } from './xattrs.js';

/** A name of a file. Every fid that was walked to it shares it, so they follow when it moves. */
export class MemoryFile implements ServerFile<Person> {
  name: string;
  readonly inode: Inode;
  parent: MemoryFile | undefined;
  /** Nobody finds it any more; who has it may go on using it. */
  removed = false;
  #snapshot: readonly MemoryFile[] | undefined;

  constructor(name: string, inode: Inode, parent: MemoryFile | undefined) {
    this.name = name;
    this.inode = inode;
    this.parent = parent;
  }

  get qid(): Qid {
    return this.inode.qid;
  }

  get xattrs(): ExtendedAttributes<Person> {
    return new Attached(this.inode);
  }

  stat(): Stat {
    return statOf(this);
  }

  getattr(): Attributes {
    return attributesOf(this.inode);
  }

  walk(name: string, { user }: Request<Person>): MemoryFile | undefined {
    checkAccess(user, this.inode, Access.EXECUTE);
    return this.inode.children?.get(name);
  }

  open(mode: number, { user }: Request<Person>): OpenFile<Person> {
    if (this.inode.kind === FileMode.SYMLINK) {
      throw new NinePError('too many levels of symbolic links', Errno.ELOOP);
    }
    checkAccess(user, this.inode, accessOf(mode));
    if (mode & OpenMode.REMOVE_ON_CLOSE) checkRemoval(this, user);
    return this.opened(mode, user);
  }

  /** Opens without asking whether that is allowed: whoever made the file may. */
  opened(mode: number, user: Person): OpenFile<Person> {
    if (this.inode.children) return new OpenDirectory(this);
    if (this.inode.contents) return new OpenContents(this.inode, this.inode.contents, mode, user);
    throw new NinePError('no such device or address', Errno.ENXIO);
  }

  create(file: NewFile, { user, connection }: Request<Person>): CreatedFile<Person> {
    const plain = connection.dialect === '9P2000';
    const perm = plain ? handedOn(file.perm, this.inode.mode) : file.perm;
    return createFile(this, { ...file, perm }, user);
  }

  remove({ user }: Request<Person>): void {
    removeFile(this, user);
  }

  wstat(changes: StatChanges, { user, connection }: Request<Person>): void {
    const { name, ...others } = changes;
    const change = prepareStatChanges(this, others, user);
    if (name !== undefined && name !== this.name) {
      if (!this.parent) throw new NinePError('the root has no other name', Errno.EPERM);
      // Linux expects of 9P2000.u that a file which has the name is replaced; stat(5) forbids it.
      const replaces = connection.dialect !== '9P2000' && Object.keys(others).length === 0;
      if (!replaces && this.parent.inode.children?.has(name)) {
        throw new NinePError('file already exists', Errno.EEXIST);
      }
      prepareRename(this, this.parent, name, user)();
    }
    change();
  }

  setattr(changes: AttributeChanges, { user }: Request<Person>): void {
    prepareChanges(this.inode, changes, user)();
  }

  readlink(): string {
    if (this.inode.kind !== FileMode.SYMLINK) {
      throw new NinePError('not a symbolic link', Errno.EINVAL);
    }
    return this.inode.target;
  }

  rename(directory: ServerFile<Person>, name: string, { user }: Request<Person>): void {
    prepareRename(this, ownFile(directory), name, user)();
  }

  link(file: ServerFile<Person>, name: string, { user }: Request<Person>): void {
    linkFile(this, ownFile(file), name, user);
  }

  statfs(): FileSystemStatistics {
    return this.inode.volume.statistics();
  }

  acquire(): void {
    this.inode.held++;
  }

  release(): void {
    this.inode.held--;
    this.inode.reclaim();
  }

  /** The files in this directory at this moment; the same for all who ask until one comes or goes. */
  snapshot(): readonly MemoryFile[] {
    this.#snapshot ??= [...(this.inode.children?.values() ?? [])];
    return this.#snapshot;
  }

  /** A file in this directory came or went. */
  rearranged(by: Person): void {
    this.#snapshot = undefined;
    this.inode.changed(by);
  }
}

function ownFile(file: ServerFile<Person>): MemoryFile {
  if (file instanceof MemoryFile) return file;
  throw new NinePError('files of different file systems', Errno.EXDEV);
}

function accessOf(mode: number): number {
  const kinds = [Access.READ, Access.WRITE, Access.READ | Access.WRITE, Access.EXECUTE];
  const access = kinds[mode & OpenMode.ACCESS_MASK]!;
  return mode & OpenMode.TRUNCATE ? access | Access.WRITE : access;
}
