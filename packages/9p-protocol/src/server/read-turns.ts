import type { Awaitable } from './files.js';
import type { Request } from './request.js';

/** A read that waits until others have ended. */
interface Turn {
  /** Bytes that it asks for. */
  readonly count: number;
  readonly begin: () => void;
}

/**
 * Lets the reads of one connection take turns: what those under way ask for, and the server needs memory for, stays
 * within a limit, however many a client sends ahead. Who has waited longest is next.
 */
export class ReadTurns {
  readonly #limit: number;
  /** Bytes that the reads under way ask for. */
  #bytes = 0;
  readonly #waiting = new Set<Turn>();

  /** @param limit bytes; a read of more has its turn when no other is under way */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a read of so many bytes may begin now; else `inTurn` is for it. */
  mayBegin(count: number): boolean {
    return this.#waiting.size === 0 && this.#hasRoom(count);
  }

  /** Counts a read that has begun, for as long as it is under way. */
  begun<T>(count: number, result: Awaitable<T>): Awaitable<T> {
    if (!(result instanceof Promise)) return result;
    this.#bytes += count;
    return result.finally(() => this.#end(count));
  }

  /**
   * Runs a read when it is its turn.
   * @throws NinePError (aborted) if the request was cancelled by then
   */
  async inTurn<T>(request: Request, count: number, read: () => Awaitable<T>): Promise<T> {
    await new Promise<void>((begin, reject) => {
      const turn = { count, begin };
      this.#waiting.add(turn);
      request.onCancel((reason) => {
        if (this.#waiting.delete(turn)) reject(reason);
      });
    });
    request.onCancel(undefined);
    try {
      if (request.cancelled) throw request.signal.reason;
      return await read();
    } finally {
      this.#end(count);
    }
  }

  #end(count: number): void {
    this.#bytes -= count;
    for (const turn of this.#waiting) {
      if (!this.#hasRoom(turn.count)) return;
      this.#waiting.delete(turn);
      this.#bytes += turn.count;
      turn.begin();
    }
  }

  #hasRoom(count: number): boolean {
    return this.#bytes === 0 || this.#bytes + count <= this.#limit;
  }
}
