import { decode, decodePieces, frameTag } from '../codec/decode.js';
import { FrameReader, type PayloadPieces } from '../codec/frame-reader.js';
import type { DecodeOptions } from '../codec/strings.js';
import { type Dialect, MessageType, MIN_MSIZE, NOFID } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { MAX_CLOSING_MS, MAX_TURN_MS, type ServerLimits } from '../limits.js';
import type { AnyMessage, TMessage, Tversion } from '../messages.js';
import type { Transport } from '../transport/transport.js';
import { FidTable } from './fids.js';
import type { Awaitable, FileServer } from './files.js';
import type { Intercept } from './intercept.js';
import { Operations } from './operations.js';
import type { Reply } from './replies.js';
import { ReplyWriter } from './reply-writer.js';
import { Request } from './request.js';
import { fidOf, Requests, reasonOf } from './requests.js';
import { agreedDialect } from './version.js';

const UTF8: DecodeOptions = {};
const BYTES: DecodeOptions = { strings: 'bytes' };

/** Bytes of replies that are worth a write of their own. */
const LARGE = 64 * 1024;

/** A frame that came with more requests than there is time for. */
interface HeldFrame {
  readonly frame: Buffer;
  readonly pieces: PayloadPieces | undefined;
}

/** What a server's owner may watch. */
export interface ConnectionEvents {
  /** Every message both ways, for a log. */
  trace?(connection: Connection, direction: 'received' | 'sent', message: AnyMessage): void;
  /** An operation threw something that is no error of a file: a defect of the file server. */
  fault?(connection: Connection, error: NinePError): void;
  /** The connection is over; `reason` is undefined when the client simply left. */
  closed?(connection: Connection, reason: Error | undefined): void;
}

/** One client's conversation: framing, version, tags, flush, limits. What the files do is in Operations. */
export class Connection {
  readonly transport: Transport;
  readonly limits: ServerLimits;
  /** Largest message agreed on, in bytes. */
  msize: number;
  /** undefined until Tversion. */
  dialect: Dialect | undefined;
  readonly #events: ConnectionEvents;
  readonly #frames: FrameReader;
  readonly #out: ReplyWriter;
  readonly #requests: Requests;
  readonly #served: readonly Dialect[] | undefined;
  readonly #decoding: DecodeOptions;
  readonly #fids: FidTable<unknown>;
  readonly #operations: Operations<unknown>;
  readonly #drainListeners = new Set<() => void>();
  readonly #onFrame = (frame: Buffer, pieces?: PayloadPieces) => this.#take(frame, pieces);
  /** Frames that came in one chunk with more requests than there is time or room for in this turn. */
  #held: HeldFrame[] = [];
  #attachTimer: NodeJS.Timeout | undefined;
  /** While the transport sends the last replies. */
  #closingTimer: NodeJS.Timeout | undefined;
  /** Bytes of replies that the client may leave untaken: few until it has proved who it is. */
  #unsentLimit: number;
  #refusals = 0;
  #receiving = false;
  /** When this turn's requests began to be dealt with. */
  #turnBegan = 0;
  #sendScheduled = false;
  /**
   * A request of several chunks was dealt with. To send its short answer costs as much as to receive some of them: more of
   * the kind may have arrived, whose answers leave in the same write.
   */
  #bulk = false;
  #paused = false;
  /** Paused until requests that wait are answered. */
  #full = false;
  #closed = false;
  /** The transport is closed too. */
  #gone = false;

  /** @param gone called once when the transport is closed: until then a connection that is over has its socket */
  constructor(
    transport: Transport,
    server: FileServer<unknown>,
    limits: ServerLimits,
    events: ConnectionEvents,
    intercept: Intercept | undefined,
    gone: () => void,
  ) {
    this.transport = transport;
    this.limits = limits;
    this.msize = limits.msize;
    this.#events = events;
    // Whoever looks at messages finds their data where it always is.
    const inPieces = !intercept && !events.trace;
    this.#frames = new FrameReader(Math.min(limits.msizeBeforeAttach, limits.msize), inPieces);
    this.#unsentLimit = Math.min(limits.unsentBytesBeforeAttach, limits.unsentBytes);
    this.#fids = new FidTable(Math.min(limits.fidsBeforeAttach, limits.fids));
    this.#out = new ReplyWriter(this, events);
    this.#requests = new Requests(limits);
    this.#served = server.dialects;
    this.#decoding = server.byteNames ? BYTES : UTF8;
    this.#operations = new Operations(this, server, this.#fids, intercept);
    this.#attachTimer = setTimeout(() => {
      this.destroy(new NinePError('no attach in time', Errno.ETIMEDOUT));
    }, limits.attachTimeout);
    this.#attachTimer.unref();
    transport.start({
      data: (chunk) => this.#data(chunk),
      drain: () => this.#drained(),
      close: (error) => {
        this.#gone = true;
        clearTimeout(this.#closingTimer);
        gone();
        this.#close(error);
      },
    });
  }

  /** Replies that the client has not taken, in bytes, are above the limit. */
  get congested(): boolean {
    return this.transport.unsent + this.#out.byteLength > this.#unsentLimit;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back once when the connection is no longer congested, or gone; the result takes the call back. */
  onDrain(listener: () => void): () => void {
    if (this.#closed) queueMicrotask(listener);
    else this.#drainListeners.add(listener);
    return () => this.#drainListeners.delete(listener);
  }

  /** Ends the connection at once: requests are cancelled, fids clunked. */
  destroy(reason?: Error): void {
    this.#close(reason);
    this.transport.destroy();
  }

  /**
   * Ends the connection after the replies that are ready have gone out, or after MAX_CLOSING_MS; requests are
   * cancelled, fids clunked.
   */
  close(reason?: Error): void {
    this.#flushOut();
    this.#close(reason);
    if (this.#gone || this.#closingTimer) return;
    this.#closingTimer = setTimeout(() => this.transport.destroy(), MAX_CLOSING_MS);
    this.#closingTimer.unref();
    this.transport.close();
  }

  /** Called by Operations: a client that proved who it is may send messages of full size, and make us hold more. */
  attached(): void {
    clearTimeout(this.#attachTimer);
    this.#attachTimer = undefined;
    this.#frames.maxSize = this.msize;
    this.#fids.limit = this.limits.fids;
    this.#unsentLimit = this.limits.unsentBytes;
    this.#requests.maxBytes = this.limits.pendingBytes;
  }

  /**
   * Called by Operations: a Tattach was refused. Whoever goes on guessing has to connect again; on a connection that has
   * users, which a kernel shares among all of a machine, nobody ends it for the others.
   */
  refused(): void {
    if (!this.#attachTimer) return;
    if (++this.#refusals !== this.limits.refusedAttaches) return;
    // The answer goes out first.
    setImmediate(() => this.close(new NinePError('too many refused attaches', Errno.EACCES)));
  }

  /** Called by Operations: something failed that no request waits for. What is no error of a file is told. */
  fault(thrown: unknown): void {
    const error = NinePError.from(thrown);
    if (error.ename === 'internal error') this.#events.fault?.(this, error);
  }

  /**
   * Called by Operations: counts what a request gives to a stream until it is answered.
   * @throws NinePError (ENOBUFS) above the limit.
   */
  charge(request: Request, bytes: number): void {
    this.#requests.charge(request, bytes);
  }

  #data(chunk: Buffer): void {
    if (this.#closed) return;
    this.#receiving = true;
    this.#turnBegan = performance.now();
    try {
      this.#frames.push(chunk, this.#onFrame);
    } catch (error) {
      this.destroy(NinePError.from(error));
    }
    this.#receiving = false;
    if (this.#bulk) this.#scheduleSend();
    else if (!this.#sendScheduled) this.#flushOut();
    this.#bulk = false;
  }

  /**
   * Small requests in one chunk can ask for gigabytes, or for seconds of work, and large ones can wait for what takes
   * long: the rest waits until the client took what it asked for, and others had their turn.
   */
  #take(frame: Buffer, pieces: PayloadPieces | undefined): void {
    if (
      this.#held.length > 0 ||
      !this.#hasRoom ||
      performance.now() - this.#turnBegan > MAX_TURN_MS
    ) {
      this.#held.push({ frame, pieces });
    } else {
      this.#receive(frame, pieces);
    }
  }

  get #hasRoom(): boolean {
    return !this.congested && !this.#requests.full;
  }

  #receive(frame: Buffer, pieces: PayloadPieces | undefined): void {
    if (this.#closed || this.#refusals >= this.limits.refusedAttaches) return;
    if (pieces) this.#bulk = true;
    const tag = frameTag(frame);
    if (this.#requests.has(tag)) {
      // An answer could be mistaken for the first request's: there is no safe way on.
      return this.destroy(protocolError(`tag ${tag} is in use`));
    }
    try {
      const message = pieces
        ? decodePieces(frame, pieces)
        : decode(frame, this.dialect ?? '9P2000', this.#decoding);
      this.#events.trace?.(this, 'received', message);
      this.#dispatch(message, frame.readUInt32LE(0));
    } catch (error) {
      this.#replyError(tag, error);
    }
  }

  #dispatch(message: AnyMessage, bytes: number): void {
    if (message.type === MessageType.Tversion) return this.#version(message);
    if (!this.dialect) throw protocolError('version is not negotiated yet');
    if (message.type === MessageType.Tflush) return this.#flush(message.tag, message.oldtag);
    if (!isRequest(message)) throw protocolError(`message type ${message.type} is an answer`);
    if (this.#requests.size >= this.limits.requests) {
      throw new NinePError(`too many requests (limit ${this.limits.requests})`, Errno.EAGAIN);
    }
    const request = new Request(this, message.tag, fidOf(message));
    let answer: Awaitable<Reply>;
    try {
      answer = this.#operations.run(request, message);
    } catch (error) {
      this.#requests.uncharge(request);
      throw error;
    }
    if (answer instanceof Promise) {
      this.#requests.add(request, bytes);
      answer.then(
        (reply) => this.#answer(request, reply),
        (error: unknown) => this.#fail(request, error),
      );
    } else {
      this.#reply(request.tag, answer);
      if (request.charge !== 0) this.#requests.uncharge(request);
    }
  }

  #version(message: Tversion): void {
    if (message.msize < MIN_MSIZE) throw new NinePError('msize too small', Errno.EIO);
    this.#reset();
    this.msize = Math.min(message.msize, this.limits.msize);
    this.dialect = agreedDialect(message.version, this.#served);
    // Whoever has proved who he is need not do so again to send full messages.
    const most = this.#attachTimer ? this.limits.msizeBeforeAttach : this.msize;
    this.#frames.maxSize = Math.min(most, this.msize);
    this.#reply(message.tag, {
      type: MessageType.Rversion,
      tag: 0,
      msize: this.msize,
      version: this.dialect ?? 'unknown',
    });
  }

  #flush(tag: number, oldtag: number): void {
    const request = this.#requests.get(oldtag);
    if (!request) return this.#reply(tag, { type: MessageType.Rflush, tag: 0 });
    if (this.#requests.size >= 2 * this.limits.requests) {
      // Tflush has no error to answer with, and every request has been flushed once by now.
      return this.destroy(protocolError('too many flushes'));
    }
    // Rflush comes after the request has ended either way: only then is its effect on fids settled.
    this.#requests.flush(new Request(this, tag, NOFID), request);
  }

  #answer(request: Request, reply: Reply): void {
    if (request.abandoned) return;
    this.#reply(request.tag, reply);
    this.#settle(request);
  }

  #fail(request: Request, thrown: unknown): void {
    if (request.abandoned) return;
    const flushed = this.#requests.flushed(request);
    const error = reasonOf(request, thrown);
    if (!(flushed && error.kind === 'aborted')) this.#replyError(request.tag, error);
    this.#settle(request);
  }

  #settle(request: Request): void {
    for (const tag of this.#requests.settle(request)) {
      this.#reply(tag, { type: MessageType.Rflush, tag: 0 });
    }
    if (!this.#full || this.#requests.full) return;
    this.#full = false;
    setImmediate(() => this.#nextTurn());
  }

  #reply(tag: number, reply: Reply): void {
    if (this.#closed) return;
    this.#out.reply(tag, reply);
    this.#scheduleSend();
  }

  #replyError(tag: number, thrown: unknown): void {
    if (this.#closed) return;
    this.#out.error(tag, thrown);
    this.#scheduleSend();
  }

  /** Replies of one turn of the loop leave in one write; a large one at once, for the client to take meanwhile. */
  #scheduleSend(): void {
    if (this.#out.byteLength >= LARGE) return this.#send();
    if (this.#receiving || this.#sendScheduled) return;
    this.#sendScheduled = true;
    setImmediate(() => {
      this.#sendScheduled = false;
      this.#flushOut();
    });
  }

  #flushOut(): void {
    if (this.#closed) return;
    this.#send();
    if (this.#paused) return;
    if (this.#held.length > 0 || this.#unsentTooMuch) {
      this.#paused = true;
      this.transport.pause();
      this.#full = this.#requests.full;
      if (!this.#full && !this.#unsentTooMuch) setImmediate(() => this.#nextTurn());
    }
  }

  #send(): void {
    if (this.#out.byteLength > 0) this.#out.send(this.transport);
  }

  get #unsentTooMuch(): boolean {
    return this.transport.unsent > this.#unsentLimit;
  }

  /** Only time was short, or requests that waited are answered by now. */
  #nextTurn(): void {
    if (!this.#closed && this.#paused && !this.#unsentTooMuch) this.#goOn();
  }

  #drained(): void {
    if (this.#closed) return;
    if (this.#paused) this.#goOn();
    this.#callDrainListeners();
  }

  #goOn(): void {
    this.#paused = false;
    const held = this.#held;
    this.#held = [];
    this.#receiving = true;
    this.#turnBegan = performance.now();
    for (const { frame, pieces } of held) this.#take(frame, pieces);
    this.#receiving = false;
    this.#flushOut();
    if (!this.#paused) this.transport.resume();
  }

  #callDrainListeners(): void {
    const listeners = [...this.#drainListeners];
    this.#drainListeners.clear();
    for (const listener of listeners) listener();
  }

  #close(reason: Error | undefined): void {
    if (this.#closed) return;
    if (!reason && this.#frames.partial) reason = protocolError('connection ended in a message');
    this.#closed = true;
    this.#held = [];
    clearTimeout(this.#attachTimer);
    this.#reset();
    this.#callDrainListeners();
    this.#events.closed?.(this, reason);
  }

  #reset(): void {
    this.#requests.abandonAll('connection reset');
    this.#operations.clunkAll();
  }
}

function isRequest(message: AnyMessage): message is TMessage {
  return (message.type & 1) === 0;
}
