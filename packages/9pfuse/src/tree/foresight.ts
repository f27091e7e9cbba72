/** Names that are remembered: those that a few programs look up when they start. */
const MAX_NAMES = 128;

/** How long after it began a mount is watched, in milliseconds: until its first program runs. */
const WATCHED_MS = 1000;

/**
 * What programs looked up first when a tree was mounted before, to be asked for at once, all together, when it is
 * mounted again: the kernel asks for one name after the other, which costs a round trip each. What was foreseen is
 * believed no longer than what was asked for.
 *
 * One is for the mounts of one user: what he uses is nobody else's business.
 */
export class Foresight {
  /** Paths from the root on, without a slash in front; the one that was looked up longest ago first. */
  readonly #paths = new Set<string>();

  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /** Takes note of what one mount looks up, from now on for a while. */
  watch(now: () => number = () => performance.now()): (path: string) => void {
    const end = now() + WATCHED_MS;
    return (path) => {
      if (now() > end) return;
      this.#paths.delete(path);
      this.#paths.add(path);
      if (this.#paths.size > MAX_NAMES) {
        const [oldest] = this.#paths;
        if (oldest !== undefined) this.#paths.delete(oldest);
      }
    };
  }
}
