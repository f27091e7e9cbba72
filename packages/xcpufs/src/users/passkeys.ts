import { makePasskey, type PublicKey, verifyPasskey } from '@xcpu/xcpu-protocol';
import { MAX_SESSIONS_PER_USER } from '../limits.js';
import type { User } from './users.js';

/** How long a passkey that nobody used stays good, in milliseconds: enough to start a tree of 10,000 nodes. */
const LIFETIME_MS = 10 * 60_000;
/**
 * Most passkeys that one user may have outstanding, as many as he may have sessions; the oldest gives way. Each proof
 * that is offered is compared with all of them.
 */
const MAX_OUTSTANDING = MAX_SESSIONS_PER_USER;

/** The passkeys that users were handed: each logs its user in once, then or after a while never. */
export class Passkeys {
  /** Those of users who were deleted go with them. */
  readonly #keys = new WeakMap<User, Issued>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A new passkey for the user. */
  issue(user: User): string {
    const keys = this.#expired(user);
    if (keys.size >= MAX_OUTSTANDING) keys.delete(keys.keys().next().value as string);
    const passkey = makePasskey();
    keys.set(passkey, this.#now() + LIFETIME_MS);
    this.#keys.set(user, { expiries: keys, key: user.key });
    return passkey;
  }

  /** Whether the proof was made with a passkey of the user's; that one is then used up. */
  redeem(user: User, challenge: Uint8Array, proof: Uint8Array): boolean {
    const keys = this.#expired(user);
    let found: string | undefined;
    // Looks at all of them: how long it takes does not tell which one it was.
    for (const passkey of keys.keys()) {
      if (verifyPasskey(challenge, proof, passkey)) found = passkey;
    }
    if (found !== undefined) keys.delete(found);
    if (keys.size === 0) this.#keys.delete(user);
    return found !== undefined;
  }

  #expired(user: User): Map<string, number> {
    const issued = this.#keys.get(user);
    // Whoever has a user's former key can read what was encrypted with it.
    const keys = issued && issued.key === user.key ? issued.expiries : new Map<string, number>();
    const now = this.#now();
    for (const [passkey, expires] of keys) {
      if (expires > now) break;
      keys.delete(passkey);
    }
    return keys;
  }
}

interface Issued {
  /** When each ends, in ms since 1970, the first first. */
  readonly expiries: Map<string, number>;
  /** The user's key at the time. */
  readonly key: PublicKey | undefined;
}
