import { setImmediate as nextTurn } from 'node:timers/promises';
import { NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { Awaitable, Connection, OpenFile, Request } from '@xcpu/9p-protocol/server';
import { CommandLineBuffer } from '@xcpu/xcpu-protocol';
import { refusedText } from '../errors.js';
import type { Caller } from './caller.js';
import { NodeFile } from './node-file.js';

/**
 * Commands carried out before other work gets its turn: a write may hold hundreds of thousands, and a key takes half a
 * millisecond to check.
 */
const SLICE = 32;

/** A `ctl` file: what is written to it are commands, carried out in order. Each open has a buffer of its own. */
export abstract class CommandFile extends NodeFile {
  readonly #open = new Map<Connection, Set<CommandLineBuffer>>();

  /** Carries out one line. */
  protected abstract run(line: string, request: Request<Caller>): Awaitable<void>;

  /** What reading yields. */
  protected abstract text(): string;

  protected override opened(_mode: number, { connection }: Request<Caller>): OpenFile<Caller> {
    const buffer = new CommandLineBuffer();
    const buffers = this.#open.get(connection) ?? new Set();
    this.#open.set(connection, buffers.add(buffer));
    let last: Promise<void> | undefined;
    const execute = (data: Uint8Array, request: Request<Caller>) =>
      runAll(buffer.push(data), (line) => this.run(line, request));
    const carryOut = (data: Uint8Array, request: Request<Caller>): Awaitable<number> => {
      // Most commands are done at once; one that is not makes the next write wait for it.
      const done = last ? last.then(() => execute(data, request)) : execute(data, request);
      if (!(done instanceof Promise)) return data.length;
      const settled = done
        .catch(() => {})
        .then(() => {
          if (last === settled) last = undefined;
        });
      last = settled;
      return done.then(() => data.length);
    };
    return {
      read: (offset, count) => Buffer.from(this.text()).subarray(offset, offset + count),
      write: (_offset, data, request) => {
        // Whoever lost the right since he opened the file, or was deleted, commands nothing any more.
        request.user.checkOpen(this.attributes, OpenMode.WRITE);
        const work = () => carryOut(data, request);
        return this.saved ? this.#thenSaved(work) : work();
      },
      close: () => {
        buffers.delete(buffer);
        if (buffers.size === 0) this.#open.delete(connection);
      },
    };
  }

  /** Waits until what the commands did is saved, also those before one that failed; the next ones need not wait. */
  async #thenSaved(carryOut: () => Awaitable<number>): Promise<number> {
    let count: number;
    try {
      count = await carryOut();
    } catch (error) {
      await Promise.resolve(this.saved?.()).catch((unsaved) =>
        Promise.reject(both(error, unsaved)),
      );
      throw error;
    }
    await this.saved?.();
    return count;
  }

  /** Drops what the client has written of a command so far; other clients' input is their own. */
  protected override truncate({ connection }: Request<Caller>): void {
    for (const buffer of this.#open.get(connection) ?? []) buffer.discard();
  }
}

function runAll(lines: Iterator<string>, run: (line: string) => Awaitable<void>): Awaitable<void> {
  try {
    let count = 0;
    for (let next = lines.next(); !next.done; next = lines.next()) {
      const running = run(next.value);
      // Both are waited for from now on: one that fails before the next turn must not go unheard.
      const done = ++count === SLICE ? Promise.all([running, nextTurn()]) : running;
      if (done instanceof Promise) {
        return done.then(
          () => runAll(lines, run),
          (error: unknown) => stop(lines, error),
        );
      }
    }
  } catch (error) {
    stop(lines, error);
  }
}

/** After a command that failed the rest of its write is dropped. */
function stop(lines: Iterator<string>, error: unknown): never {
  lines.return?.();
  throw refusedText(error);
}

/** Of a command that failed after others that could not be saved: none of it is to be taken for the other. */
function both(failed: unknown, unsaved: unknown): unknown {
  if (!(failed instanceof NinePError && unsaved instanceof NinePError)) return failed;
  return new NinePError(`${failed.ename}; before it: ${unsaved.ename}`, failed.errno);
}
