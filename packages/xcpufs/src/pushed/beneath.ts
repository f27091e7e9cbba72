import { closeSync, constants, openSync } from 'node:fs';
import { Errno, NinePError } from '@xcpu/9p-protocol';

/** open(2)'s O_PATH, which Node does not name: a descriptor that only stands for a place. The same number on every Linux that Node runs on. */
export const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * Runs `use` with a path that stands for a directory below `root`, whatever else the user does there meanwhile.
 * Each component is opened from the one before and none may be a symbolic link: as root we would follow it out.
 * @throws Node's system error (ENOENT, ENOTDIR; ELOOP for a link)
 */
export function inDirectory<T>(
  root: string,
  components: readonly string[],
  use: (path: string) => T,
): T {
  let fd = openSync(root, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  try {
    for (const name of components) {
      const next = openSync(`/proc/self/fd/${fd}/${name}`, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      closeSync(fd);
      fd = next;
    }
    return use(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/** The path's last component, and what is in front of it. */
export function splitLast(components: readonly string[]): [readonly string[], string] {
  const last = components.at(-1);
  if (last === undefined) throw new NinePError('permission denied', Errno.EPERM);
  return [components.slice(0, -1), last];
}
