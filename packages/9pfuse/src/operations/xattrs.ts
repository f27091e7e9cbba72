/** Extended attributes: xattr(7). */
import { Errno, NinePError, nameToBytes } from '@xcpu/9p-protocol';
import { errnoOf } from '../errors.js';
import { sizeReply } from '../protocol/replies.js';
import type { Getxattr, Listxattr, Removexattr, Setxattr } from '../protocol/requests.js';
import { type Answer, DONE, type Volume } from '../volume.js';

export async function getxattr(volume: Volume, request: Getxattr, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  const value = await supported(() =>
    volume.nodes.use(node, (fid) => volume.remote.getXattr(fid, request.name, { signal })),
  );
  return valueAnswer(value, request.size);
}

export async function listxattr(volume: Volume, request: Listxattr, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  const names = await supported(() =>
    volume.nodes.use(node, (fid) => volume.remote.listXattrs(fid, { signal })),
  );
  return valueAnswer(nameToBytes(names.map((name) => `${name}\0`).join('')), request.size);
}

export async function setxattr(volume: Volume, request: Setxattr, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  const { name, flags } = request;
  // The message's memory is used again while this one waits.
  const value = Buffer.from(request.value);
  await volume.nodes.use(node, (fid) =>
    volume.remote.setXattr(fid, name, value, flags, { signal }),
  );
  return DONE;
}

export async function removexattr(volume: Volume, request: Removexattr, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  await volume.nodes.use(node, (fid) => volume.remote.removeXattr(fid, request.name, { signal }));
  return DONE;
}

/**
 * A server that has no extended attributes is not asked again: the kernel takes ENOSYS for good. Else it would ask for
 * `security.capability` before every write.
 */
async function supported<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (errnoOf(error) !== Errno.EOPNOTSUPP) throw error;
    throw new NinePError('server has no extended attributes', Errno.ENOSYS);
  }
}

/** @param size bytes that there is room for; 0 asks how many there are */
function valueAnswer(value: Uint8Array, size: number): Answer {
  if (size === 0) return { body: [sizeReply(value.length)] };
  if (value.length > size) throw new NinePError('attribute is longer', Errno.ERANGE);
  return { body: [value] };
}
