import { close, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { OpenMode } from '@xcpu/9p-protocol';
import type { OpenFile } from '@xcpu/9p-protocol/server';

const readFd = promisify(read);
const writeFd = promisify(write);
const closeFd = promisify(close);

/** A regular file on disk, opened. Reads and writes leave the loop: a disk may be slow. */
export class OpenDiskFile implements OpenFile {
  readonly #fd: number;
  readonly #append: boolean;
  readonly #onClose: () => void;

  constructor(fd: number, mode: number, onClose: () => void) {
    this.#fd = fd;
    this.#append = (mode & OpenMode.APPEND) !== 0;
    this.#onClose = onClose;
  }

  async read(offset: number, count: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(count);
    const { bytesRead } = await readFd(this.#fd, buffer, 0, count, offset);
    return buffer.subarray(0, bytesRead);
  }

  async write(offset: number, data: Uint8Array): Promise<number> {
    const position = this.#append ? null : offset;
    const { bytesWritten } = await writeFd(this.#fd, data, 0, data.length, position);
    return bytesWritten;
  }

  async close(): Promise<void> {
    this.#onClose();
    await closeFd(this.#fd);
  }
}
