import { ModeBit } from './constants.js';
import { FileMode } from './constants-linux.js';

/** The permissions in a mode of stat(5), and its set-id and sticky bits, as chmod(2) has them. */
export function linuxPermissions(mode: number): number {
  let permissions = mode & FileMode.PERMISSIONS;
  if (mode & ModeBit.SETUID) permissions |= FileMode.SETUID;
  if (mode & ModeBit.SETGID) permissions |= FileMode.SETGID;
  if (mode & ModeBit.STICKY) permissions |= FileMode.STICKY;
  return permissions;
}

/** The inverse of {@link linuxPermissions}. */
export function plan9Permissions(mode: number): number {
  let permissions = mode & FileMode.PERMISSIONS;
  if (mode & FileMode.SETUID) permissions |= ModeBit.SETUID;
  if (mode & FileMode.SETGID) permissions |= ModeBit.SETGID;
  if (mode & FileMode.STICKY) permissions |= ModeBit.STICKY;
  return permissions;
}
