import { connect, type Socket } from 'node:net';
import {
  type AnyMessage,
  type Dialect,
  decode,
  encode,
  FrameReader,
  MessageType,
  type TMessage,
} from '@xcpu/9p-protocol';
import type { Endpoint } from '../support/client.js';

/** How often requests of one type were answered, and how. */
export interface Count {
  /** Well-formed requests sent. */
  sent: number;
  answered: number;
  /** Answered with Rerror or Rlerror. */
  refused: number;
}

/** Counts by the number of the T-message. */
export type Counts = Map<number, Count>;

/** Silence after which a node is taken to have answered all that it will, in milliseconds. */
const QUIET_MS = 25;
const MAX_FRAME = 16 * 1024 * 1024;

/** A connection that sends whatever it is given, and counts what is answered. */
export class Wire {
  /** Everything sent, to repeat it by. */
  readonly sent: Buffer[] = [];
  closed = false;
  readonly #socket: Socket;
  readonly #counts: Counts;
  readonly #outgoing = new FrameReader(MAX_FRAME);
  readonly #types = new Map<number, number>();
  readonly #waiting = new Map<number, (reply: AnyMessage | undefined) => void>();
  /** What is spoken unless a case asks for something else. */
  readonly dialect: Dialect;
  /** What the node speaks until it is asked. */
  #agreed: Dialect = '9P2000';
  #heard = 0;

  private constructor(socket: Socket, counts: Counts, dialect: Dialect) {
    this.#socket = socket;
    this.dialect = dialect;
    this.#counts = counts;
    const incoming = new FrameReader(MAX_FRAME);
    socket.on('data', (chunk) => {
      this.#heard = performance.now();
      incoming.push(chunk, (frame) => this.#receive(frame));
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      for (const answer of this.#waiting.values()) answer(undefined);
      this.#waiting.clear();
    });
  }

  static open({ host, port }: Endpoint, counts: Counts, dialect: Dialect): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Wire(socket, counts, dialect)));
    });
  }

  /** Our end, by which the node's log calls this connection. */
  get port(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends a message in order and awaits its answer, undefined if the connection ends first. */
  request(message: TMessage): Promise<AnyMessage | undefined> {
    if (this.closed) return Promise.resolve(undefined);
    const answer = new Promise<AnyMessage | undefined>((resolve) => {
      this.#waiting.set(message.tag, resolve);
    });
    this.send(encode(message, this.dialect));
    return answer;
  }

  /** Sends bytes, whatever they are. */
  send(bytes: Buffer): void {
    if (this.closed) return;
    this.sent.push(bytes);
    this.#note(bytes);
    this.#socket.write(bytes);
  }

  /** Resolves when the node has said nothing for a while, or closed the connection. */
  async quiet(): Promise<void> {
    this.#heard = performance.now();
    while (!this.closed && performance.now() - this.#heard < QUIET_MS) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends in order. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #note(bytes: Buffer): void {
    try {
      this.#outgoing.push(bytes, (frame) => {
        const message = wellFormed(frame, this.dialect);
        if (!message) return;
        this.#types.set(message.tag, message.type);
        this.#count(message.type).sent++;
      });
    } catch {
      // No frames can be told apart from here on.
    }
  }

  #receive(frame: Buffer): void {
    const message = decode(frame, this.#agreed);
    if (message.type === MessageType.Rversion) {
      const { version } = message;
      this.#agreed = version === '9P2000.L' || version === '9P2000.u' ? version : '9P2000';
    }
    const type = this.#types.get(message.tag);
    if (type !== undefined) {
      const count = this.#count(type);
      count.answered++;
      if (message.type === MessageType.Rerror || message.type === MessageType.Rlerror) {
        count.refused++;
      }
    }
    this.#waiting.get(message.tag)?.(message);
    this.#waiting.delete(message.tag);
  }

  #count(type: number): Count {
    const count = this.#counts.get(type) ?? { sent: 0, answered: 0, refused: 0 };
    this.#counts.set(type, count);
    return count;
  }
}

function wellFormed(frame: Buffer, dialect: Dialect): AnyMessage | undefined {
  try {
    return decode(Buffer.from(frame), dialect);
  } catch {
    return undefined;
  }
}
