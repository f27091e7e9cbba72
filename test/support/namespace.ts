import { spawnSync } from 'node:child_process';

/** Whether mount namespaces can be made here: a container may forbid it even to root. */
export const canUnshare =
  spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'], { stdio: 'ignore' })
    .status === 0;

/**
 * A `wrap` for a daemon in a mount namespace of its own, where `script` has been run before: as the positional
 * parameters it sees the daemon's command line. What it mounts goes with the daemon.
 */
export function inMountNamespace(script: string): string[] {
  return ['unshare', '--mount', 'sh', '-ec', `${script}\nexec "$@"`, 'sh'];
}

/** A file system of that size, such as `8m`, where the daemon keeps its sessions' files. */
export function smallDisk(size: string): string[] {
  return inMountNamespace(`
    previous=
    for word; do
      [ "$previous" != -t ] || mount -t tmpfs -o "size=${size}" tmpfs "$word"
      previous=$word
    done`);
}

/** No control groups, as in many containers. */
export const withoutCgroups = inMountNamespace('umount --recursive --lazy /sys/fs/cgroup');
