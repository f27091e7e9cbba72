import { NOTAG, OpenMode } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Connection } from './connection.js';
import { type Fid, type FidTable, unknownFid } from './fids.js';
import type { Awaitable, OpenFile, ServerFile } from './files.js';
import { ReadTurns } from './read-turns.js';
import { Request } from './request.js';

/** Gives the fids of one connection what they stand for, and lets go of it. */
export class FidKeeper<User> {
  readonly connection: Connection;
  readonly fids: FidTable<User>;
  readonly readTurns: ReadTurns;
  #attributeBytes = 0;
  #listedEntries = 0;

  constructor(connection: Connection, fids: FidTable<User>) {
    this.connection = connection;
    this.fids = fids;
    this.readTurns = new ReadTurns(connection.limits.readBytes);
  }

  /**
   * The fid names `file` from now on.
   * @throws NinePError `unknown fid` if it went away while that was found out.
   */
  bind(fid: Fid<User>, file: ServerFile<User>): void {
    if (fid.gone) throw unknownFid();
    file.acquire?.();
    fid.file?.release?.();
    fid.file = file;
  }

  /**
   * The fid is open from now on; `mode` is in bits of OpenMode.
   * @throws NinePError `unknown fid` if it went away meanwhile.
   */
  opened(fid: Fid<User>, open: OpenFile<User>, mode: number): void {
    if (fid.gone) {
      this.abandon(open);
      throw unknownFid();
    }
    fid.open = open;
    fid.mode = mode;
  }

  /** Frees a fid that was to be made, with whatever it was given already. */
  forget(fid: Fid<User>): void {
    this.fids.delete(fid);
    // Of one that went away meanwhile everything was let go of.
    if (!fid.gone && (fid.file || fid.auth || fid.open)) this.detached(() => this.discard(fid));
    fid.gone = true;
  }

  /**
   * Lets go of what a fid holds: reads and writes that wait are cancelled, the file is closed after the last of
   * them has ended (a descriptor must not be reused under a read), then released.
   */
  discard(fid: Fid<User>): Awaitable<void> {
    fid.gone = true;
    if (!fid.waiting || fid.waiting.size === 0) return this.#release(fid);
    const idle = new Promise<void>((resolve) => {
      fid.onIdle = resolve;
    });
    for (const request of fid.waiting) request.cancel('fid clunked');
    return idle.then(() => this.#release(fid));
  }

  /** The end of the conversation, or a new Tversion. */
  discardAll(): void {
    for (const fid of this.fids.takeAll()) this.detached(() => this.discard(fid));
  }

  /** Closes what no fid has any more, or ever had. */
  abandon(open: { close?(): Awaitable<void> }): void {
    if (open.close) this.detached(() => open.close?.());
  }

  /** Runs what has no client left to be told of its failure. */
  detached(run: () => Awaitable<void>): void {
    const ended = async () => run();
    ended().catch((error: unknown) => this.connection.fault(error));
  }

  /**
   * Counts bytes of extended attributes that fids hold; a negative number gives them back.
   * @throws NinePError (ENOBUFS) above the limit.
   */
  chargeAttribute(bytes: number): void {
    const sum = this.#attributeBytes + bytes;
    if (bytes > 0 && sum > this.connection.limits.xattrBytes) {
      throw new NinePError('too many extended attributes on this connection', Errno.ENOBUFS);
    }
    this.#attributeBytes = sum;
  }

  /**
   * Counts the entries of the directory listing that a fid remembers, in place of those that it did.
   * @throws NinePError (ENOBUFS) above the limit.
   */
  chargeListing(fid: Fid<User>, entries: number): void {
    const sum = this.#listedEntries - fid.listed + entries;
    if (entries > fid.listed && sum > this.connection.limits.listedEntries) {
      throw new NinePError('too many directory entries on this connection', Errno.ENOBUFS);
    }
    this.#listedEntries = sum;
    fid.listed = entries;
  }

  #release(fid: Fid<User>): Awaitable<void> {
    const { file, mode } = fid;
    if (fid.listed > 0) this.chargeListing(fid, 0);
    const open = fid.open ?? fid.auth;
    if (open?.close || mode & OpenMode.REMOVE_ON_CLOSE) return this.#closeAndRelease(fid);
    file?.release?.();
  }

  async #closeAndRelease(fid: Fid<User>): Promise<void> {
    const { file, mode } = fid;
    const open = fid.open ?? fid.auth;
    try {
      await open?.close?.();
      if (mode & OpenMode.REMOVE_ON_CLOSE) await file?.remove?.(this.#request(fid));
    } finally {
      file?.release?.();
    }
  }

  /** A request that no message made: what happens when a fid goes away with its connection. */
  #request(fid: Fid<User>): Request<User> {
    const request = new Request<User>(this.connection, NOTAG, fid.number);
    request.user = fid.user;
    request.file = fid.file;
    return request;
  }
}
