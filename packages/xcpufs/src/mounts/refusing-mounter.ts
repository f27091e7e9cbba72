import type { MountError, Mounter } from './mounter.js';

/** Of a node that cannot mount: says why. */
export class RefusingMounter implements Mounter {
  readonly kind = 'none';
  readonly dialects = ['9P2000.L'] as const;
  readonly #reason: MountError;

  constructor(reason: MountError) {
    this.#reason = reason;
  }

  async mount(): Promise<never> {
    throw this.#reason;
  }

  async userNamespace(): Promise<never> {
    throw this.#reason;
  }

  async close(): Promise<void> {}
}
