import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type AnyMessage,
  type Dialect,
  decode,
  decodeDirents,
  encode,
  FrameReader,
  frameTag,
  IO_HEADER_SIZE,
  LinuxOpen,
  MessageType,
  NOFID,
  type RMessage,
  type TMessage,
  type Uint64,
} from '@xcpu/9p-protocol';

const M = MessageType;
const ROOT = 0;
const READ_WRITE = LinuxOpen.RDWR;

type Unsent<M> = M extends TMessage ? Omit<M, 'tag'> : never;
type OnFrame = (frame: Buffer, payload: readonly Buffer[] | undefined) => void;

/**
 * A 9P client that does no more than it must, so that it is the server which is measured: in the loads it looks at
 * nothing of an answer but its type, its tag and how long it is, sends requests that were encoded beforehand, and
 * what one chunk of answers sets off in one write.
 */
export class RawClient {
  readonly #socket: Socket;
  readonly #frames = new FrameReader(2 ** 24, true);
  readonly #dialect: Dialect;
  #onFrame: OnFrame = () => {};
  #endOfChunk: () => void = () => {};
  #waiting = new Map<number, (reply: RMessage) => void>();
  #next = 1;
  msize = 0;

  private constructor(socket: Socket, dialect: Dialect) {
    this.#socket = socket;
    this.#dialect = dialect;
    const onFrame: OnFrame = (frame, payload) => this.#onFrame(frame, payload);
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk, onFrame);
      this.#endOfChunk();
    });
    socket.on('close', () => process.exit(1));
  }

  /**
   * Attaches fid 0 to the tree, as root where the dialect knows numbers.
   * @param where a port of 127.0.0.1, or the path of a Unix socket
   */
  static async connect(
    where: number | string,
    dialect: Dialect,
    aname: string,
  ): Promise<RawClient> {
    const socket =
      typeof where === 'string'
        ? connect({ path: where })
        : connect({ host: '127.0.0.1', port: where, noDelay: true });
    await once(socket, 'connect');
    const client = new RawClient(socket, dialect);
    client.#callByCall();
    const msize = 2 ** 20 + IO_HEADER_SIZE;
    const agreed = await client.call({ type: M.Tversion, msize, version: dialect });
    if (agreed.type !== M.Rversion || agreed.version !== dialect) throw new Error('no version');
    client.msize = agreed.msize;
    const who = { uname: 'root', aname, nUname: 0 };
    await client.call({ type: M.Tattach, fid: ROOT, afid: NOFID, ...who });
    return client;
  }

  /** One request and its answer. */
  call(fields: Unsent<TMessage>): Promise<RMessage> {
    const tag = fields.type === M.Tversion ? 0xffff : this.#next++ & 0x7fff;
    this.#socket.write(encode({ ...fields, tag } as AnyMessage, this.#dialect));
    return new Promise((resolve, reject) => {
      this.#waiting.set(tag, (reply) => {
        if (reply.type === M.Rlerror || reply.type === M.Rerror) {
          reject(new Error(`request ${fields.type}: ${JSON.stringify(reply)}`));
        } else resolve(reply);
      });
    });
  }

  /** How many Tgetattr, or Tstat where that is what the dialect has, are answered in a second. */
  async attributes(inFlight: number, ms: number): Promise<number> {
    const linux = this.#dialect === '9P2000.L';
    const requests = Array.from({ length: inFlight }, (_, tag) => {
      const message: TMessage = linux
        ? { type: M.Tgetattr, tag, fid: ROOT, requestMask: 0x7ff }
        : { type: M.Tstat, tag, fid: ROOT };
      return encode(message, this.#dialect);
    });
    const start = performance.now();
    const end = start + ms;
    let count = 0;
    await this.#load(linux ? M.Rgetattr : M.Rstat, inFlight, requests, (tag) => {
      count++;
      return performance.now() < end ? requests[tag] : undefined;
    });
    return (count / (performance.now() - start)) * 1000;
  }

  /** Milliseconds that it takes to read a file of so many bytes in the root from beginning to end. */
  async read(name: string, bytes: number, inFlight: number): Promise<number> {
    const fid = await this.#open(name, LinuxOpen.RDONLY);
    const count = this.msize - IO_HEADER_SIZE;
    let offset = 0;
    const next = (tag: number): readonly Buffer[] | undefined => {
      if (offset >= bytes) return undefined;
      const message: TMessage = { type: M.Tread, tag, fid, offset, count };
      offset += count;
      return [encode(message, this.#dialect)];
    };
    const start = performance.now();
    const first = Array.from({ length: inFlight }, (_, tag) => next(tag) ?? []).flat();
    const received = await this.#load(M.Rread, inFlight, first, next);
    if (received !== bytes) throw new Error(`read ${received} of ${bytes} bytes`);
    const ms = performance.now() - start;
    await this.call({ type: M.Tclunk, fid });
    return ms;
  }

  /** The same for writing over it. */
  async write(name: string, bytes: number, inFlight: number): Promise<number> {
    const fid = await this.#open(name, READ_WRITE);
    const count = this.msize - IO_HEADER_SIZE;
    const payload = Buffer.alloc(count, 'x');
    let offset = 0;
    const next = (tag: number): readonly Buffer[] | undefined => {
      if (offset >= bytes) return undefined;
      const data = payload.subarray(0, Math.min(count, bytes - offset));
      const message: TMessage = { type: M.Twrite, tag, fid, offset, data };
      offset += data.length;
      const head = encode({ ...message, data: data.subarray(0, 0) }, this.#dialect);
      head.writeUInt32LE(head.length + data.length, 0);
      head.writeUInt32LE(data.length, head.length - 4);
      return [head, data];
    };
    const start = performance.now();
    const first = Array.from({ length: inFlight }, (_, tag) => next(tag) ?? []).flat();
    await this.#load(M.Rwrite, inFlight, first, next);
    const ms = performance.now() - start;
    await this.call({ type: M.Tclunk, fid });
    return ms;
  }

  /** Milliseconds that it takes to list a directory in the root, to its end; `names` are how many there are. */
  async list(name: string, names: number): Promise<number> {
    const start = performance.now();
    const fid = await this.#open(name, LinuxOpen.RDONLY);
    const count = this.msize - IO_HEADER_SIZE;
    let seen = 0;
    let offset: Uint64 = 0;
    for (;;) {
      const reply = await this.call({ type: M.Treaddir, fid, offset, count });
      if (reply.type !== M.Rreaddir) throw new Error('no Rreaddir');
      const entries = decodeDirents(reply.data);
      if (entries.length === 0) break;
      seen += entries.length;
      offset = entries.at(-1)!.offset;
    }
    await this.call({ type: M.Tclunk, fid });
    if (seen !== names + 2) throw new Error(`${seen} names in place of ${names + 2}`);
    return performance.now() - start;
  }

  /** Files that are made and removed again in a second; each is made, closed and removed before its chain's next. */
  async storm(files: number, inFlight: number): Promise<number> {
    let next = 0;
    const chain = async (_: unknown, index: number) => {
      const fid = 1000 + index;
      while (next < files) {
        const name = `storm-${next++}`;
        const flags = LinuxOpen.WRONLY | LinuxOpen.CREATE;
        await this.call({ type: M.Twalk, fid: ROOT, newfid: fid, names: [] });
        await this.call({ type: M.Tlcreate, fid, name, flags, mode: 0o644, gid: 0 });
        await this.call({ type: M.Tclunk, fid });
        // diod knows no Tunlinkat.
        await this.call({ type: M.Twalk, fid: ROOT, newfid: fid, names: [name] });
        await this.call({ type: M.Tremove, fid });
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: inFlight }, chain));
    return (files / (performance.now() - start)) * 1000;
  }

  async #open(name: string, flags: number): Promise<number> {
    const fid = 1;
    await this.call({ type: M.Twalk, fid: ROOT, newfid: fid, names: [name] });
    await this.call({ type: M.Tlopen, fid, flags });
    return fid;
  }

  /**
   * Sends what is first, `inFlight` requests, and for each answer what `next` yields for its tag, until none is under way.
   * @returns bytes of payload in the answers
   */
  async #load(
    type: number,
    inFlight: number,
    first: readonly Buffer[],
    next: (tag: number) => Buffer | readonly Buffer[] | undefined,
  ): Promise<number> {
    let out: Buffer[] = [];
    let payloadBytes = 0;
    let underWay = inFlight;
    await new Promise<void>((resolve, reject) => {
      this.#onFrame = (frame, payload) => {
        if (frame[4] !== type) return reject(new Error(`answer of type ${frame[4]}`));
        if (payload) for (const piece of payload) payloadBytes += piece.length;
        else payloadBytes += frame.length - 11;
        const request = next(frameTag(frame));
        if (!request) underWay--;
        else if (Array.isArray(request)) out.push(...request);
        else out.push(request as Buffer);
      };
      this.#endOfChunk = () => {
        if (out.length > 0) this.#send(out);
        out = [];
        if (underWay === 0) resolve();
      };
      this.#send(first);
    });
    this.#callByCall();
    return payloadBytes;
  }

  #send(pieces: readonly Buffer[]): void {
    const socket = this.#socket;
    if (pieces.length === 1) return void socket.write(pieces[0]!);
    if (pieces[0]!.length + pieces[1]!.length < 4096)
      return void socket.write(Buffer.concat(pieces));
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
  }

  #callByCall(): void {
    this.#endOfChunk = () => {};
    this.#onFrame = (head, payload) => {
      const frame = payload ? Buffer.concat([head, ...payload]) : head;
      const tag = frameTag(frame);
      const answer = this.#waiting.get(tag);
      this.#waiting.delete(tag);
      answer?.(decode(frame, this.#dialect) as RMessage);
    };
  }
}
