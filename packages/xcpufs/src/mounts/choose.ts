import { accessSync, constants } from 'node:fs';
import { StartError } from '../errors.js';
import { FuseMounter, type FuseMounterOptions } from './fuse-mounter.js';
import { KernelMounter, kernelRefusal } from './kernel-mounter.js';
import { MountError, type Mounter } from './mounter.js';
import { OTHER_WAYS, RefusingMounter } from './refusing-mounter.js';

/** How sessions' files are mounted; `auto` is by the kernel's own client where it has one, else through FUSE. */
export const MOUNT_WAYS = ['auto', 'kernel', 'fuse'] as const;
export type MountWay = (typeof MOUNT_WAYS)[number];

export interface ChooseOptions extends Omit<FuseMounterOptions, 'ownNamespace'> {
  readonly way: MountWay;
  /** Whether the daemon is root; else mounts are made in a user namespace. */
  readonly root: boolean;
  /** An empty directory of the daemon's own, where FUSE's helper listens as well. */
  readonly directory: string;
}

/**
 * What mounts on this node: tried once. Where nothing can, a mounter that says why.
 * @throws StartError if the way that was asked for is closed
 */
export async function chooseMounter(options: ChooseOptions): Promise<Mounter> {
  const { way, root, directory } = options;
  const reasons: string[] = [];
  if (way !== 'fuse') {
    const reason = root ? await kernelRefusal(directory) : 'only root may use it';
    if (!reason) return new KernelMounter();
    reasons.push(`the kernel's 9P client: ${reason}`);
  }
  if (way !== 'kernel') {
    const reason = fuseRefusal();
    if (!reason) return new FuseMounter({ ...options, ownNamespace: !root });
    reasons.push(`FUSE: ${reason}`);
  }
  const text = `this node cannot mount your files (${reasons.join('; ')})`;
  if (way !== 'auto') throw new StartError(`--mount ${way}: ${reasons[0]}`);
  return new RefusingMounter(new MountError(`${text}: ${OTHER_WAYS}`));
}

function fuseRefusal(): string | undefined {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing
      ? 'there is no /dev/fuse; load its module (modprobe fuse)'
      : '/dev/fuse is closed to this user; root can open it to all (chmod 666 /dev/fuse)';
  }
}
