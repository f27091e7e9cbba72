import {
  type Awaitable,
  type OpenFile,
  type Request,
  type StatChanges,
  type SyntheticAttributes,
  SyntheticFile,
} from '@xcpu/9p-protocol/server';
import { permissionDenied } from '../errors.js';
import type { Caller } from './caller.js';

/** Counts the fids that name something. */
export interface Holder {
  acquire(): void;
  release(): void;
}

/** Looks who uses a file, beside its permissions. */
export interface Guard {
  /** @throws NinePError (EPERM) where he is not to */
  admit(caller: Caller): void;
}

/** A file of the node's tree that exists only in the daemon: permission is checked here, contents are a subclass's. */
export abstract class NodeFile extends SyntheticFile<Caller> {
  /** Is told of everybody who opens or changes it. */
  guard: Guard | undefined;
  readonly #holder: Holder | undefined;

  /** @param holder what stays while a fid names the file */
  protected constructor(attributes: SyntheticAttributes, path?: number, holder?: Holder) {
    super(attributes, path);
    this.#holder = holder;
  }

  acquire(): void {
    this.#holder?.acquire();
  }

  release(): void {
    this.#holder?.release();
  }

  /** Opens for somebody who may. */
  protected abstract opened(mode: number, request: Request<Caller>): Awaitable<OpenFile<Caller>>;

  /** Empties the file, where that means anything. */
  protected truncate?(request: Request<Caller>): void;

  /** Gives the file to another owner or changes its permissions, for the administrator. */
  protected change?(changes: StatChanges): void;

  /** Done when what was changed is where it outlives the daemon; a client is answered only then. */
  protected saved?(): Awaitable<void>;

  override open(mode: number, request: Request<Caller>): Awaitable<OpenFile<Caller>> {
    request.user.checkOpen(this.attributes, mode);
    this.guard?.admit(request.user);
    return this.opened(mode, request);
  }

  wstat(changes: StatChanges, request: Request<Caller>): Awaitable<void> {
    const { length, mtime, atime, ...rest } = changes;
    // Times are what clients send along with a truncation; these files have none of their own.
    if (length !== undefined) {
      request.user.checkOpen(this.attributes, 1);
      if (length !== 0 || !this.truncate) throw permissionDenied();
      this.guard?.admit(request.user);
    }
    if (Object.keys(rest).length > 0) {
      if (!request.user.administers || !this.change) throw permissionDenied();
      this.change(rest);
    }
    if (length !== undefined) this.truncate?.(request);
    return this.saved?.();
  }
}
