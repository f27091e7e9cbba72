import { FrameWriter } from '../codec/frame-writer.js';
import { truncateString } from '../codec/strings.js';
import { HEADER_SIZE, MessageType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { linuxText } from '../linux-words.js';
import type { RMessage } from '../messages.js';
import type { Transport } from '../transport/transport.js';
import type { Connection, ConnectionEvents } from './connection.js';
import { giveReadBuffer } from './read-buffers.js';
import type { ReadReply, Reply } from './replies.js';

/** The largest Linux error number: the kernel makes nothing of an answer with a larger one. */
const MAX_ERRNO = 4095;

/** Turns the answers of one connection into the bytes that are to be sent. */
export class ReplyWriter {
  readonly #connection: Connection;
  readonly #events: ConnectionEvents;
  readonly #out = new FrameWriter();
  /** Read buffers that are used again once what was written is sent. */
  #lent: Buffer[] = [];

  constructor(connection: Connection, events: ConnectionEvents) {
    this.#connection = connection;
    this.#events = events;
  }

  /** Bytes that wait to be taken. */
  get byteLength(): number {
    return this.#out.byteLength;
  }

  /** Sends what was written, in order, in one write. */
  send(transport: Transport): void {
    const lent = this.#lent;
    if (lent.length === 0) return transport.send(this.#out.take());
    this.#lent = [];
    transport.send(this.#out.take(), () => {
      for (const buffer of lent) giveReadBuffer(buffer);
    });
  }

  /** What 9P cannot carry (a text that is too long) is answered with the error. */
  reply(tag: number, reply: Reply): void {
    try {
      if ('pieces' in reply) this.#data(tag, reply);
      else this.#message(reply, tag);
    } catch (error) {
      this.error(tag, error);
    }
  }

  /** An Rlerror in 9P2000.L, an Rerror else. */
  error(tag: number, thrown: unknown): void {
    const { dialect, msize } = this.#connection;
    this.#connection.fault(thrown);
    const { ename, errno } = NinePError.from(thrown);
    if (dialect === '9P2000.L') {
      const ecode = errno > 0 && errno <= MAX_ERRNO ? errno : Errno.EIO;
      return this.#message({ type: MessageType.Rlerror, tag, ecode }, tag);
    }
    const text = dialect === '9P2000' ? linuxText(ename, errno) : ename;
    // Two for the length of the text, four for the number.
    const fitting = truncateString(text, Math.min(msize, 0xffff) - HEADER_SIZE - 6);
    this.#message({ type: MessageType.Rerror, tag, ename: fitting, errno }, tag);
  }

  #data(tag: number, { pieces, count, lent }: ReadReply): void {
    if (this.#events.trace) {
      const data = Buffer.concat(pieces);
      this.#events.trace(this.#connection, 'sent', { type: MessageType.Rread, tag, data });
    }
    this.#out.read(tag, pieces, count);
    if (lent) this.#lent.push(lent);
  }

  #message(message: RMessage, tag: number): void {
    message.tag = tag;
    this.#events.trace?.(this.#connection, 'sent', { ...message });
    this.#out.message(message, this.#connection.dialect ?? '9P2000');
  }
}
