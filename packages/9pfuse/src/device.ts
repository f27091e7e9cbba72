import { writevSync } from 'node:fs';
import type { Uint64 } from '@xcpu/9p-protocol';
import { readAsPipe } from './pipe-reader.js';
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
/** What reading fails with when there is no mount any more; ENOENT is a request that was cut off with it. */
const UNMOUNTED = new Set(['ENODEV', 'ECONNABORTED', 'ENOENT']);
/** Error numbers that replies can carry; to others the kernel listens not at all, and the asker waits for ever. */
const MAX_ERROR = 511;
const EIO = 5;

/** An open /dev/fuse from which requests are read and to which replies are written. */
export class FuseDevice {
  readonly #fd: number;
  readonly #events: DeviceEvents;
  readonly #header = Buffer.alloc(OUT_HEADER_SIZE);
  readonly #close: () => void;
  #ended = false;

  /**
   * Begins to read; the file system has to be mounted. The descriptor is closed at the end.
   * @param maxWrite the most bytes of one write, as INIT is going to agree on
   * @throws Error as `readAsPipe`; the descriptor then is left open
   */
  constructor(fd: number, maxWrite: number, events: DeviceEvents) {
    this.#fd = fd;
    this.#events = events;
    this.#close = this.#read(maxWrite + HEADERS);
  }

  /** Closes it: the kernel tells everybody who uses the mount ENOTCONN from then on. Nothing is written any more. */
  close(): void {
    // From now on its number may be another file's.
    this.#ended = true;
    this.#close();
  }

  /**
   * Answers a request.
   * @param error a Linux error number, 0 for success
   * @returns whether the kernel took it: not if the request was given up meanwhile, or the mount is gone
   */
  reply(unique: Uint64, error: number, body: readonly Uint8Array[]): boolean {
    return this.#write(unique, -(error <= MAX_ERROR ? error : EIO), body);
  }

  /**
   * Tells the kernel something that it did not ask for; `code` is one of NotifyCode.
   * @returns whether the kernel took it
   */
  notify(code: number, body: readonly Uint8Array[]): boolean {
    return this.#write(0, code, body);
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

  #read(bufferSize: number): () => void {
    let buffer = takeBuffer(bufferSize);
    return readAsPipe(this.#fd, {
      buffer: () => buffer,
      read: (length) => {
        if (length < IN_HEADER_SIZE) return;
        const held = buffer;
        const dealt = this.#events.message(held.subarray(0, length));
        if (!dealt) return;
        // The next request can arrive while this one is dealt with.
        buffer = takeBuffer(bufferSize);
        void dealt.finally(() => giveBack(held));
      },
      end: (error) => {
        this.#ended = true;
        giveBack(buffer);
        this.#events.end(UNMOUNTED.has(error?.code ?? '') ? undefined : error);
      },
    });
  }
}

function takeBuffer(size: number): Buffer {
  const index = spare.findLastIndex(({ length }) => length === size);
  return spare.splice(index, index < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(size);
}

function giveBack(buffer: Buffer): void {
  if (spare.length < SPARE_BUFFERS) spare.push(buffer);
}
