import { connect as connectSocket, type Socket } from 'node:net';
import {
  type AnyMessage,
  type Dialect,
  decode,
  encode,
  FrameReader,
  frameTag,
  MessageType,
  NOTAG,
} from '@xcpu/9p-protocol';
import type { Endpoint } from './client.js';

/** Largest message that a test expects, in bytes. */
const MAX_FRAME = 16 * 1024 * 1024;

/**
 * A 9P conversation by hand: whole frames go out as they are given, any number in flight, and each answer
 * finds its request by tag. For what a well-behaved client does not send.
 */
export class RawConnection {
  /** As agreed on; errors before that carry no number. */
  dialect: Dialect = '9P2000';
  /** Resolves when the other side has closed the connection, or it broke. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: AnyMessage | undefined) => void>();
  #nextTag = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const frames = new FrameReader(MAX_FRAME);
    socket.on('data', (chunk) => frames.push(chunk, (frame) => this.#receive(frame)));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const answer of this.#waiting.values()) answer(undefined);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** Opens a TCP connection; nothing is sent yet. */
  static open({ host, port }: Endpoint): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host, port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** A tag that was not used on this connection. */
  takeTag(): number {
    return this.#nextTag++;
  }

  /** Sends a message and answers its reply, undefined where the connection ended first. */
  request(message: AnyMessage): Promise<AnyMessage | undefined> {
    return this.frame(encode(message, this.dialect));
  }

  /** Sends a whole frame as it is; the reply is the one with the frame's tag. */
  frame(frame: Buffer): Promise<AnyMessage | undefined> {
    return new Promise((resolve) => {
      this.#waiting.set(frameTag(frame), resolve);
      this.#socket.write(frame);
    });
  }

  /** Sends bytes, whatever they are, and expects nothing. */
  bytes(data: Uint8Array): void {
    this.#socket.write(data);
  }

  /** Tversion with the text and size given. */
  version(version = '9P2000.u', msize = 32_792): Promise<AnyMessage | undefined> {
    return this.request({ type: MessageType.Tversion, tag: NOTAG, msize, version });
  }

  close(): Promise<void> {
    this.#socket.end();
    return this.closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(frame: Buffer): void {
    const tag = frameTag(frame);
    const answer = this.#waiting.get(tag);
    this.#waiting.delete(tag);
    const message = decode(frame, this.dialect);
    if (message.type === MessageType.Rversion && message.version === '9P2000.u') {
      this.dialect = '9P2000.u';
    }
    answer?.(message);
  }
}
