import { Readable, Writable } from 'node:stream';
import { OpenMode } from '../constants.js';
import type { Uint64 } from '../types.js';
import {
  BulkWriter,
  type RangeOptions,
  type ReadRangeOptions,
  readContents,
  writeRange,
} from './bulk.js';
import type { Fid, RequestOptions } from './fid.js';
import type { FileChanges, FileStat } from './file-stat.js';
import type { FileRequests } from './requests.js';
import { namedError } from './system-errors.js';

/** What a stream of an open file may be given. */
export interface StreamOptions {
  /** Whether the file is closed when the stream ends or is destroyed. Default true. */
  readonly autoClose?: boolean | undefined;
}

/**
 * An open file. Close it (or dispose of it) when done.
 *
 * Its errors are NinePErrors that begin with the file's path.
 */
export class FileHandle {
  /** As it was given to `open`. */
  readonly path: string;
  /** For requests of its own. */
  readonly fid: Fid;
  readonly #requests: FileRequests;
  /** Where streams begin to write: at the end of a file that is open for appending. */
  readonly #end: number;

  /** @internal */
  constructor(path: string, fid: Fid, requests: FileRequests, end = 0) {
    this.path = path;
    this.fid = fid;
    this.#requests = requests;
    this.#end = end;
  }

  /** At most `count` bytes from `offset` on in one request; none at the end. */
  read(offset: number, count: number, options: RequestOptions = {}): Promise<Uint8Array> {
    return this.#named(() => this.fid.read(offset, Math.min(count, this.fid.chunk), options));
  }

  /** Writes all of `data` from `offset` on. In a file open for appending it goes to the end, whatever the offset. */
  write(offset: number, data: Uint8Array, options: RequestOptions = {}): Promise<void> {
    return this.#named(() => writeRange(this.fid, data, { ...options, offset }));
  }

  /**
   * The file's bytes in order, in the pieces that were received; several reads are under way at once as soon as
   * answers come full. Works for pipes and other files that wait as well.
   */
  async *chunks(options: ReadRangeOptions = {}): AsyncGenerator<Uint8Array> {
    try {
      yield* readContents(this.fid, options);
    } catch (error) {
      throw namedError(this.path, error);
    }
  }

  /** As `chunks`. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return this.chunks();
  }

  /** Writes what comes, one piece behind the other; several writes are under way at once. */
  async writeFrom(
    source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
    options: RangeOptions = {},
  ): Promise<void> {
    const writer = this.#writer(options);
    try {
      for await (const piece of source) await writer.write(bytesOf(piece));
    } catch (error) {
      await writer.finish().catch(() => {});
      throw namedError(this.path, error);
    }
    await this.#named(() => writer.finish());
  }

  /** The file as a web stream; its end, or cancelling it, closes the file. */
  readable(options: ReadRangeOptions & StreamOptions = {}): ReadableStream<Uint8Array> {
    const stop = new AbortController();
    const source = this.chunks({ ...options, signal: either(stop.signal, options.signal) });
    const over = () => this.#over(options);
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { value, done } = await source.next();
          if (!done) return controller.enqueue(value);
          await over();
          controller.close();
        },
        cancel: async (reason) => {
          stop.abort(reason);
          await over();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** A web stream to write to, from `start` on; closing or aborting it closes the file. */
  writable(options: RangeOptions & StreamOptions = {}): WritableStream<Uint8Array> {
    const stop = new AbortController();
    const writer = this.#writer({ ...options, signal: either(stop.signal, options.signal) });
    return new WritableStream<Uint8Array>({
      write: (piece) => this.#named(() => writer.write(piece)),
      close: async () => {
        await this.#named(() => writer.finish());
        await this.#over(options);
      },
      abort: async (reason) => {
        stop.abort(reason);
        await writer.finish().catch(() => {});
        await this.#over(options);
      },
    });
  }

  /** The file as a Node stream; its end, or destroying it, closes the file. */
  createReadStream(options: ReadRangeOptions & StreamOptions = {}): Readable {
    const stop = new AbortController();
    const source = this.chunks({ ...options, signal: either(stop.signal, options.signal) });
    return new Readable({
      read() {
        source.next().then(
          ({ value, done }) => this.push(done ? null : value),
          (error: Error) => this.destroy(error),
        );
      },
      destroy: (error, done) => {
        stop.abort(error ?? undefined);
        this.#over(options).then(
          () => done(error),
          (failure: Error) => done(error ?? failure),
        );
      },
    });
  }

  /** A Node stream to write to, from `start` on; its end, or destroying it, closes the file. */
  createWriteStream(options: RangeOptions & StreamOptions = {}): Writable {
    const stop = new AbortController();
    const writer = this.#writer({ ...options, signal: either(stop.signal, options.signal) });
    const settle = (task: Promise<void>, done: (error?: Error | null) => void) => {
      task.then(() => done(), done);
    };
    return new Writable({
      write: (piece: Buffer, _encoding, done) => {
        settle(
          this.#named(() => writer.write(piece)),
          done,
        );
      },
      final: (done) => {
        settle(
          this.#named(() => writer.finish()),
          done,
        );
      },
      destroy: (error, done) => {
        stop.abort(error ?? undefined);
        this.#over(options).then(
          () => done(error),
          (failure: Error) => done(error ?? failure),
        );
      },
    });
  }

  /** What the server tells of the file. */
  stat(options: RequestOptions = {}): Promise<FileStat> {
    return this.#named(() => this.#requests.stat(this.fid, options));
  }

  /** Cuts the file off, or lets it grow by zeros. */
  truncate(size: Uint64 = 0, options: RequestOptions = {}): Promise<void> {
    return this.change({ size }, options);
  }

  /** Changes permissions, owner, size or times. */
  change(changes: FileChanges, options: RequestOptions = {}): Promise<void> {
    return this.#named(() => this.#requests.change(this.fid, changes, options));
  }

  /** Waits until what was written is on the server's disk. */
  sync(options: RequestOptions & { readonly dataOnly?: boolean } = {}): Promise<void> {
    const { dataOnly = false } = options;
    return this.#named(() => this.#requests.sync(this.fid, dataOnly, options));
  }

  /** Closes the file; does nothing the second time. What a server says only now is an error here. */
  close(): Promise<void> {
    return this.#named(() => this.fid.clunk());
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #writer(options: RangeOptions): BulkWriter {
    return new BulkWriter(this.fid, { ...options, start: options.start ?? this.#end });
  }

  async #over({ autoClose = true }: StreamOptions): Promise<void> {
    if (autoClose) await this.close();
  }

  async #named<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      throw namedError(this.path, error);
    }
  }
}

/** How `open` and `writeFile` treat a file that is, or is not, there: the words of Node's `fs`. */
export type OpenFlag = 'r' | 'r+' | 'w' | 'w+' | 'wx' | 'wx+' | 'a' | 'a+' | 'ax' | 'ax+';

/** What an OpenFlag says: OpenMode's bits, and whether the file may or must be made. */
export function parseFlag(flag: OpenFlag) {
  const [letter] = flag;
  const both = flag.endsWith('+');
  const access = both ? OpenMode.READ_WRITE : letter === 'r' ? OpenMode.READ : OpenMode.WRITE;
  const truncate = letter === 'w' ? OpenMode.TRUNCATE : 0;
  const append = letter === 'a' ? OpenMode.APPEND : 0;
  const create = letter !== 'r';
  return { mode: access | truncate | append, create, exclusive: flag.includes('x') };
}

/** Text goes out as UTF-8. */
export function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

function either(ours: AbortSignal, theirs: AbortSignal | undefined): AbortSignal {
  return theirs ? AbortSignal.any([ours, theirs]) : ours;
}
