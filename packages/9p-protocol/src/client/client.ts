import { decode, decodePieces } from '../codec/decode.js';
import { FrameReader, type PayloadPieces } from '../codec/frame-reader.js';
import { FrameWriter } from '../codec/frame-writer.js';
import { type Dialect, IO_HEADER_SIZE, MessageType, MIN_MSIZE, NOTAG } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { DEFAULT_MSIZE } from '../limits.js';
import type { AnyMessage, RMessage, Rversion, TMessage } from '../messages.js';
import type { Transport } from '../transport/transport.js';
import type { ReplyTo, Unsent } from './replies.js';
import { linuxError } from './system-errors.js';

/** How a conversation is held. */
export interface ClientOptions {
  /**
   * Dialect to ask for; the server may answer a lesser one. Default 9P2000.u. A server that does not know 9P2000.L
   * at all is asked for 9P2000.u then.
   */
  readonly version?: Dialect;
  /** Largest message to ask for, in bytes; the server may answer less. */
  readonly msize?: number;
  /** Gives up the version negotiation. */
  readonly signal?: AbortSignal;
  /** Every message both ways, for a log. */
  readonly trace?: (direction: 'received' | 'sent', message: AnyMessage) => void;
  /**
   * Silence on a connection with unanswered requests after which the server is asked for a sign of life, in
   * milliseconds; after as much again it counts as lost. TCP alone needs a quarter of an hour to notice that a
   * host with data on its way lost power. Default 20 s; 0 never asks.
   */
  readonly heartbeat?: number;
}

/** From the least to the richest. */
const dialects: readonly string[] = ['9P2000', '9P2000.u', '9P2000.L'] satisfies Dialect[];

/** Names and texts are bytes: one that is not UTF-8 must not cost the connection. */
const LENIENT = { strings: 'bytes' } as const;

interface Pending {
  readonly type: number;
  readonly resolve: (reply: RMessage) => void;
  readonly reject: (error: unknown) => void;
  /** Takes the abort listener off its signal. */
  release: (() => void) | undefined;
}

/** One 9P conversation from the client's side: tags, any number of requests in flight, flush. */
export class Client {
  readonly transport: Transport;
  /** Largest message agreed on, in bytes. */
  msize: number;
  dialect: Dialect = '9P2000';
  readonly #trace: ClientOptions['trace'];
  readonly #heartbeat: number;
  readonly #frames: FrameReader;
  readonly #out = new FrameWriter();
  /** By tag. */
  readonly #pending = new Map<number, Pending>();
  readonly #freeTags: number[] = [];
  readonly #freeFids: number[] = [];
  readonly #onFrame = (frame: Buffer, pieces?: PayloadPieces) => this.#receive(frame, pieces);
  readonly #send = () => this.#flushOut();
  readonly #closeListeners = new Set<(reason: NinePError) => void>();
  #nextTag = 0;
  #nextFid = 0;
  #sendScheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #heard = true;
  #asked = false;
  #closed: NinePError | undefined;

  private constructor(transport: Transport, options: ClientOptions) {
    this.transport = transport;
    this.msize = options.msize ?? DEFAULT_MSIZE;
    this.#trace = options.trace;
    this.#heartbeat = options.heartbeat ?? 20_000;
    this.#frames = new FrameReader(this.msize, true);
    transport.start({
      data: (chunk) => this.#data(chunk),
      drain: () => {},
      close: (error) => this.#end(closedError(error)),
    });
  }

  /**
   * Opens a conversation: Tversion.
   * @throws NinePError if the server speaks no 9P2000, breaks the protocol or goes away; the signal's reason.
   */
  static async connect(transport: Transport, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(transport, options);
    const { signal, version = '9P2000.u' } = options;
    const abort = () => client.destroy(signal?.reason);
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', abort);
      await client.#negotiate(version);
      return client;
    } catch (error) {
      client.destroy();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Largest count of one read or write. */
  get maxCount(): number {
    return this.msize - IO_HEADER_SIZE;
  }

  /** Why the conversation is over, undefined while it is not. */
  get closed(): NinePError | undefined {
    return this.#closed;
  }

  /** Calls back once when the conversation is over; the result takes the call back. */
  onClose(listener: (reason: NinePError) => void): () => void {
    if (this.#closed) {
      const reason = this.#closed;
      queueMicrotask(() => listener(reason));
      return () => {};
    }
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /**
   * Sends one request and answers its reply. Requests of one turn of the loop leave in one write.
   *
   * When `signal` aborts, the request is flushed: an answer that was on its way is still delivered (what it
   * read is not lost), otherwise the promise rejects with the signal's reason once the server agreed.
   * @throws NinePError what the server answered, or why the conversation ended.
   */
  request<M extends Unsent<TMessage>>(fields: M, signal?: AbortSignal): Promise<ReplyTo<M['type']>>;
  request(fields: Unsent<TMessage>, signal?: AbortSignal): Promise<RMessage> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      if (signal?.aborted) return reject(signal.reason);
      const message = fields as TMessage;
      const tag = message.type === MessageType.Tversion ? NOTAG : this.#takeTag();
      message.tag = tag;
      this.#trace?.('sent', message);
      try {
        this.#out.message(message, this.dialect);
      } catch (error) {
        if (tag !== NOTAG) this.#freeTags.push(tag);
        return reject(error);
      }
      const pending: Pending = { type: message.type, resolve, reject, release: undefined };
      if (signal) this.#abortable(tag, pending, signal);
      this.#pending.set(tag, pending);
      this.#scheduleSend();
      if (this.#timer === undefined && this.#heartbeat > 0) this.#startHeartbeat();
    });
  }

  /** A fid that is not in use; give it back with `freeFid` after its clunk. */
  takeFid(): number {
    return this.#freeFids.pop() ?? this.#nextFid++;
  }

  /** Gives a fid back that the server no longer knows. */
  freeFid(fid: number): void {
    this.#freeFids.push(fid);
  }

  /** Ends the conversation after what was sent has gone out; unanswered requests reject. */
  close(): void {
    if (this.#closed) return;
    this.#flushOut();
    this.#end(closedError(undefined));
    this.transport.close();
  }

  /** Ends the conversation at once. */
  destroy(reason?: unknown): void {
    this.#end(reason instanceof NinePError ? reason : closedError(reason));
    this.transport.destroy();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #negotiate(version: Dialect): Promise<void> {
    const msize = this.msize;
    const type = MessageType.Tversion;
    const reply = await this.request({ type, msize, version });
    // Servers of .u that have not heard of .L either cut the suffix off, or know no such version: version(5).
    const unknown = version === '9P2000.L' && !reply.version.startsWith('9P2000');
    if (unknown) return this.#negotiate('9P2000.u');
    this.#agree(reply, msize, version);
  }

  #agree(reply: Rversion, asked: number, version: Dialect): void {
    const answered = dialects.indexOf(reply.version);
    if (answered < 0 || answered > dialects.indexOf(version)) {
      throw protocolError(`server speaks ${JSON.stringify(reply.version)}, not ${version}`);
    }
    if (reply.msize < MIN_MSIZE || reply.msize > asked) {
      throw protocolError(`server answers msize ${reply.msize} when asked for ${asked}`);
    }
    this.dialect = reply.version as Dialect;
    this.msize = reply.msize;
    this.#frames.maxSize = reply.msize;
  }

  #takeTag(): number {
    const free = this.#freeTags.pop();
    if (free !== undefined) return free;
    if (this.#nextTag === NOTAG) throw new NinePError('too many requests in flight', Errno.EAGAIN);
    return this.#nextTag++;
  }

  /** Process ticks run after all continuations of this turn have: whatever they send is in the same write. */
  #scheduleSend(): void {
    if (this.#sendScheduled) return;
    this.#sendScheduled = true;
    process.nextTick(this.#send);
  }

  #flushOut(): void {
    this.#sendScheduled = false;
    if (this.#out.byteLength > 0) this.transport.send(this.#out.take());
  }

  #data(chunk: Buffer): void {
    this.#heard = true;
    try {
      this.#frames.push(chunk, this.#onFrame);
    } catch (error) {
      this.destroy(NinePError.from(error));
    }
  }

  #receive(frame: Buffer, pieces: PayloadPieces | undefined): void {
    if (this.#closed) return;
    const message = pieces ? decodePieces(frame, pieces) : decode(frame, this.dialect, LENIENT);
    this.#trace?.('received', message);
    const { tag, type } = message;
    const pending = this.#pending.get(tag);
    if (!pending) throw protocolError(`answer with tag ${tag}, which is not in use`);
    const failed = type === MessageType.Rerror || type === MessageType.Rlerror;
    if (type !== pending.type + 1 && !failed) {
      throw protocolError(`answer of type ${type} to a request of type ${pending.type}`);
    }
    this.#pending.delete(tag);
    pending.release?.();
    if (!pending.release && tag !== NOTAG) this.#freeTags.push(tag);
    if (type === MessageType.Rerror) {
      pending.reject(new NinePError(message.ename, message.errno));
    } else if (type === MessageType.Rlerror) {
      pending.reject(linuxError(message.ecode));
    } else {
      pending.resolve(message as RMessage);
    }
  }

  /** The tag of an aborted request may be used again only after Rflush: flush(5). */
  #abortable(tag: number, pending: Pending, signal: AbortSignal): void {
    let flushing = false;
    const abort = () => {
      flushing = true;
      this.request({ type: MessageType.Tflush, oldtag: tag }).then(
        () => this.#flushed(tag, pending, signal),
        (error: unknown) => {
          // Not flushed after all: the answer, if it still comes, frees the tag.
          flushing = false;
          pending.reject(error);
        },
      );
    };
    pending.release = () => {
      signal.removeEventListener('abort', abort);
      if (!flushing) this.#freeTags.push(tag);
    };
    signal.addEventListener('abort', abort, { once: true });
  }

  #flushed(tag: number, pending: Pending, signal: AbortSignal): void {
    if (this.#pending.get(tag) === pending) {
      this.#pending.delete(tag);
      pending.reject(signal.reason);
    }
    this.#freeTags.push(tag);
  }

  #startHeartbeat(): void {
    this.#heard = true;
    this.#asked = false;
    this.#timer = setInterval(() => this.#beat(), this.#heartbeat);
    this.#timer.unref();
  }

  #beat(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (this.#heard) {
      this.#heard = false;
      this.#asked = false;
    } else if (this.#asked) {
      const seconds = Math.round((2 * this.#heartbeat) / 1000);
      const text = `no sign of life for ${seconds} seconds`;
      this.destroy(new NinePError(text, Errno.ETIMEDOUT, { kind: 'closed' }));
    } else {
      this.#asked = true;
      // Flushing nothing does nothing, and every server answers it.
      this.request({ type: MessageType.Tflush, oldtag: NOTAG }).catch(() => {});
    }
  }

  #end(reason: NinePError): void {
    if (this.#closed) return;
    this.#closed = reason;
    clearInterval(this.#timer);
    for (const pending of this.#pending.values()) {
      pending.release?.();
      pending.reject(reason);
    }
    this.#pending.clear();
    for (const listener of this.#closeListeners) listener(reason);
    this.#closeListeners.clear();
  }
}

function closedError(cause: unknown): NinePError {
  const text = cause instanceof Error ? `connection lost: ${cause.message}` : 'connection closed';
  return new NinePError(text, Errno.ECONNRESET, { kind: 'closed', cause });
}
