import { open } from 'node:fs/promises';
import { SetupError, systemText } from '../errors.js';
import { Limiter } from '../fan-out.js';
import type { Patch } from './elf.js';
import type { ShippedFile, SourceFile } from './packing.js';

/** Bytes that are read, and sent, at a time: more gains nothing. */
export const BLOCK_BYTES = 256 * 1024;

/** Bytes of blocks that are kept for nodes that are a little behind. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** Files that are open at once: hundreds of nodes far apart would ask for thousands, more than a process may have. */
const OPEN_FILES = 64;

/**
 * Reads the files of a shipment for many nodes at once: nodes that are about as far as each other get the same bytes,
 * so that each is read once, and held once. One that has fallen behind has the system read them again.
 */
export class BlockReader {
  readonly #keptBytes: number;
  /** The one that was asked for last at the end. */
  readonly #kept = new Map<string, { readonly data: Promise<Buffer>; readonly bytes: number }>();
  #bytes = 0;
  readonly #limiter = new Limiter(OPEN_FILES);

  constructor(keptBytes = KEPT_BYTES) {
    this.#keptBytes = keptBytes;
  }

  /**
   * A file's bytes from `offset` on, a multiple of BLOCK_BYTES, to the end of the block or of the file.
   * @throws SetupError naming the file: it cannot be read any more, or is not what it was
   */
  read(file: ShippedFile, offset: number): Promise<Buffer> {
    const { source, size, name } = file;
    const bytes = Math.min(BLOCK_BYTES, size - offset);
    if (!('path' in source)) return Promise.resolve(source.subarray(offset, offset + bytes));
    const key = `${offset}/${name}`;
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept.data;
    }
    const data = this.#limiter.run(() => readBlock(source, offset, bytes));
    this.#kept.set(key, { data, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: its }] of this.#kept) {
      if (this.#bytes <= this.#keptBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= its;
    }
    return data;
  }
}

async function readBlock(source: SourceFile, offset: number, bytes: number): Promise<Buffer> {
  const { path, stats, patches } = source;
  try {
    const file = await open(path, 'r');
    try {
      const { ino, dev, size, mtimeMs } = await file.stat();
      if (
        ino !== stats.ino ||
        dev !== stats.dev ||
        size !== stats.size ||
        mtimeMs !== stats.mtimeMs
      ) {
        throw changed(path);
      }
      const block = Buffer.allocUnsafe(bytes);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await file.read(block, done, bytes - done, offset + done);
        if (bytesRead === 0) throw changed(path);
        done += bytesRead;
      }
      for (const patch of patches) applyPatch(block, offset, patch);
      return block;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${path}: cannot be read: ${systemText(error)}`);
  }
}

/** A patch may begin in one block and end in the next one. */
function applyPatch(block: Buffer, offset: number, { offset: at, bytes }: Patch): void {
  for (const [index, byte] of bytes.entries()) {
    const place = at + index - offset;
    if (place >= 0 && place < block.length) block[place] = byte;
  }
}

function changed(path: string): SetupError {
  return new SetupError(`${path}: was changed while it was shipped: run the command again`);
}
