import { closeSync } from 'node:fs';

/** What has a descriptor only as long as others do not need it more. */
export interface DescriptorHolder {
  /** -1 while it has none. */
  fd: number;
  /** Its place in the cache, while it has a descriptor. */
  slot: number;
  /** Set whenever the descriptor is used. */
  used: boolean;
  /** The descriptor stays whatever happens: an operation relies on it. */
  held: boolean;
  /** The descriptor was closed: to make room, or because all are. */
  evicted(): void;
}

/**
 * A bounded number of descriptors. Room is made by closing one that was not used since the hand came by last (the
 * "clock" algorithm), so that use costs the setting of a flag.
 */
export class DescriptorCache {
  readonly #ring: (DescriptorHolder | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #limit: number;
  #hand = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Descriptors that are open. */
  get size(): number {
    return this.#ring.length - this.#free.length;
  }

  /** Gives the holder a descriptor to keep. */
  add(holder: DescriptorHolder, fd: number): void {
    const slot = this.#free.pop() ?? this.#room();
    this.#ring[slot] = holder;
    holder.fd = fd;
    holder.slot = slot;
    holder.used = true;
  }

  /** Closes the holder's descriptor, if it has one. */
  close(holder: DescriptorHolder): void {
    if (holder.fd < 0) return;
    this.#ring[holder.slot] = undefined;
    this.#free.push(holder.slot);
    const { fd } = holder;
    holder.fd = -1;
    closeSync(fd);
  }

  closeAll(): void {
    for (const holder of this.#ring) {
      if (!holder) continue;
      this.close(holder);
      holder.evicted();
    }
  }

  #room(): number {
    if (this.#ring.length < this.#limit) return this.#ring.length;
    // Twice around: the first time clears the flags.
    for (let step = 0; step < 2 * this.#ring.length; step++) {
      const holder = this.#ring[this.#hand];
      this.#hand = (this.#hand + 1) % this.#ring.length;
      if (!holder || holder.held) continue;
      if (holder.used) {
        holder.used = false;
        continue;
      }
      this.close(holder);
      const slot = this.#free.pop()!;
      holder.evicted();
      return slot;
    }
    return this.#ring.length;
  }
}
