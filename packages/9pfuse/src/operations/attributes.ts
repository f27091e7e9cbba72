/** What is told of files and changed about them. */
import { nameToBytes } from '@xcpu/9p-protocol';
import type { Fid, linux } from '@xcpu/9p-protocol/client';
import { SetattrValid } from '../protocol/constants.js';
import { attributesReply, statfsReply } from '../protocol/replies.js';
import type { Getattr, Readlink, Setattr, Statfs } from '../protocol/requests.js';
import type { RemoteChanges, RemoteFile } from '../remote/remote.js';
import type { Handle } from '../tree/handles.js';
import type { Node } from '../tree/node.js';
import type { Answer, Volume } from '../volume.js';

export async function getattr(volume: Volume, request: Getattr, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  const known = volume.believed(node);
  if (known) return answerOf(volume, known.file, known.age);
  return answerOf(volume, await told(volume, node, signal));
}

export async function setattr(volume: Volume, request: Setattr, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  const changes = changesOf(volume, request);
  if (Object.keys(changes).length > 0) {
    const handle =
      request.handle === undefined ? openUnnamed(node) : volume.handles.get(request.handle);
    await through(volume, node, handle, (fid) => volume.remote.setattr(fid, changes, { signal }));
  }
  return answerOf(volume, await told(volume, node, signal));
}

export async function readlink(volume: Volume, request: Readlink, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  volume.watchLink(node);
  node.target ??= await volume.nodes.useThere(node, (fid) =>
    volume.remote.readlink(fid, { signal }),
  );
  return { body: [nameToBytes(node.target)] };
}

export async function statfs(volume: Volume, request: Statfs, signal: AbortSignal) {
  const node = volume.nodes.get(request.node);
  const told = await volume.nodes.use(node, (fid) => volume.remote.statfs(fid, { signal }));
  return { body: [statfsReply(told)] };
}

/** Asks the server for a file's attributes, and takes note of them. */
export async function told(volume: Volume, node: Node, signal: AbortSignal): Promise<RemoteFile> {
  // An open file is there whatever became of its name.
  const [handle] = node.handles;
  const { moment } = volume.changes;
  const file = await through(volume, node, handle, (fid) => volume.remote.getattr(fid, { signal }));
  node.told(file);
  volume.believe(node, file, moment);
  return file;
}

/** @param age how long ago the server told, in milliseconds */
function answerOf(volume: Volume, file: RemoteFile, age = 0): Answer {
  return { body: [attributesReply(volume.shown(file), volume.cache.attributes - age)] };
}

function through<T>(
  volume: Volume,
  node: Node,
  handle: Handle | undefined,
  operation: (fid: Fid) => Promise<T>,
): Promise<T> {
  return handle ? operation(handle.fid) : volume.nodes.useThere(node, operation);
}

/** An open file, where no name leads to it any more. */
function openUnnamed(node: Node): Handle | undefined {
  if (node.place) return undefined;
  const [handle] = node.handles;
  return handle;
}

function changesOf({ owners }: Volume, request: Setattr): RemoteChanges {
  const { valid, mode, newUid, newGid, size } = request;
  const atime = timeOf(valid, 'ATIME', request.atime, request.atimeNsec);
  const mtime = timeOf(valid, 'MTIME', request.mtime, request.mtimeNsec);
  return {
    ...(valid & SetattrValid.MODE && { mode: mode & 0o7777 }),
    ...(valid & SetattrValid.UID && { uid: owners.asked('uid', newUid) }),
    ...(valid & SetattrValid.GID && { gid: owners.asked('gid', newGid) }),
    ...(valid & SetattrValid.SIZE && { size }),
    ...(atime && { atime }),
    ...(mtime && { mtime }),
  };
}

function timeOf(
  valid: number,
  which: 'ATIME' | 'MTIME',
  sec: Setattr['atime'],
  nsec: number,
): linux.SetTime | undefined {
  if (!(valid & SetattrValid[which])) return undefined;
  return valid & SetattrValid[`${which}_NOW`] ? 'now' : { sec, nsec };
}
