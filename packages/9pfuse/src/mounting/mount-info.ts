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

/** All mounts that this process sees, the later ones on top of the earlier. */
export async function readMounts(): Promise<MountInfo[]> {
  return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
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
