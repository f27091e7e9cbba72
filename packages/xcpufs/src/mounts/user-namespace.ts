import { readFileSync } from 'node:fs';
import { OTHER_WAYS } from './refusing-mounter.js';

/** What an administrator can set so that ordinary users have no user namespaces: the file, and the values that do it. */
const SETTINGS = [
  { file: 'kernel/unprivileged_userns_clone', forbids: '0' },
  { file: 'user/max_user_namespaces', forbids: '0' },
  { file: 'kernel/apparmor_restrict_unprivileged_userns', forbids: '1' },
] as const;

/**
 * Why this user cannot have a user namespace, as the settings of the kernel tell; undefined if none of them forbids it.
 * @param root where the settings are
 */
export function namespaceRefusal(root = '/proc/sys'): string | undefined {
  for (const { file, forbids } of SETTINGS) {
    if (read(`${root}/${file}`) !== forbids) continue;
    const setting = `${file.replaceAll('/', '.')}=${forbids}`;
    return `this node lets only root mount your files (${setting}): its administrator can change that; ${OTHER_WAYS}`;
  }
  return undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // Kernels that know no such setting forbid nothing by it.
    return undefined;
  }
}
