import { decode, frameTag } from '../codec/decode.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FrameWriter } from '../codec/frame-writer.js';
import { type Dialect, IO_HEADER_SIZE, MessageType, MIN_MSIZE, NOFID } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import type { ServerLimits } from '../limits.js';
import type { AnyMessage, RMessage, TMessage, Tversion } from '../messages.js';
import type { Transport } from '../transport/transport.js';
import { FidTable } from './fids.js';
import type { Awaitable, FileServer } from './files.js';
import { Operations } from './operations.js';
import { Request } from './request.js';

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
  /** Holds whatever the file server wants to remember of this client. */
  readonly attachments = new Map<unknown, unknown>();
  readonly #events: ConnectionEvents;
  readonly #frames: FrameReader;
  readonly #out = new FrameWriter();
  readonly #requests = new Map<number, Request>();
  /** Answered when the request that they name is: tag of the flushed request → tags of the Tflushes. */
  readonly #flushes = new Map<number, number[]>();
  readonly #operations: Operations<unknown>;
  readonly #drainListeners = new Set<() => void>();
  readonly #onFrame = (frame: Buffer) => this.#receive(frame);
  #attachTimer: NodeJS.Timeout | undefined;
  #writeBytes = 0;
  #readBytes = 0;
  #receiving = false;
  #sendScheduled = false;
  #paused = false;
  #closed = false;

  constructor(
    transport: Transport,
    server: FileServer<unknown>,
    limits: ServerLimits,
    events: ConnectionEvents,
  ) {
    this.transport = transport;
    this.limits = limits;
    this.msize = limits.msize;
    this.#events = events;
    this.#frames = new FrameReader(Math.min(limits.msizeBeforeAttach, limits.msize));
    this.#operations = new Operations(this, server, new FidTable(limits.fids));
    this.#attachTimer = setTimeout(() => {
      this.destroy(new NinePError('no attach in time', Errno.ETIMEDOUT));
    }, limits.attachTimeout);
    this.#attachTimer.unref();
    transport.start({
      data: (chunk) => this.#data(chunk),
      drain: () => this.#drained(),
      close: (error) => this.#close(error),
    });
  }

  /** Replies that the client has not taken, in bytes, are above the limit. */
  get congested(): boolean {
    return this.transport.unsent + this.#out.byteLength > this.limits.unsentBytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back once when the connection is no longer congested, or gone; the result takes the call back. */
  onDrain(listener: () => void): () => void {
    this.#drainListeners.add(listener);
    return () => this.#drainListeners.delete(listener);
  }

  /** Ends the connection at once: requests are cancelled, fids clunked. */
  destroy(reason?: Error): void {
    this.#close(reason);
    this.transport.destroy();
  }

  /** Called by Operations: a client that proved who it is may send messages of full size. */
  attached(): void {
    clearTimeout(this.#attachTimer);
    this.#attachTimer = undefined;
    this.#frames.maxSize = this.msize;
  }

  /** Called by Operations: requests about a fid that goes away. */
  cancelFid(fid: number, except: Request): void {
    for (const request of this.#requests.values()) {
      if (request.fid === fid && request !== except) request.cancel('fid clunked');
    }
  }

  /**
   * Called by Operations: counts what a request makes the server hold until it is answered.
   * @throws NinePError (ENOBUFS) above the limit.
   */
  charge(request: Request, kind: 'read' | 'write', bytes: number): void {
    if (kind === 'write') {
      if (this.#writeBytes + bytes > this.limits.writeBytes) throw tooMuch('written');
      this.#writeBytes += bytes;
      request.charge = bytes;
    } else {
      if (this.#readBytes + bytes > this.limits.readBytes) throw tooMuch('read');
      this.#readBytes += bytes;
      request.charge = -bytes;
    }
  }

  #data(chunk: Buffer): void {
    this.#receiving = true;
    try {
      this.#frames.push(chunk, this.#onFrame);
    } catch (error) {
      this.destroy(NinePError.from(error));
    }
    this.#receiving = false;
    this.#flushOut();
  }

  #receive(frame: Buffer): void {
    if (this.#closed) return;
    const tag = frameTag(frame);
    if (this.#requests.has(tag)) {
      // An answer could be mistaken for the first request's: there is no safe way on.
      return this.destroy(protocolError(`tag ${tag} is in use`));
    }
    try {
      const message = decode(frame, this.dialect ?? '9P2000');
      this.#events.trace?.(this, 'received', message);
      this.#dispatch(message);
    } catch (error) {
      this.#replyError(tag, error);
    }
  }

  #dispatch(message: AnyMessage): void {
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
      this.#uncharge(request);
      throw error;
    }
    if (answer instanceof Promise) {
      this.#requests.set(request.tag, request);
      answer.then(
        (reply) => this.#answer(request, reply),
        (error: unknown) => this.#fail(request, error),
      );
    } else {
      this.#reply(request.tag, answer);
      if (request.charge !== 0) this.#uncharge(request);
    }
  }

  #version(message: Tversion): void {
    if (message.msize < MIN_MSIZE) throw new NinePError('msize too small', Errno.EIO);
    this.#reset();
    this.msize = Math.min(message.msize, this.limits.msize);
    this.dialect = agreedDialect(message.version);
    this.#reply(message.tag, {
      type: MessageType.Rversion,
      tag: 0,
      msize: this.msize,
      version: this.dialect ?? 'unknown',
    });
  }

  #flush(tag: number, oldtag: number): void {
    const request = this.#requests.get(oldtag);
    if (!request && !this.#flushes.has(oldtag)) {
      return this.#reply(tag, { type: MessageType.Rflush, tag: 0 });
    }
    // Rflush comes after the request has ended either way: only then is its effect on fids settled.
    const waiting = this.#flushes.get(oldtag);
    if (waiting) waiting.push(tag);
    else this.#flushes.set(oldtag, [tag]);
    this.#requests.set(tag, new Request(this, tag, NOFID));
    request?.cancel('request flushed');
  }

  #answer(request: Request, reply: Reply): void {
    if (request.abandoned) return;
    this.#reply(request.tag, reply);
    this.#settle(request);
  }

  #fail(request: Request, thrown: unknown): void {
    if (request.abandoned) return;
    const flushed = this.#flushes.has(request.tag);
    const error = NinePError.from(thrown);
    if (!(flushed && error.kind === 'aborted')) this.#replyError(request.tag, error);
    this.#settle(request);
  }

  #settle(request: Request): void {
    this.#requests.delete(request.tag);
    this.#uncharge(request);
    const flushes = this.#flushes.get(request.tag);
    if (!flushes) return;
    this.#flushes.delete(request.tag);
    for (const tag of flushes) {
      this.#reply(tag, { type: MessageType.Rflush, tag: 0 });
      const flush = this.#requests.get(tag);
      if (flush) this.#settle(flush);
    }
  }

  #uncharge(request: Request): void {
    if (request.charge > 0) this.#writeBytes -= request.charge;
    else this.#readBytes += request.charge;
    request.charge = 0;
  }

  #reply(tag: number, reply: Reply): void {
    if (this.#closed) return;
    if ('pieces' in reply) this.#replyData(tag, reply);
    else this.#send(reply, tag);
  }

  #replyError(tag: number, thrown: unknown): void {
    const error = NinePError.from(thrown);
    if (error.ename === 'internal error') this.#events.fault?.(this, error);
    this.#send({ type: MessageType.Rerror, tag, ename: error.ename, errno: error.errno }, tag);
  }

  #replyData(tag: number, { pieces, count }: ReadReply): void {
    if (this.#events.trace) {
      const data = Buffer.concat(pieces);
      this.#events.trace(this, 'sent', { type: MessageType.Rread, tag, data });
    }
    this.#out.read(tag, pieces, count);
    this.#scheduleSend();
  }

  #send(message: RMessage, tag: number): void {
    if (this.#closed) return;
    message.tag = tag;
    this.#events.trace?.(this, 'sent', message);
    this.#out.message(message, this.dialect ?? '9P2000');
    this.#scheduleSend();
  }

  /** Replies of one turn of the loop leave in one write. */
  #scheduleSend(): void {
    if (this.#receiving || this.#sendScheduled) return;
    this.#sendScheduled = true;
    setImmediate(() => {
      this.#sendScheduled = false;
      this.#flushOut();
    });
  }

  #flushOut(): void {
    if (this.#closed) return;
    if (this.#out.byteLength > 0) this.transport.send(this.#out.take());
    if (!this.#paused && this.transport.unsent > this.limits.unsentBytes) {
      this.#paused = true;
      this.transport.pause();
    }
  }

  #drained(): void {
    if (this.#paused) {
      this.#paused = false;
      this.transport.resume();
    }
    this.#callDrainListeners();
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
    clearTimeout(this.#attachTimer);
    this.#reset();
    this.#callDrainListeners();
    this.#events.closed?.(this, reason);
  }

  #reset(): void {
    for (const request of this.#requests.values()) {
      request.abandoned = true;
      this.#uncharge(request);
      request.cancel('connection reset');
    }
    this.#requests.clear();
    this.#flushes.clear();
    this.#operations.clunkAll();
  }
}

/** What answers a request: a message, whose tag is filled in, or the pieces of an Rread. */
export type Reply = RMessage | ReadReply;

interface ReadReply {
  readonly pieces: readonly Uint8Array[];
  /** Bytes in all pieces. */
  readonly count: number;
}

/** Largest count of a Tread or Twrite at this msize. */
export function maxCount(msize: number): number {
  return Math.max(msize - IO_HEADER_SIZE, 0);
}

function fidOf(message: TMessage): number {
  return 'fid' in message ? message.fid : NOFID;
}

function isRequest(message: AnyMessage): message is TMessage {
  return (message.type & 1) === 0;
}

function agreedDialect(version: string): Dialect | undefined {
  if (version === '9P2000.u') return '9P2000.u';
  return version.startsWith('9P2000') ? '9P2000' : undefined;
}

function tooMuch(what: string): NinePError {
  return new NinePError(`too many bytes being ${what} on this connection`, Errno.ENOBUFS);
}
