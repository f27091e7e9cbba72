import { constants } from 'node:fs';
import { nameToBytes } from '../codec/strings.js';

/** open(2)'s O_PATH, which Node does not name: a descriptor that only stands for a file. The same on every Linux that Node runs on. */
export const O_PATH = 0o10000000;
/** Opens what a name stands for, a symbolic link itself too, and touches nothing of it: a pipe is not opened by it. */
export const PIN = O_PATH | constants.O_NOFOLLOW;

/** The file that a descriptor stands for. System calls that follow links end there, whatever its name is by now. */
export function fdPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** A name in the directory that a descriptor stands for, which can be swapped for no other. */
export function entryPath(fd: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${fd}/${name}`;
  return name.isWellFormed() ? path : nameToBytes(path);
}
