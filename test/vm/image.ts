import { readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tree } from './archive.js';
import { cached } from './cache.js';
import { guestKernel, type Kernel } from './kernel.js';
import { unpackedPackage } from './packages.js';
import { librariesOf, mergedPath, programPath } from './programs.js';
import { runTool } from './tools.js';

/** What QEMU starts. */
export interface Image {
  readonly kernel: Kernel;
  /** Path of the root file system, which the guest keeps in memory. */
  readonly initramfs: string;
}

/**
 * A node without a disk: a Debian kernel, busybox, the Node.js that runs this, xcpufs and the other commands as
 * `npm run build` left them, and the programs that xcpufs needs. Nothing that is in the cache is made again.
 */
export async function guestImage(): Promise<Image> {
  const [kernel, busybox] = await Promise.all([guestKernel(), staticBusybox()]);
  const archive = (await rootTree(kernel, busybox)).archive();
  const directory = await cached('initramfs', archive, async (target) => {
    await writeFile(join(target, 'initramfs.cpio'), archive);
  });
  return { kernel, initramfs: join(directory, 'initramfs.cpio') };
}

async function staticBusybox(): Promise<string> {
  const directory = await unpackedPackage('busybox', 'busybox-static', ['./bin/busybox']);
  return join(directory, 'bin/busybox');
}

/** Of util-linux and coreutils: what busybox has under these names knows less. */
const PROGRAMS = ['setpriv', 'unshare', 'nsenter', 'mount', 'umount', 'chroot'];

async function rootTree(kernel: Kernel, busybox: string): Promise<Tree> {
  const tree = new Tree();
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    tree.directory(`usr/${name}`);
    tree.symlink(name, `usr/${name}`);
  }
  for (const name of ['dev', 'proc', 'sys', 'run', 'mnt', 'home']) tree.directory(name);
  tree.directory('root', 0o700);
  tree.directory('tmp', 0o1777);
  // Init has it before anything is mounted on /dev.
  tree.characterDevice('dev/console', 5, 1);
  await addBusybox(tree, busybox);
  await addPrograms(tree);
  await addModules(tree, kernel);
  await addCommands(tree);
  await addFolder(tree, fileURLToPath(new URL('../../test/vm/root', import.meta.url)), '');
  return tree;
}

async function addBusybox(tree: Tree, busybox: string): Promise<void> {
  tree.file('usr/bin/busybox', await readFile(busybox), 0o755);
  tree.symlink('init', 'usr/bin/busybox');
  const names = (await runTool(busybox, ['--list'])).trim().split('\n');
  const taken = ['busybox', ...PROGRAMS];
  for (const name of names) {
    if (!taken.includes(name)) tree.symlink(`usr/bin/${name}`, 'busybox');
  }
}

async function addPrograms(tree: Tree): Promise<void> {
  const node = await strippedNode();
  tree.file('usr/bin/node', await readFile(node), 0o755);
  const programs = await Promise.all(PROGRAMS.map(programPath));
  for (const path of programs) tree.file(mergedPath(path), await readFile(path), 0o755);
  for (const path of await librariesOf([node, ...programs])) {
    tree.file(mergedPath(path), await readFile(path), 0o755);
  }
}

/** Of this Node.js's hundred megabytes a fifth is for debuggers. */
async function strippedNode(): Promise<string> {
  const { size, mtimeMs } = await stat(process.execPath);
  const inputs = [process.execPath, process.version, String(size), String(mtimeMs)];
  const directory = await cached('node', inputs, async (target) => {
    await runTool('strip', ['-o', join(target, 'node'), process.execPath]);
  });
  return join(directory, 'node');
}

async function addModules(tree: Tree, { modules }: Kernel): Promise<void> {
  const names = modules.map((path) => basename(path));
  for (const path of modules) {
    tree.file(`usr/lib/modules/${basename(path)}`, await readFile(path));
  }
  tree.file('usr/lib/modules/order', Buffer.from(`${names.join('\n')}\n`));
}

/** Each with the files beside it that it starts by itself. */
async function addCommands(tree: Tree): Promise<void> {
  const bin = fileURLToPath(new URL('../../dist/bin', import.meta.url));
  for (const name of (await readdir(bin)).sort()) {
    const bundle = await realpath(join(bin, name));
    const folder = `usr/lib/xcpu/${name}`;
    const files = (await readdir(dirname(bundle))).filter((file) => file.endsWith('.cjs')).sort();
    for (const file of files) {
      tree.file(join(folder, file), await readFile(join(dirname(bundle), file)), 0o755);
    }
    tree.symlink(`usr/bin/${name}`, `/${folder}/${basename(bundle)}`);
  }
}

async function addFolder(tree: Tree, folder: string, at: string): Promise<void> {
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const { mode } = await stat(path);
    if ((mode & 0o170000) !== 0o100000) continue;
    tree.file(join(at, name), await readFile(path), mode & 0o111 ? 0o755 : 0o644);
  }
}
