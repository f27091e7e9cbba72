import {
  type AnyMessage,
  type Dialect,
  decode,
  encode,
  FrameReader,
  MessageType,
  NOFID,
  NONUNAME,
  type RMessage,
  type TMessage,
  type Transport,
} from '../../src/index.js';

/** One end of a conversation that says exactly what a test wants said, right or wrong. */
export class RawPeer {
  readonly transport: Transport;
  dialect: Dialect = '9P2000.u';
  /** Resolves when the connection is over. */
  readonly closed: Promise<Error | undefined>;
  readonly #received: AnyMessage[] = [];
  readonly #waiting: ((message: AnyMessage) => void)[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
    const frames = new FrameReader(1 << 24);
    const arrived = (frame: Buffer) => {
      const message = decode(Buffer.from(frame), this.dialect);
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#received.push(message);
    };
    this.closed = new Promise((resolve) => {
      transport.start({
        data: (chunk) => frames.push(chunk, arrived),
        drain: () => {},
        close: resolve,
      });
    });
  }

  /** Sends all of them in one piece. */
  send(...messages: AnyMessage[]): void {
    this.bytes(Buffer.concat(messages.map((message) => encode(message, this.dialect))));
  }

  bytes(bytes: Buffer): void {
    this.transport.send([bytes]);
  }

  /** The next message, as it comes. */
  next(): Promise<AnyMessage> {
    const message = this.#received.shift();
    if (message) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next `count` messages by tag. */
  async answers(count: number): Promise<Map<number, AnyMessage>> {
    const answers = new Map<number, AnyMessage>();
    for (let index = 0; index < count; index++) {
      const message = await this.next();
      answers.set(message.tag, message);
    }
    return answers;
  }

  /** Messages that came and were not asked for. */
  get unread(): readonly AnyMessage[] {
    return this.#received;
  }

  async call(message: TMessage): Promise<RMessage> {
    this.send(message);
    return (await this.next()) as RMessage;
  }

  /** Says who it is: Tversion, then Tattach of fid 0 to the root. */
  async open(msize = 65_536, uname = 'me'): Promise<this> {
    await this.call(version(msize));
    await this.call(attach(0, uname));
    return this;
  }
}

/** The messages of a client with the fields that matter in tests; tags default to 1. */
export function version(msize = 65_536, text = '9P2000.u'): TMessage {
  return { type: MessageType.Tversion, tag: 0xffff, msize, version: text };
}
export function attach(fid: number, uname = 'me', afid = NOFID, tag = 1): TMessage {
  return { type: MessageType.Tattach, tag, fid, afid, uname, aname: '', nUname: NONUNAME };
}
export function auth(afid: number, uname = 'me', tag = 1): TMessage {
  return { type: MessageType.Tauth, tag, afid, uname, aname: '', nUname: NONUNAME };
}
export function walk(fid: number, newfid: number, names: readonly string[], tag = 1): TMessage {
  return { type: MessageType.Twalk, tag, fid, newfid, names };
}
export function open(fid: number, mode = 0, tag = 1): TMessage {
  return { type: MessageType.Topen, tag, fid, mode };
}
export function create(fid: number, name: string, perm = 0o644, mode = 1, tag = 1): TMessage {
  return { type: MessageType.Tcreate, tag, fid, name, perm, mode, extension: '' };
}
export function read(fid: number, offset: number | bigint, count: number, tag = 1): TMessage {
  return { type: MessageType.Tread, tag, fid, offset, count };
}
export function write(
  fid: number,
  offset: number | bigint,
  data: string | Uint8Array,
  tag = 1,
): TMessage {
  return { type: MessageType.Twrite, tag, fid, offset, data: Buffer.from(data) };
}
export function clunk(fid: number, tag = 1): TMessage {
  return { type: MessageType.Tclunk, tag, fid };
}
export function remove(fid: number, tag = 1): TMessage {
  return { type: MessageType.Tremove, tag, fid };
}
export function stat(fid: number, tag = 1): TMessage {
  return { type: MessageType.Tstat, tag, fid };
}
export function flush(oldtag: number, tag = 2): TMessage {
  return { type: MessageType.Tflush, tag, oldtag };
}
