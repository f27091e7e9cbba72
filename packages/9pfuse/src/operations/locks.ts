/** Locks of fcntl(2) and flock(2): both are Tlock's, as in the kernel's own 9P client, so that they exclude each other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Errno, LockType, NinePError, type Uint64 } from '@xcpu/9p-protocol';
import type { linux } from '@xcpu/9p-protocol/client';
import { FuseLockType, LOCK_TO_END, LockFlag } from '../protocol/constants.js';
import { lockReply } from '../protocol/replies.js';
import type { Flush, FuseLock, Getlk, Release, Setlk, Setlkw } from '../protocol/requests.js';
import type { Handle } from '../tree/handles.js';
import { type Answer, DONE, type Volume } from '../volume.js';

/** A lock that somebody else has is asked for again after that many milliseconds, which double up to the last. */
const FIRST_WAIT = 5;
const LONGEST_WAIT = 250;

/** Who has locks through an open file: the kernel's number for him, and the process that he was first. */
const owners = new WeakMap<Handle, Map<Uint64, number>>();

export async function getlk(volume: Volume, request: Getlk, signal: AbortSignal) {
  const handle = volume.handles.get(request.handle);
  const found = await volume.remote.getlock(handle.fid, rangeOf(volume, handle, request), {
    signal,
  });
  return { body: [lockReply(found ? foundLock(volume, found) : free(request.lock))] };
}

export async function setlk(
  volume: Volume,
  request: Setlk | Setlkw,
  signal: AbortSignal,
  wait: boolean,
): Promise<Answer> {
  const handle = volume.handles.get(request.handle);
  const range = rangeOf(volume, handle, request);
  let pause = FIRST_WAIT;
  while (!(await volume.remote.lock(handle.fid, range, { signal }))) {
    if (!wait) throw new NinePError('another lock is in the way', Errno.EAGAIN);
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    pause = Math.min(2 * pause, LONGEST_WAIT);
  }
  if (request.lock.type === FuseLockType.UNLOCK) return DONE;
  remember(handle, request.owner, range.procId);
  const giveBack = { ...range, lockType: LockType.UNLCK };
  return {
    body: [],
    refused: () => {
      void volume.remote.lock(handle.fid, giveBack, {}).catch(() => {});
    },
  };
}

/** A descriptor was closed: all fcntl(2) locks that its process has on the file go. */
export async function flush(volume: Volume, request: Flush): Promise<Answer> {
  const { node } = volume.handles.get(request.handle);
  for (const handle of node.handles) await unlock(volume, handle, request.lockOwner);
  return DONE;
}

/**
 * The open file goes, and with it its flock(2), and the fcntl(2) locks of who only read: his descriptors are not flushed
 * (see `opening.ts`). So he has such a lock until all descriptors of that opening are closed, also those of his
 * children, and other openings of the file matter not.
 */
export async function unlockReleased(volume: Volume, request: Release): Promise<void> {
  const handle = volume.handles.get(request.handle);
  for (const owner of owners.get(handle)?.keys() ?? []) await unlock(volume, handle, owner);
}

async function unlock(volume: Volume, handle: Handle, owner: Uint64): Promise<void> {
  const procId = owners.get(handle)?.get(owner);
  if (procId === undefined) return;
  owners.get(handle)?.delete(owner);
  const clientId = clientIdOf(volume, owner);
  const range = { lockType: LockType.UNLCK, start: 0, length: 0, procId, clientId };
  await volume.remote.lock(handle.fid, range, {});
}

function remember(handle: Handle, owner: Uint64, procId: number): void {
  let known = owners.get(handle);
  if (!known) {
    known = new Map();
    owners.set(handle, known);
  }
  if (!known.has(owner)) known.set(owner, procId);
}

function rangeOf(volume: Volume, handle: Handle, request: Getlk | Setlk | Setlkw): linux.LockRange {
  const { lock, owner, flags } = request;
  const whole = (flags & LockFlag.FLOCK) !== 0 || BigInt(lock.end) >= LOCK_TO_END;
  const start = flags & LockFlag.FLOCK ? 0 : lock.start;
  const length = whole ? 0n : BigInt(lock.end) - BigInt(start) + 1n;
  return {
    lockType: lock.type,
    start,
    length: length <= Number.MAX_SAFE_INTEGER ? Number(length) : length,
    // Threads, and children that share descriptors, are one owner to the kernel: its first process stands for all.
    procId: knownProcess(handle, owner) ?? lock.pid,
    clientId: clientIdOf(volume, owner),
  };
}

function knownProcess(handle: Handle, owner: Uint64): number | undefined {
  for (const other of handle.node.handles) {
    const process = owners.get(other)?.get(owner);
    if (process !== undefined) return process;
  }
  return undefined;
}

function clientIdOf({ clientId }: Volume, owner: Uint64): string {
  return `${clientId}-${owner.toString(16)}`;
}

/** Of a holder elsewhere the process means nothing here: fcntl(2) tells those as -1. */
function foundLock(volume: Volume, found: linux.LockRange): FuseLock {
  const { lockType, start, length, procId, clientId } = found;
  const end = length === 0 ? LOCK_TO_END : BigInt(start) + BigInt(length) - 1n;
  const pid = clientId.startsWith(`${volume.clientId}-`) ? procId : 0;
  return { start, end, type: lockType, pid };
}

function free(lock: FuseLock): FuseLock {
  return { ...lock, type: FuseLockType.UNLOCK };
}
