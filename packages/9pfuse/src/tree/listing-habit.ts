/** Names that have to be listed before anything follows from what was done with them. */
const ENOUGH = 16;
/** So many names at least of four have to be looked up. */
const SHARE = 4;
/** What was long ago counts half. */
const REMEMBERED = 4096;

/**
 * Whether programs want to know more of the files that they list than their names. The kernel asks for all of a
 * directory's files when it begins to list it, in one request; but a program that only looks for some name has to wait for
 * what it does not need. So the first names of a listing come alone, as long as few of them are looked up.
 */
export class ListingHabit {
  #listed = 0;
  #lookedUp = 0;

  /** Whether the files are to come with the first names, too. */
  get wantsFiles(): boolean {
    return this.#listed >= ENOUGH && this.#lookedUp * SHARE >= this.#listed;
  }

  /** Names were listed, and no more told of them. */
  listed(names: number): void {
    this.#listed += names;
    if (this.#listed <= REMEMBERED) return;
    this.#listed /= 2;
    this.#lookedUp /= 2;
  }

  /** A name in a directory that was listed so is looked up. */
  lookedUp(): void {
    this.#lookedUp++;
  }
}
