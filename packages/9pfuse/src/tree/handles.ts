import { Errno, NinePError, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import type { Listing } from '../remote/remote.js';
import type { Node } from './node.js';
import type { Ahead } from './read-ahead.js';

/** A file or directory that processes have open. */
export interface Handle {
  readonly id: number;
  readonly node: Node;
  /** Open. */
  readonly fid: Fid;
  /** Past the page cache: a read answers what there is. */
  readonly direct: boolean;
  /** Of a directory. */
  readonly listing: Listing | undefined;
  /** The file's beginning, for its first readers. */
  readonly ahead: Ahead | undefined;
}

/** The open files of a mount, by the numbers that the kernel knows them by. */
export class HandleTable {
  readonly #handles = new Map<Uint64, Handle>();
  #nextId = 1;

  get size(): number {
    return this.#handles.size;
  }

  add(
    node: Node,
    fid: Fid,
    more: Partial<Pick<Handle, 'direct' | 'listing' | 'ahead'>> = {},
  ): Handle {
    const { direct = false, listing, ahead } = more;
    const handle: Handle = { id: this.#nextId++, node, fid, direct, listing, ahead };
    this.#handles.set(handle.id, handle);
    node.handles.add(handle);
    return handle;
  }

  /** @throws NinePError (EBADF) */
  get(id: Uint64): Handle {
    const handle = this.#handles.get(id);
    if (!handle) throw new NinePError('no such open file', Errno.EBADF);
    return handle;
  }

  /** Lets go of an open file; the answer of the server, if it is late, matters to nobody. */
  close(handle: Handle): void {
    this.#handles.delete(handle.id);
    handle.node.handles.delete(handle);
    handle.ahead?.drop();
    void handle.fid.clunk().catch(() => {});
  }
}
