/**
 * Hands events from producers to one consumer that iterates. A producer waits until its event was dealt with: until
 * the consumer asks for the next one.
 */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #entries: { readonly event: T; readonly done: () => void }[] = [];
  readonly #onLeave: () => void;
  /** Tells the producer of the event that the consumer has now. */
  #dealtWith: () => void = () => {};
  #waiting: ((result: IteratorResult<T, undefined>) => void) | undefined;
  #ended = false;

  /** @param onLeave called when the consumer stops before the end */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  /** Resolves when the consumer has dealt with the event, or has left. */
  push(event: T): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((done) => {
      const waiting = this.#waiting;
      if (!waiting) {
        this.#entries.push({ event, done });
        return;
      }
      this.#waiting = undefined;
      this.#dealtWith = done;
      waiting({ value: event, done: false });
    });
  }

  /** Nothing more comes; what was pushed is still handed over. */
  end(): void {
    this.#ended = true;
    this.#waiting?.({ value: undefined, done: true });
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.#dealtWith();
    this.#dealtWith = () => {};
    const entry = this.#entries.shift();
    if (entry) {
      this.#dealtWith = entry.done;
      return Promise.resolve({ value: entry.event, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** The consumer leaves. */
  return(): Promise<IteratorResult<T, undefined>> {
    const left = !this.#ended;
    this.#ended = true;
    this.#dealtWith();
    for (const { done } of this.#entries.splice(0)) done();
    if (left) this.#onLeave();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
