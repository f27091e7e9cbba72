import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Connection } from './connection.js';
import type { ServerFile } from './files.js';

/** One request on its way: who asks, and whether he still wants to know. */
export class Request<User = unknown> {
  readonly tag: number;
  /** Whoever attached the fid that the request is about. */
  user!: User;
  /** The fid that the request is about, NOFID for none. */
  readonly fid: number;
  readonly connection: Connection;
  /** The file that the request is about: what its fid names. Of none in Tauth and Tattach, and of an authentication file. */
  file: ServerFile<User> | undefined = undefined;
  /** The other file of a request with two: the directory that a Trename, Trenameat or Tlink puts a name into. */
  directory: ServerFile<User> | undefined = undefined;
  /** Set once nobody waits for the answer: it is dropped. */
  abandoned = false;
  /** Bytes that count against the limit of what waits for an answer; see Requests. */
  pending = 0;
  /** Bytes that count against the limit of what waits in streams. */
  charge = 0;
  #controller: AbortController | undefined;
  #cancelled: NinePError | undefined;
  #onCancel: ((reason: NinePError) => void) | undefined;

  constructor(connection: Connection, tag: number, fid: number) {
    this.connection = connection;
    this.tag = tag;
    this.fid = fid;
  }

  /**
   * Aborted when the client flushes the request, clunks its fid or goes away; an operation that waits then
   * throws `signal.reason`, having consumed nothing. Made on first use: most requests never wait.
   */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#cancelled) this.#controller.abort(this.#cancelled);
    return this.#controller.signal;
  }

  /**
   * Calls back when `signal` would abort, without the cost of one; a later call takes the place of an earlier.
   * For operations that wait often, such as reads of a stream.
   */
  onCancel(listener: ((reason: NinePError) => void) | undefined): void {
    this.#onCancel = listener;
    if (this.#cancelled) listener?.(this.#cancelled);
  }

  /** Nobody wants the operation any more. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  /** The client has more unread replies than it may: a stream waits for `connection.onDrain`. */
  get congested(): boolean {
    return this.connection.congested;
  }

  /** Called by the server: nobody wants the operation any more. */
  cancel(reason: string): void {
    if (this.#cancelled) return;
    this.#cancelled = new NinePError(reason, Errno.EINTR, { kind: 'aborted' });
    this.#onCancel?.(this.#cancelled);
    this.#controller?.abort(this.#cancelled);
  }
}
