import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cached } from './cache.js';
import { unpackedPackage } from './packages.js';
import { runTool } from './tools.js';

/**
 * Debian's kernel for any machine (the one for clouds has no 9p). Oldest that is supported: what works there works
 * with its successors.
 */
const PACKAGE = 'linux-image-6\\.1\\.0-[0-9]+-amd64';

/** What a guest loads, in an order in which each finds what it needs. */
const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_mmio',
  'failover',
  'net_failover',
  'virtio_net',
  'netfs',
  'fscache',
  '9pnet',
  '9pnet_fd',
  '9p',
  'fuse',
  'overlay',
];

export interface Kernel {
  /** As `uname -r` prints it. */
  readonly release: string;
  /** An ELF file that QEMU starts directly, which spares it the three seconds of unpacking itself. */
  readonly vmlinux: string;
  /** Paths of its modules, in the order in which to load them. */
  readonly modules: readonly string[];
}

/** The kernel of guests, out of Debian's package. */
export async function guestKernel(): Promise<Kernel> {
  const files = ['./boot/vmlinuz-*', ...MODULES.map((name) => `*/kernel/*/${name}.ko`)];
  const unpacked = await unpackedPackage('kernel-package', PACKAGE, files);
  const [release = ''] = await readdir(join(unpacked, 'lib/modules'));
  const directory = await cached('kernel', [unpacked], async (target) => {
    const vmlinuz = await readFile(join(unpacked, `boot/vmlinuz-${release}`));
    const packed = join(target, 'vmlinux.xz');
    await writeFile(packed, payload(vmlinuz));
    await runTool('xz', ['--decompress', packed]);
    const all = await readdir(unpacked, { recursive: true });
    const modules = all.filter((path) => path.endsWith('.ko'));
    await mkdir(join(target, 'modules'));
    for (const path of modules) {
      const stripped = join(target, 'modules', basename(path));
      const source = join(unpacked, path);
      await runTool('strip', ['--strip-debug', '-o', stripped, source]);
    }
  });
  return {
    release,
    vmlinux: join(directory, 'vmlinux'),
    modules: MODULES.map((name) => join(directory, 'modules', `${name}.ko`)),
  };
}

/**
 * The compressed kernel in a `bzImage`, as the Linux/x86 boot protocol says where it is. Behind it are four bytes of
 * the size that it has unpacked.
 */
function payload(image: Buffer): Buffer {
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const offset = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  const length = image.readUInt32LE(0x24c);
  return image.subarray(offset, offset + length - 4);
}
