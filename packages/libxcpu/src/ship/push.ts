import { Errno, MAX_WALK_NAMES, ModeBit, NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { NodeError } from '../errors.js';
import type { Session } from '../job/session.js';
import { printable } from '../node/errors.js';
import { allOrFirstError, release, walkAhead } from '../node/files.js';
import { lackOf } from '../node/lacks.js';
import { BLOCK_BYTES, type BlockReader } from './block-reader.js';
import type { Shipment, ShippedFile } from './packing.js';
import { Window } from './window.js';

/** How a shipment goes to one node. */
export interface PushOptions {
  readonly reader: BlockReader;
  /** Ends it when nothing is under way; what is ends with the connection. */
  readonly signal?: AbortSignal | undefined;
  /** Told of bytes that the node has taken. */
  readonly onBytes: (count: number) => void;
}

/** Files and directories under way to one node at once: as many as hide the round trips of small ones. */
const AT_ONCE = 16;
/** Bytes under way to one node: enough to hide a round trip, and all that a slow node costs. */
const WINDOW_BYTES = 4 * BLOCK_BYTES;

const DIRECTORY_MODE = 0o755;

/**
 * Puts files into a session's `fs/`, which holds nothing of these names.
 * @throws NodeError naming the file that the node does not take, SetupError for one that cannot be read, NinePError
 * where the node was lost
 */
export async function push(
  session: Session,
  shipment: Shipment,
  options: PushOptions,
): Promise<void> {
  const pusher = new Pusher(session, options);
  for (const names of byDepth(shipment.directories)) {
    await pusher.all(names, (name) => pusher.directory(name));
  }
  await pusher.all(shipment.files, (file) => pusher.file(file));
}

/** Directories of which none is in another one: those of one depth, the least first. */
function byDepth(directories: readonly string[]): string[][] {
  const levels = new Map<number, string[]>();
  for (const name of directories) {
    const depth = name.split('/').length;
    const level = levels.get(depth);
    if (level) level.push(name);
    else levels.set(depth, [name]);
  }
  return [...levels].sort(([one], [other]) => one - other).map(([, names]) => names);
}

class Pusher {
  readonly #session: Session;
  readonly #options: PushOptions;
  readonly #window = new Window(WINDOW_BYTES);

  constructor(session: Session, options: PushOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** Does the work for all items, some at a time; the first failure ends it. */
  async all<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    let next = 0;
    let failed = false;
    const worker = async () => {
      while (next < items.length && !failed) {
        this.#options.signal?.throwIfAborted();
        await work(items[next++]!).catch((error) => {
          failed = true;
          throw error;
        });
      }
    };
    await allOrFirstError(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  }

  async directory(name: string): Promise<void> {
    const mode = (ModeBit.DIR | DIRECTORY_MODE) >>> 0;
    const { fid, created } = await this.#create(name, mode, OpenMode.READ);
    try {
      await created;
    } catch (error) {
      throw this.#refused(name, error);
    } finally {
      void release(fid);
    }
  }

  async file(file: ShippedFile): Promise<void> {
    const { name, mode } = file;
    const { fid, created } = await this.#create(name, mode, OpenMode.WRITE);
    try {
      await this.#write(file, fid, created);
    } catch (error) {
      throw this.#refused(name, error);
    } finally {
      // A file that is still open for writing could not be run.
      await release(fid);
    }
  }

  /** All that fits into the window is on its way before the first answer comes. */
  async #write(file: ShippedFile, fid: Fid, created: Promise<unknown>): Promise<void> {
    const pending = new Set<Promise<unknown>>();
    let failure: { readonly error: unknown } | undefined;
    const watch = (work: Promise<unknown>) => {
      const ended = work
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => pending.delete(ended));
      pending.add(ended);
    };
    watch(created);
    for (let offset = 0; offset < file.size; offset += BLOCK_BYTES) {
      const bytes = Math.min(BLOCK_BYTES, file.size - offset);
      await this.#window.take(bytes);
      if (failure) {
        this.#window.give(bytes);
        break;
      }
      watch(this.#block(file, fid, offset).finally(() => this.#window.give(bytes)));
    }
    await Promise.all(pending);
    if (failure) throw failure.error;
  }

  async #block(file: ShippedFile, fid: Fid, offset: number): Promise<void> {
    const { reader, onBytes } = this.#options;
    const data = await reader.read(file, offset);
    for (let done = 0; done < data.length; ) {
      const piece = data.subarray(done, done + fid.chunk);
      const count = await fid.write(offset + done, piece);
      if (count === 0) throw new NinePError('no more is taken', Errno.ENOSPC);
      done += count;
      onBytes(count);
    }
  }

  /** A fid for a new file, and the answer to the requests that make it. */
  async #create(name: string, mode: number, open: number) {
    const { connection, id } = this.#session;
    const names = [id, 'fs', ...name.split('/')];
    const last = names.pop()!;
    if (names.length > MAX_WALK_NAMES) {
      const fid = await connection.root.walk(names);
      return { fid, created: fid.create(last, mode, open) };
    }
    const { fid, walked } = walkAhead(connection, names);
    return { fid, created: allOrFirstError([walked, fid.create(last, mode, open)]) };
  }

  /** Names the file in what the node answered about it; the rest tells for itself. */
  #refused(name: string, error: unknown): unknown {
    if (!(error instanceof NinePError) || error.kind !== 'file' || lackOf(error.ename))
      return error;
    const full = error.errno === Errno.ENOSPC || error.errno === Errno.EDQUOT;
    const hint = full ? ' (where xcpufs -t keeps what is shipped)' : '';
    const reason = `cannot be sent ${name}: ${printable(error.ename)}${hint}`;
    return new NodeError(this.#session.connection.target.name, 'failed', reason, { cause: error });
  }
}
