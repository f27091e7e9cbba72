import { ModeBit } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import { plan9Permissions } from '../permissions.js';

/** What a file may be told to be beside its kind: stat(5). */
const FLAGS = ModeBit.APPEND | ModeBit.EXCLUSIVE | ModeBit.TEMPORARY;

const kinds: Readonly<Record<number, number>> = {
  [FileMode.DIRECTORY]: ModeBit.DIR,
  [FileMode.SYMLINK]: ModeBit.SYMLINK,
  [FileMode.FIFO]: ModeBit.NAMED_PIPE,
  [FileMode.SOCKET]: ModeBit.SOCKET,
  [FileMode.CHARACTER_DEVICE]: ModeBit.DEVICE,
  [FileMode.BLOCK_DEVICE]: ModeBit.DEVICE,
};

/** ModeBit.APPEND, EXCLUSIVE and TEMPORARY, where they are set. */
export function flagsOf(mode: number): number {
  return (mode & FLAGS) >>> 0;
}

/** Bits of FileMode, and flags, as ModeBit's. */
export function plan9Mode(mode: number, flags: number): number {
  return (plan9Permissions(mode) | (kinds[mode & FileMode.TYPE_MASK] ?? 0) | flags) >>> 0;
}

/** What is left of a new file's permissions in a directory of that mode: open(5). */
export function handedOn(perm: number, directory: number): number {
  const bits = perm & ModeBit.DIR ? 0o777 : 0o666;
  return (perm & (~bits | (directory & bits))) >>> 0;
}
