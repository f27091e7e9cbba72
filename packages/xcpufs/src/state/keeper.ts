import { setImmediate as nextTurn } from 'node:timers/promises';
import { NinePError } from '@xcpu/9p-protocol';
import type { Awaitable } from '@xcpu/9p-protocol/server';
import type { Log } from '@xcpu/daemon';
import { systemText } from '../errors.js';
import type { StateDirectory } from './state-directory.js';

/** How long a state that could not be saved waits for the next attempt, in milliseconds: a disk stays full for a while. */
const RETRY_MS = 60_000;

export interface KeeperOptions {
  readonly directory: Pick<StateDirectory, 'file' | 'save' | 'close'>;
  /** Another one whenever something changed that is to be saved. */
  readonly version: () => string;
  /** All that is to be saved, as it is now. */
  readonly snapshot: () => Uint8Array;
  readonly log: Log;
  readonly retryMs?: number;
}

/**
 * Saves a node's state when it has changed. Whoever changed it waits until it is on the disk; all who came while
 * another save was under way share the next one.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  /** The version that is on the disk. */
  #saved: string;
  #running: { readonly version: string; readonly done: Promise<void> } | undefined;
  #next: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  /** What there is now counts as saved. */
  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#saved = options.version();
  }

  /**
   * Done when all that has changed until now is on the disk.
   * @throws NinePError saying that it is not, and why: it is not lost, and the next change, or time, tries again
   */
  saved(): Awaitable<void> {
    const version = this.#options.version();
    if (version === this.#saved || this.#closed) return;
    if (version === this.#running?.version) return this.#running.done;
    this.#next ??= this.#saveNext();
    return this.#next;
  }

  /**
   * Saves what is not, tells the log if that fails, and lets go of the directory: what changes after that is not saved,
   * for another daemon may have it by then.
   */
  async close(): Promise<void> {
    try {
      await this.saved();
    } catch {
      // It was logged; the node ends all the same.
    }
    this.#closed = true;
    await Promise.allSettled([this.#running?.done, this.#next]);
    clearTimeout(this.#retry);
    this.#options.directory.close();
  }

  async #saveNext(): Promise<void> {
    await this.#running?.done.catch(() => {});
    // What came in the same turn goes along.
    await nextTurn();
    this.#next = undefined;
    const { version, snapshot } = this.#options;
    const running = { version: version(), done: this.#save(snapshot()) };
    this.#running = running;
    try {
      await running.done;
      this.#saved = running.version;
    } finally {
      this.#running = undefined;
    }
  }

  async #save(bytes: Uint8Array): Promise<void> {
    const { directory, log, retryMs = RETRY_MS } = this.#options;
    clearTimeout(this.#retry);
    try {
      await directory.save(bytes);
    } catch (error) {
      const reason = systemText(error);
      log.event('state not saved', { file: directory.file, reason });
      this.#retry = setTimeout(() => void Promise.resolve(this.saved()).catch(() => {}), retryMs);
      this.#retry.unref();
      const { errno = 0 } = error as NodeJS.ErrnoException;
      const text = `done, but not saved: ${directory.file}: ${reason}`;
      throw new NinePError(text, Math.abs(errno));
    }
    if (this.#retry) log.event('state saved again', { file: directory.file });
    this.#retry = undefined;
  }
}
