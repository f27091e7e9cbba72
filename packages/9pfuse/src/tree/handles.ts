import { Errno, NinePError, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { letGo } from './foreseen.js';
import type { Node } from './node.js';
import type { OpenDirectory } from './open-directory.js';
import type { Ahead } from './read-ahead.js';

/** A file that processes have open. */
export interface Handle {
  readonly id: number;
  readonly node: Node;
  /** Open. */
  readonly fid: Fid;
  /** Past the page cache: a read answers what there is. */
  readonly direct: boolean;
  /** The file's beginning, for its first readers. */
  readonly ahead: Ahead | undefined;
  /** Opened for nothing but reading, as any other who reads the file would open it. */
  readonly reads: boolean;
}

/** A directory that processes have open. */
export interface DirectoryHandle {
  readonly id: number;
  readonly node: Node;
  readonly directory: OpenDirectory;
}

/** The open files of a mount, by the numbers that the kernel knows them by. */
export class HandleTable {
  readonly #handles = new Map<Uint64, Handle | DirectoryHandle>();
  #nextId = 1;

  get size(): number {
    return this.#handles.size;
  }

  add(
    node: Node,
    fid: Fid,
    more: Partial<Pick<Handle, 'direct' | 'ahead' | 'reads'>> = {},
  ): Handle {
    const { direct = false, ahead, reads = false } = more;
    const handle: Handle = { id: this.#nextId++, node, fid, direct, ahead, reads };
    this.#handles.set(handle.id, handle);
    node.handles.add(handle);
    return handle;
  }

  addDirectory(node: Node, directory: OpenDirectory): DirectoryHandle {
    const handle = { id: this.#nextId++, node, directory };
    this.#handles.set(handle.id, handle);
    node.directories++;
    return handle;
  }

  /** An open file. @throws NinePError (EBADF) */
  get(id: Uint64): Handle {
    const handle = this.#handles.get(id);
    if (!handle || 'directory' in handle) throw new NinePError('no such open file', Errno.EBADF);
    return handle;
  }

  /** An open directory. @throws NinePError (EBADF) */
  directory(id: Uint64): DirectoryHandle {
    const handle = this.#handles.get(id);
    if (handle && 'directory' in handle) return handle;
    throw new NinePError('no such open directory', Errno.EBADF);
  }

  /** Closes an open file; the answer of the server, if it is late, matters to nobody. */
  close(handle: Handle | DirectoryHandle, done: (fid: Fid) => void = letGo): void {
    this.#handles.delete(handle.id);
    if ('directory' in handle) {
      handle.node.directories--;
      return handle.directory.close();
    }
    handle.node.handles.delete(handle);
    handle.ahead?.drop();
    done(handle.fid);
  }
}
