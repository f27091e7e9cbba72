/** access(2) and chdir(2), where the server says what may be done: see MountPointOptions.permissions. */
import { Errno, FileMode, NinePError } from '@xcpu/9p-protocol';
import { AccessMask } from '../protocol/constants.js';
import type { Access } from '../protocol/requests.js';
import type { Node } from '../tree/node.js';
import { type Answer, DONE, type Volume } from '../volume.js';
import { told } from './attributes.js';

const ROOT = 0;

/**
 * 9P cannot ask what may be done, only do it, and then the server has the last word. The bits of the mode are what there
 * is to go by: the owner's for the user's own files. Of other files nobody here knows which of his groups on the server
 * count, nor what powers he has there. Saying no where the server would say yes keeps him out of a directory, so whatever
 * anybody may read or search he may; but programs choose where to install by what they may write, so there the owner's
 * bit means nothing.
 * @throws NinePError (EACCES)
 */
export async function access(
  volume: Volume,
  request: Access,
  signal: AbortSignal,
): Promise<Answer> {
  const node = volume.nodes.get(request.node);
  // The kernel has just looked the name up, mostly.
  const isKnown = performance.now() - node.toldAt < volume.cache.attributes;
  if (!isKnown) await told(volume, node, signal);
  if (request.mask & ~granted(node, userOnServer(volume, request.uid))) {
    throw new NinePError('permission denied', Errno.EACCES);
  }
  return DONE;
}

/** Whether a directory is sure to be opened for this user: as far as the server told, and only where that is new. */
export function mayList(volume: Volume, node: Node, uid: number): boolean {
  if (!volume.believed(node)) return false;
  const user = userOnServer(volume, uid);
  const bits = user === node.uid ? node.mode >> 6 : node.mode;
  return user === ROOT || (bits & AccessMask.READ) !== 0;
}

/** Bits of AccessMask. */
function granted({ mode, uid, kind }: Node, user: number): number {
  const [owner, group, other] = [mode >> 6, mode >> 3, mode];
  const anybody = owner | group | other;
  const { READ, WRITE, EXECUTE } = AccessMask;
  if (user === ROOT) {
    const searches = kind === FileMode.DIRECTORY;
    return READ | WRITE | (searches ? EXECUTE : anybody & EXECUTE);
  }
  if (user === uid) return owner & 7;
  return (anybody & (READ | EXECUTE)) | ((group | other) & WRITE);
}

function userOnServer({ owners }: Volume, uid: number): number {
  try {
    return owners.asked('uid', uid);
  } catch {
    return uid;
  }
}
