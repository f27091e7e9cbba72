import { existsSync } from 'node:fs';
import type { User } from './users.js';

/** A user's home on this node. Of a user who was pushed nobody tells: it is the usual place, where that exists. */
export function homeOf(user: Pick<User, 'name' | 'uid' | 'home'>): string {
  if (user.home) return user.home;
  const usual = user.uid === 0 ? '/root' : `/home/${user.name}`;
  return existsSync(usual) ? usual : '/';
}
