/** What is done to names in directories. */
import { Errno, NinePError } from '@xcpu/9p-protocol';
import { errnoOf } from '../errors.js';
import { Opcode } from '../protocol/constants.js';
import { deviceNumbers, entryReply } from '../protocol/replies.js';
import type {
  Link,
  Lookup,
  Mkdir,
  Mknod,
  Rename,
  Rename2,
  Rmdir,
  Symlink,
  Unlink,
} from '../protocol/requests.js';
import type { Node } from '../tree/node.js';
import { type Answer, DONE, type Volume } from '../volume.js';

export async function lookup(volume: Volume, request: Lookup, signal: AbortSignal) {
  const parent = volume.nodes.get(request.node);
  try {
    const { node, file } = await volume.look(parent, request.name, signal);
    return volume.entryAnswer(node, file);
  } catch (error) {
    if (errnoOf(error) !== Errno.ENOENT) throw error;
    volume.nodes.unlinked(parent, request.name);
    const { absent } = volume.cache;
    if (absent === 0) throw error;
    return { body: [absentReply(absent)] };
  }
}

export function mkdir(volume: Volume, request: Mkdir, signal: AbortSignal): Promise<Answer> {
  const gid = volume.owners.groupOfNew(request.gid);
  return make(volume, request, signal, (directory) =>
    volume.remote.mkdir(directory, request.name, request.mode & 0o7777, gid, { signal }),
  );
}

export function symlink(volume: Volume, request: Symlink, signal: AbortSignal): Promise<Answer> {
  const gid = volume.owners.groupOfNew(request.gid);
  return make(volume, request, signal, (directory) =>
    volume.remote.symlink(directory, request.name, request.target, gid, { signal }),
  );
}

export function mknod(volume: Volume, request: Mknod, signal: AbortSignal): Promise<Answer> {
  const gid = volume.owners.groupOfNew(request.gid);
  const device = deviceNumbers(request.rdev);
  return make(volume, request, signal, (directory) =>
    volume.remote.mknod(directory, request.name, request.mode, device, gid, { signal }),
  );
}

export function link(volume: Volume, request: Link, signal: AbortSignal): Promise<Answer> {
  const target = volume.nodes.get(request.target);
  return volume.nodes.use(target, (file) =>
    make(volume, request, signal, (directory) =>
      volume.remote.link(directory, request.name, file, { signal }),
    ),
  );
}

export async function remove(volume: Volume, request: Unlink | Rmdir, signal: AbortSignal) {
  const parent = volume.nodes.get(request.node);
  const isDirectory = request.opcode === Opcode.RMDIR;
  await keep(volume, parent, request.name);
  await volume.nodes.use(parent, (directory) =>
    volume.remote.remove(directory, request.name, isDirectory, { signal }),
  );
  volume.nodes.unlinked(parent, request.name);
  return DONE;
}

/** @throws NinePError (EINVAL) for what only renameat2(2) has: 9P cannot exchange files, nor refuse to replace one */
export async function rename(volume: Volume, request: Rename | Rename2, signal: AbortSignal) {
  if ('flags' in request && request.flags !== 0) {
    throw new NinePError('9P has no such rename', Errno.EINVAL);
  }
  const { name, newName } = request;
  const from = volume.nodes.get(request.node);
  const to = volume.nodes.get(request.newParent);
  const { nodes, remote } = volume;
  const known = nodes.child(from, name);
  const node = known ?? (await volume.find(from, name, signal)).node;
  try {
    await keep(volume, to, newName);
    await nodes.use(node, (file) =>
      nodes.use(from, (source) =>
        nodes.use(to, (target) => remote.rename(file, source, name, target, newName, { signal })),
      ),
    );
    nodes.renamed(from, name, to, newName);
  } finally {
    if (!known) nodes.release(node);
  }
  return DONE;
}

/**
 * A file that is open can be opened once more when its name is gone (through /proc/PID/fd), by a fid that was walked to
 * before.
 */
async function keep({ nodes }: Volume, parent: Node, name: string): Promise<void> {
  const node = nodes.child(parent, name);
  if (node?.isOpen) await nodes.use(node, async () => {}).catch(() => {});
}

/** Makes something in directory `request.node` and tells of it. */
async function make(
  volume: Volume,
  request: { readonly node: Lookup['node']; readonly name: string },
  signal: AbortSignal,
  create: Parameters<typeof volume.nodes.use<void>>[1],
): Promise<Answer> {
  const parent: Node = volume.nodes.get(request.node);
  await volume.nodes.use(parent, create);
  const { node, file } = await volume.find(parent, request.name, signal);
  return volume.entryAnswer(node, file);
}

function absentReply(timeout: number): Buffer {
  const none = { node: 0, generation: 0, attributesTimeout: 0, attributes: undefined };
  return entryReply({ ...none, entryTimeout: timeout });
}
