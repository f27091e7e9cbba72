import { type ChildProcess, spawn } from 'node:child_process';

import type { MountPoint } from './mount-point.js';

/**
 * Reads a line, or the end of the pipe where the process was killed; then unmounts, unless something else was mounted
 * there meanwhile. $1 is the path, $2 the same as /proc/self/mountinfo has it, $3 the device.
 */
const SCRIPT = `trap '' HUP INT TERM
read -r _ && exit
while read -r _ _ device _ path _; do
  [ "$path" = "$2" ] && last=$device
done < /proc/self/mountinfo
[ "$last" = "$3" ] && exec umount -i -c -l -- "$1"`;

/**
 * A shell that waits for the end of this process, and unmounts then: a process that is killed cannot do that itself,
 * and its mount would be left behind, dead.
 */
export class Guardian {
  readonly #child: ChildProcess;

  constructor({ path, escaped, device }: MountPoint) {
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, '9pfuse-guardian', path, escaped, device], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
  }

  /** The mount is gone: nothing is left to guard. Resolves when the shell has ended. */
  release(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.pid === undefined) return Promise.resolve();
    child.ref();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.stdin?.end('done\n');
    });
  }
}
