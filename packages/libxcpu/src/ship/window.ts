/** Lets a bounded number of bytes be under way; who wants more waits, in order. */
export class Window {
  readonly #size: number;
  #taken = 0;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Waits for room; more than there is altogether gets all of it. */
  async take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#taken += bytes;
      return;
    }
    await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#taken -= bytes;
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.go();
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#size;
  }
}
