import { open } from 'node:fs';
import { promisify } from 'node:util';

const DEVICE = '/dev/fuse';
const openFile = promisify(open);

/**
 * Opens /dev/fuse: one mount's connection to the kernel.
 * @throws Error that names the reason and the way out
 */
export async function openFuse(): Promise<number> {
  try {
    return await openFile(DEVICE, 'r+');
  } catch (error) {
    throw new Error(`cannot open ${DEVICE}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is none; load the module (modprobe fuse), or give it to the container (--device /dev/fuse)';
    case 'ENODEV':
    case 'ENXIO':
      return 'the kernel has no FUSE; load the module (modprobe fuse)';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied; root can allow it to everybody (chmod 666 /dev/fuse)';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
