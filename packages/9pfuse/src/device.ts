import { closeSync, read, writevSync } from 'node:fs';
import type { Uint64 } from '@xcpu/9p-protocol';
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from './protocol/constants.js';
import { writeU64 } from './protocol/words.js';

/** What comes of reading an open /dev/fuse. */
export interface DeviceEvents {
  /**
   * One request. The message is good until this returns, or until the promise that it returns is settled: a large
   * write is passed on without a copy.
   */
  message(message: Buffer): void | Promise<void>;
  /** The mount is gone, with the reason if that is not that somebody unmounted it. */
  end(error: Error | undefined): void;
}

/** Beside the payload of a write its headers have to fit; a page is what the kernel, too, allows for them. */
const HEADERS = 4096;
/** Buffers kept for the next requests of all devices: large ones, that stay resident once they held a large write. */
const SPARE_BUFFERS = 4;
const spare: Buffer[] = [];
/** Answered while a mount is coming or going: the next read tells more. */
const PASSING = new Set(['EINTR', 'EAGAIN', 'ENOENT']);
const UNMOUNTED = new Set(['ENODEV', 'ECONNABORTED']);
/** Error numbers that replies can carry; to others the kernel listens not at all, and the asker waits for ever. */
const MAX_ERROR = 511;
const EIO = 5;

/** Threads of Node's pool that devices wait in, in all of this process. */
let waiting = 0;

/**
 * An open /dev/fuse from which requests are read and to which replies are written.
 *
 * The read that waits for the next request takes one thread of Node's pool (libuv's), 45 KB. A worker thread of its
 * own that reads synchronously was measured beside it: as fast for one client, twice as fast for many at once, a third
 * slower for bulk data, and 8 MB for every mount.
 */
export class FuseDevice {
  readonly #fd: number;
  readonly #events: DeviceEvents;
  readonly #bufferSize: number;
  readonly #header = Buffer.alloc(OUT_HEADER_SIZE);
  #ended = false;

  /**
   * Begins to read; the file system has to be mounted. The descriptor is closed at the end.
   * @param maxWrite the most bytes of one write, as INIT is going to agree on
   * @throws Error if other devices wait in all threads of the pool but one
   */
  constructor(fd: number, maxWrite: number, events: DeviceEvents) {
    const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
    if (waiting + 1 >= threads) {
      throw new Error(
        `each mount takes a thread of Node's pool, which has ${threads}: start with UV_THREADPOOL_SIZE=${2 * threads}`,
      );
    }
    waiting++;
    this.#fd = fd;
    this.#events = events;
    this.#bufferSize = maxWrite + HEADERS;
    this.#read();
  }

  /**
   * Answers a request.
   * @param error a Linux error number, 0 for success
   * @returns whether the kernel took it: not if the request was given up meanwhile, or the mount is gone
   */
  reply(unique: Uint64, error: number, body: readonly Uint8Array[]): boolean {
    return this.#write(unique, -(error <= MAX_ERROR ? error : EIO), body);
  }

  /** Tells the kernel something that it did not ask for; `code` is one of enum fuse_notify_code. */
  notify(code: number, body: Buffer): void {
    this.#write(0, code, [body]);
  }

  #write(unique: Uint64, error: number, body: readonly Uint8Array[]): boolean {
    if (this.#ended) return false;
    let length = OUT_HEADER_SIZE;
    for (const piece of body) length += piece.length;
    const header = this.#header;
    header.writeUInt32LE(length, 0);
    header.writeInt32LE(error, 4);
    writeU64(header, unique, 8);
    try {
      writevSync(this.#fd, [header, ...body]);
      return true;
    } catch {
      return false;
    }
  }

  #read(): void {
    const buffer = takeBuffer(this.#bufferSize);
    read(this.#fd, buffer, 0, buffer.length, null, (error, length) => {
      if (error && !PASSING.has(error.code ?? '')) return this.#end(error);
      // The next request can arrive while this one is dealt with.
      this.#read();
      if (error || length < IN_HEADER_SIZE) giveBack(buffer);
      else this.#deal(buffer, length);
    });
  }

  #deal(buffer: Buffer, length: number): void {
    const dealt = this.#events.message(buffer.subarray(0, length));
    if (dealt instanceof Promise) dealt.finally(() => giveBack(buffer));
    else giveBack(buffer);
  }

  #end(error: NodeJS.ErrnoException): void {
    this.#ended = true;
    waiting--;
    closeSync(this.#fd);
    this.#events.end(UNMOUNTED.has(error.code ?? '') ? undefined : error);
  }
}

function takeBuffer(size: number): Buffer {
  const index = spare.findLastIndex(({ length }) => length === size);
  return spare.splice(index, index < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(size);
}

function giveBack(buffer: Buffer): void {
  if (spare.length < SPARE_BUFFERS) spare.push(buffer);
}
