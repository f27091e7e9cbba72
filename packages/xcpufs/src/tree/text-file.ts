import { Errno, NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { Awaitable, OpenFile, Request, SyntheticAttributes } from '@xcpu/9p-protocol/server';
import { MAX_TEXT } from '../limits.js';
import type { Caller } from './caller.js';
import { type Holder, NodeFile } from './node-file.js';

/** Where a text file's contents are kept. */
export interface TextStore {
  get(): Buffer;
  /** May refuse by throwing. */
  set(contents: Buffer): void;
}

/** A small file that clients read and write, kept in memory. */
export class TextFile extends NodeFile {
  readonly #store: TextStore;

  constructor(attributes: SyntheticAttributes, store: TextStore, path?: number, holder?: Holder) {
    super(attributes, path, holder);
    this.#store = store;
  }

  override length(): number {
    return this.#store.get().length;
  }

  protected override opened(mode: number): Awaitable<OpenFile<Caller>> {
    const append = (mode & OpenMode.APPEND) !== 0;
    const file: OpenFile<Caller> = {
      read: (offset, count) => this.#store.get().subarray(offset, offset + count),
      write: (offset, data) => {
        this.#write(append ? Number.MAX_SAFE_INTEGER : offset, data);
        return this.#whenSaved(data.length);
      },
    };
    if (!(mode & OpenMode.TRUNCATE)) return file;
    this.truncate();
    return this.#whenSaved(file);
  }

  protected override truncate(_request?: Request<Caller>): void {
    this.#store.set(Buffer.alloc(0));
  }

  /** A write beyond the end is one at the end: there are no holes in a text. */
  #write(offset: number, data: Uint8Array): void {
    const old = this.#store.get();
    const at = Math.min(offset, old.length);
    this.#store.set(textOf(old.subarray(0, at), data, old.subarray(at + data.length)));
  }

  #whenSaved<T>(answer: T): Awaitable<T> {
    const saving = this.saved?.();
    return saving instanceof Promise ? saving.then(() => answer) : answer;
  }
}

/**
 * The contents of a text file, put together.
 * @throws NinePError (EFBIG) if it is longer than one may be
 */
export function textOf(...parts: readonly (Uint8Array | string)[]): Buffer {
  const pieces = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > MAX_TEXT) {
    throw new NinePError(`file too long (limit ${MAX_TEXT} bytes)`, Errno.EFBIG);
  }
  return Buffer.concat(pieces, length);
}
