/**
 * Output of a legacy session: a chunk goes to every read that waits at that moment and is then forgotten;
 * what comes while nobody waits is kept for the next read.
 */
export class LegacyStream {
  #kept = '';
  #ended = false;
  readonly #waiting: { count: number; answer: (data: string) => void }[] = [];

  /** Calls `answer` once: now, or when there is something. The result forgets the read. */
  read(count: number, answer: (data: string) => void): () => void {
    if (this.#kept !== '' || this.#ended) {
      const data = this.#kept.slice(0, count);
      this.#kept = this.#kept.slice(count);
      answer(data);
      return () => {};
    }
    const read = { count, answer };
    this.#waiting.push(read);
    return () => {
      const at = this.#waiting.indexOf(read);
      if (at >= 0) this.#waiting.splice(at, 1);
    };
  }

  push(data: string): void {
    if (data === '') return;
    const readers = this.#waiting.splice(0);
    if (readers.length === 0) this.#kept += data;
    for (const { count, answer } of readers) answer(data.slice(0, count));
  }

  /** Further reads bring nothing; those that wait are answered. */
  end(): void {
    this.#ended = true;
    for (const { answer } of this.#waiting.splice(0)) answer('');
  }
}
