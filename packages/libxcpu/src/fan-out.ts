/** Nodes that are connected to or set up at once, however many there are. */
export const FAN_OUT = 256;

/** Lets a bounded number of pieces of work go on at once; the others wait in order. */
export class Limiter {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Does the work when its turn comes; answers what it answers. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/** Does the work for all items, a bounded number at once; answers in the order of the items. */
export function fanOut<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  limit: number = FAN_OUT,
): Promise<PromiseSettledResult<R>[]> {
  const limiter = new Limiter(limit);
  return Promise.allSettled(items.map((item) => limiter.run(() => work(item))));
}
