import { decode } from '../codec/decode.js';
import { encode } from '../codec/encode.js';
import { FrameReader } from '../codec/frame-reader.js';
import type { Dialect } from '../constants.js';
import type { AnyMessage, TMessage } from '../messages.js';
import type { Transport } from '../transport/transport.js';

const LARGEST = 1 << 24;

/** A conversation in which every tag and every byte is ours to choose: for what no well-behaved client says. */
export class Conversation {
  readonly #transport: Transport;
  readonly #dialect: Dialect;
  readonly #received: AnyMessage[] = [];
  #waiting: (() => void) | undefined;
  #over = false;

  constructor(transport: Transport, dialect: Dialect) {
    this.#transport = transport;
    this.#dialect = dialect;
    const frames = new FrameReader(LARGEST);
    const arrived = (frame: Buffer) => {
      this.#received.push(decode(Buffer.from(frame), this.#dialect, { strings: 'bytes' }));
      this.#waiting?.();
    };
    const ended = () => {
      this.#over = true;
      this.#waiting?.();
    };
    transport.start({
      data: (chunk) => {
        try {
          frames.push(chunk, arrived);
        } catch {
          // What cannot be understood is no answer.
          ended();
        }
      },
      drain: () => {},
      close: ended,
    });
  }

  /** Sends all of them in one piece. */
  send(...messages: readonly TMessage[]): void {
    this.sendBytes(Buffer.concat(messages.map((message) => encode(message, this.#dialect))));
  }

  /** Sends what need not be a message. */
  sendBytes(bytes: Buffer): void {
    this.#transport.send([bytes]);
  }

  /** The next message, undefined at the end of the conversation. One caller at a time. */
  async next(): Promise<AnyMessage | undefined> {
    while (this.#received.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#received.shift();
  }

  /** Messages up to the one with that tag, or the end of the conversation. */
  async until(tag: number): Promise<AnyMessage[]> {
    const messages: AnyMessage[] = [];
    for (;;) {
      const message = await this.next();
      if (!message) return messages;
      messages.push(message);
      if (message.tag === tag) return messages;
    }
  }

  /** Sends a message and answers what comes next. */
  async call(message: TMessage): Promise<AnyMessage | undefined> {
    this.send(message);
    return this.next();
  }

  /** Ends the conversation at once. */
  close(): void {
    this.#transport.destroy();
  }
}
