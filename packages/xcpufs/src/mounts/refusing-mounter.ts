import type { MountError, Mounter } from './mounter.js';

/** What users can do on a node that cannot mount their files. */
export const OTHER_WAYS =
  'run what is there with xrx -l, or bring your program along with xrx --ship';

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
