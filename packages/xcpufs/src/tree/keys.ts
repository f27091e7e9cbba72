import { fingerprint, formatKeyEntries } from '@xcpu/xcpu-protocol';
import type { UserTable } from '../users/users.js';

/** The text of the root file `keys`: by which key each user is known, without giving the key away. */
export function keysText(users: UserTable): string {
  return formatKeyEntries(
    users.all().flatMap(({ name, key }) => (key ? [{ name, fingerprint: fingerprint(key) }] : [])),
  );
}
