/** The moment of a tree in which nothing was changed through this mount. */
export const UNCHANGED = 0;

/**
 * When something was last changed through this mount. What the server told before, or while a change was under way, is
 * not to be believed after it: nobody knows what of the tree a change concerns (names, sizes, times, links).
 */
export class Changes {
  #count = UNCHANGED;
  #underWay = 0;

  /** The present, as long as nothing is changed; undefined while something is. */
  get moment(): number | undefined {
    return this.#underWay === 0 ? this.#count : undefined;
  }

  /** Does something that changes the tree. */
  async during<T>(change: () => T | Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await change();
    } finally {
      this.#underWay--;
      this.#count++;
    }
  }
}
