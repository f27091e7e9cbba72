import { decodeStats } from '../codec/stat.js';
import { MAX_WALK_NAMES, MessageType, NOFID, NONUNAME, QidType } from '../constants.js';
import { dontTouch } from '../dont-touch.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { clientLimits } from '../limits.js';
import type { Qid, Stat } from '../types.js';
import { type ReadRangeOptions, readRange, writeRange } from './bulk.js';
import type { Client } from './client.js';

const NOTHING = new Uint8Array(0);

/** What a request may be given. */
export interface RequestOptions {
  /** Flushes the request. */
  readonly signal?: AbortSignal | undefined;
}

/** Who attaches. */
export interface AttachOptions extends RequestOptions {
  readonly uname: string;
  readonly aname?: string;
  /** The user's number, sent in 9P2000.u and 9P2000.L. */
  readonly nUname?: number;
}

/** Asks for an authentication file; prove who you are on it, then attach with it. */
export async function auth(client: Client, options: AttachOptions): Promise<Fid> {
  const { uname, aname = '', nUname = NONUNAME, signal } = options;
  const fid = new Fid(client, client.takeFid());
  try {
    const type = MessageType.Tauth;
    const reply = await client.request({ type, afid: fid.number, uname, aname, nUname }, signal);
    fid.qid = reply.aqid;
    return fid;
  } catch (error) {
    client.freeFid(fid.number);
    throw error;
  }
}

/** The root of the server's tree, seen as `uname`. */
export async function attach(
  client: Client,
  options: AttachOptions & { readonly afid?: Fid },
): Promise<Fid> {
  const { uname, aname = '', nUname = NONUNAME, signal } = options;
  const fid = new Fid(client, client.takeFid());
  try {
    const afid = options.afid?.number ?? NOFID;
    const type = MessageType.Tattach;
    const request = { type, fid: fid.number, afid, uname, aname, nUname } as const;
    fid.qid = (await client.request(request, signal)).qid;
    return fid;
  } catch (error) {
    client.freeFid(fid.number);
    throw error;
  }
}

/**
 * A client's handle of a file on a server: a fid, walked to or open. Clunk it (or dispose of it) when done.
 *
 * Its methods are the requests of 9P2000 and 9P2000.u. In 9P2000.L `walk`, `read`, `write`, `remove`, `clunk` and
 * what is made of them are the same; the functions of `linux` take the place of the others.
 */
export class Fid {
  readonly client: Client;
  readonly number: number;
  qid!: Qid;
  /** Most bytes for one read or write in one piece, once open. */
  iounit = 0;
  #clunked = false;

  constructor(client: Client, number: number) {
    this.client = client;
    this.number = number;
  }

  /** Most bytes that one request on this open file moves. */
  get chunk(): number {
    const most = this.client.maxCount;
    return this.iounit > 0 ? Math.min(this.iounit, most) : most;
  }

  /**
   * Goes along a path (`a/b/c`, or names) to a new fid; no names make a second fid of the same file.
   * @throws NinePError (ENOENT) naming the first element that is not there.
   */
  async walk(path: string | readonly string[], options: RequestOptions = {}): Promise<Fid> {
    const names = typeof path === 'string' ? path.split('/').filter((name) => name) : path;
    const { client } = this;
    const fid = new Fid(client, client.takeFid());
    let from: Fid = this;
    let left = names;
    try {
      do {
        const part = left.slice(0, MAX_WALK_NAMES);
        left = left.slice(MAX_WALK_NAMES);
        fid.qid = (await walkOnce(from, fid, part, options.signal)) ?? this.qid;
        from = fid;
      } while (left.length > 0);
      return fid;
    } catch (error) {
      if (from === fid) await fid.clunk().catch(() => {});
      else client.freeFid(fid.number);
      throw error;
    }
  }

  /** Opens the file; see OpenMode. */
  async open(mode: number, options: RequestOptions = {}): Promise<this> {
    const request = { type: MessageType.Topen, fid: this.number, mode } as const;
    const reply = await this.client.request(request, options.signal);
    this.qid = reply.qid;
    this.iounit = reply.iounit;
    return this;
  }

  /**
   * Walks and opens in one round trip: both requests are on their way at once. Only for servers that let a
   * request wait for the one that makes its fid (this library's does; historic ones may not).
   */
  async walkOpen(
    path: string | readonly string[],
    mode: number,
    options: RequestOptions = {},
  ): Promise<Fid> {
    const names = typeof path === 'string' ? path.split('/').filter((name) => name) : path;
    if (names.length > MAX_WALK_NAMES) return this.#walkThenOpen(names, mode, options);
    const fid = new Fid(this.client, this.client.takeFid());
    const [walked, opened] = await Promise.allSettled([
      walkOnce(this, fid, names, options.signal),
      fid.open(mode, options),
    ]);
    if (walked.status === 'rejected') {
      this.client.freeFid(fid.number);
      throw walked.reason;
    }
    if (opened.status === 'rejected') {
      await fid.clunk().catch(() => {});
      throw opened.reason;
    }
    return fid;
  }

  /** Makes a file in this directory; the fid then is the new file, open. */
  async create(
    name: string,
    perm: number,
    mode: number,
    options: RequestOptions & { readonly extension?: string } = {},
  ): Promise<this> {
    const { extension = '', signal } = options;
    const type = MessageType.Tcreate;
    const request = { type, fid: this.number, name, perm, mode, extension } as const;
    const reply = await this.client.request(request, signal);
    this.qid = reply.qid;
    this.iounit = reply.iounit;
    return this;
  }

  /** One Tread: at most `count` bytes, none at the end. */
  async read(offset: number, count: number, options: RequestOptions = {}): Promise<Uint8Array> {
    const pieces = await this.readPieces(offset, count, options);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** The same in the pieces that were received, without a copy; a single empty one at the end. */
  async readPieces(
    offset: number,
    count: number,
    options: RequestOptions = {},
  ): Promise<readonly Uint8Array[]> {
    const type = MessageType.Tread;
    const request = { type, fid: this.number, offset, count } as const;
    const { data, parts: pieces = [data] } = await this.client.request(request, options.signal);
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length > count) throw protocolError('server answers more data than asked for');
    return pieces;
  }

  /** One Twrite; answers how much the server took. */
  async write(offset: number, data: Uint8Array, options: RequestOptions = {}): Promise<number> {
    const type = MessageType.Twrite;
    const request = { type, fid: this.number, offset, data } as const;
    const { count } = await this.client.request(request, options.signal);
    return written(count, data.length);
  }

  /** The same for data in several pieces, which are sent one behind the other without a copy. */
  async writePieces(
    offset: number,
    pieces: readonly Uint8Array[],
    options: RequestOptions = {},
  ): Promise<number> {
    const type = MessageType.Twrite;
    const request = { type, fid: this.number, offset, data: NOTHING, parts: pieces } as const;
    let length = 0;
    for (const piece of pieces) length += piece.length;
    const { count } = await this.client.request(request, options.signal);
    return written(count, length);
  }

  /**
   * The file from `start` to its end in order, several reads under way at once. For files; a stream, whose
   * offsets mean nothing, is read with `stream`.
   */
  chunks(options: ReadRangeOptions = {}): AsyncGenerator<Uint8Array> {
    return readRange(this, options);
  }

  /** Reads until there is no more, one request at a time: for pipes and other files that wait. */
  async *stream(options: RequestOptions & { count?: number } = {}): AsyncGenerator<Uint8Array> {
    const count = Math.min(options.count ?? this.chunk, this.chunk);
    let offset = 0;
    for (;;) {
      const data = await this.read(offset, count, options);
      if (data.length === 0) return;
      offset += data.length;
      yield data;
    }
  }

  /**
   * The whole file.
   * @throws NinePError (EFBIG) if it is longer than `limit` bytes, 16 MiB by default.
   */
  async readAll(options: RequestOptions & { limit?: number } = {}): Promise<Buffer> {
    const { limit = clientLimits.readAll } = options;
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of this.stream(options)) {
      length += piece.length;
      if (length > limit) throw new NinePError(`file longer than ${limit} bytes`, Errno.EFBIG);
      pieces.push(piece);
    }
    return Buffer.concat(pieces, length);
  }

  /** Writes all of `data` from `offset` on, in requests of at most `chunk` bytes, several under way at once. */
  writeAll(
    data: Uint8Array,
    options: RequestOptions & { offset?: number; inFlight?: number } = {},
  ): Promise<void> {
    return writeRange(this, data, options);
  }

  /**
   * All entries of an open directory.
   * @throws NinePError (EFBIG) above `limit` bytes, 16 MiB by default.
   */
  async readDirectory(options: RequestOptions & { limit?: number } = {}): Promise<Stat[]> {
    if (!(this.qid.type & QidType.DIR)) throw new NinePError('not a directory', Errno.ENOTDIR);
    return decodeStats(await this.readAll(options), this.client.dialect, { strings: 'bytes' });
  }

  /** The open file as a web stream; cancelling it clunks the fid. */
  readable(options: RequestOptions = {}): ReadableStream<Uint8Array> {
    const source = this.stream(options);
    return new ReadableStream({
      pull: async (controller) => {
        const { value, done } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.clunk(),
    });
  }

  /** The open file as a web stream to write to, from its beginning; closing it clunks the fid. */
  writable(options: RequestOptions = {}): WritableStream<Uint8Array> {
    let offset = 0;
    return new WritableStream({
      write: async (data) => {
        await this.writeAll(data, { ...options, offset });
        offset += data.length;
      },
      close: () => this.clunk(),
      abort: () => this.clunk(),
    });
  }

  /** What the server tells of the file. */
  async stat(options: RequestOptions = {}): Promise<Stat> {
    const request = { type: MessageType.Tstat, fid: this.number } as const;
    return (await this.client.request(request, options.signal)).stat;
  }

  /** Changes the given fields and leaves the others. */
  async wstat(changes: Partial<Stat>, options: RequestOptions = {}): Promise<void> {
    const stat = { ...dontTouch, ...changes };
    const request = { type: MessageType.Twstat, fid: this.number, stat } as const;
    await this.client.request(request, options.signal);
  }

  /** Lets go of the fid. Does nothing the second time, or when the conversation is over. */
  async clunk(): Promise<void> {
    await this.#end(MessageType.Tclunk);
  }

  /** Removes the file and lets go of the fid, whether or not that succeeds. */
  async remove(): Promise<void> {
    await this.#end(MessageType.Tremove);
  }

  /** As `clunk`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.clunk();
  }

  async #walkThenOpen(
    names: readonly string[],
    mode: number,
    options: RequestOptions,
  ): Promise<Fid> {
    const fid = await this.walk(names, options);
    try {
      return await fid.open(mode, options);
    } catch (error) {
      await fid.clunk().catch(() => {});
      throw error;
    }
  }

  async #end(type: 120 | 122): Promise<void> {
    if (this.#clunked) return;
    this.#clunked = true;
    const { client, number } = this;
    if (client.closed && type === MessageType.Tclunk) return;
    try {
      await client.request({ type, fid: number });
    } finally {
      client.freeFid(number);
    }
  }
}

/** One Twalk; answers the last qid, undefined where there were no names. */
async function walkOnce(
  from: Fid,
  to: Fid,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Qid | undefined> {
  const type = MessageType.Twalk;
  const request = { type, fid: from.number, newfid: to.number, names } as const;
  const { qids } = await from.client.request(request, signal);
  if (qids.length > names.length) throw protocolError('server walked further than asked');
  if (qids.length < names.length) {
    throw new NinePError(`${names[qids.length]}: file not found`, Errno.ENOENT);
  }
  return qids.at(-1);
}

function written(count: number, length: number): number {
  if (count > length) throw protocolError('server took more data than was sent');
  return count;
}
