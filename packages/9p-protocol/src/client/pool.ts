/** Runs a bounded number of tasks at once; the first failure ends it. */
export class Pool {
  readonly #size: number;
  readonly #running = new Set<Promise<void>>();
  #failed: { readonly error: unknown } | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Starts a task as soon as there is room, which is when this answers; the result tells when it has ended, and
   * never rejects.
   * @throws what a task before it failed with
   */
  async start(task: () => Promise<void>): Promise<{ ended: Promise<void> }> {
    while (this.#running.size >= this.#size && !this.#failed) await Promise.race(this.#running);
    this.check();
    const ended = task()
      .catch((error: unknown) => {
        this.#failed ??= { error };
      })
      .finally(() => this.#running.delete(ended));
    this.#running.add(ended);
    return { ended };
  }

  /** All tasks have ended, whether or not they failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** @throws what the first task to fail failed with */
  check(): void {
    if (this.#failed) throw this.#failed.error;
  }
}

/** What `map` makes of each item, in their order, `size` of them at once. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  size: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const pool = new Pool(size);
  try {
    for (const [index, item] of items.entries()) {
      await pool.start(async () => {
        results[index] = await map(item);
      });
    }
  } finally {
    await pool.settled();
  }
  pool.check();
  return results;
}
