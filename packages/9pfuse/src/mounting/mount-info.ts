import { readFile } from 'node:fs/promises';

/** A mounted file system: proc_pid_mountinfo(5). */
export interface MountInfo {
  /** `0:52`: what tells file systems apart. */
  readonly device: string;
  readonly path: string;
  /** The path as it stands in the list, with blanks and the like in octal. */
  readonly escaped: string;
  readonly type: string;
}

/**
 * All mounts that a process sees, the later ones on top of the earlier; none where there is no such process.
 * @param pid another process than this one
 */
export async function readMounts(pid?: number): Promise<MountInfo[]> {
  const text = readFile(`/proc/${pid ?? 'self'}/mountinfo`, 'utf8');
  // Of a process that has ended nothing is left to see: EINVAL, then ENOENT.
  return parseMounts(await (pid === undefined ? text : text.catch(() => '')));
}

/** What is to be seen at that path now, if it is a mount point. */
export function mountAt(mounts: readonly MountInfo[], path: string): MountInfo | undefined {
  return mounts.findLast((mount) => mount.path === path);
}

export function parseMounts(text: string): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of text.split('\n')) {
    const [, , device, , escaped] = line.split(' ');
    const type = line.slice(line.indexOf(' - ') + 3).split(' ', 1)[0];
    if (device && escaped && type) mounts.push({ device, path: unescaped(escaped), escaped, type });
  }
  return mounts;
}

function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
