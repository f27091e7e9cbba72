import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  opendirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { O_PATH } from './beneath.js';

/** Entries removed before other work gets its turn. */
const SLICE = 64;
/** A process that is still there may go on making files: try again, but not for ever. */
const ATTEMPTS = 5;

/** Earlier runs of the daemon may have left some in the same place. */
const UNIQUE = randomBytes(8).toString('hex');
let number = 0;

/**
 * Removes a directory that a user could write to, never following a link of his. Directories inside are moved
 * to `trash` and removed from there, so that no depth of nesting takes more than one descriptor.
 * @param trash a directory of the daemon's own on the same file system
 */
export async function removeTree(path: string, trash: string): Promise<void> {
  const queue: string[] = [];
  if (!moveTo(path, trash, queue)) return;
  for (let at = 0; at < queue.length; at++) {
    const directory = queue[at]!;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await empty(directory, trash, queue);
      if (removed(directory)) break;
    }
  }
}

async function empty(directory: string, trash: string, queue: string[]): Promise<void> {
  let fd: number;
  try {
    fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return;
  }
  try {
    const place = `/proc/self/fd/${fd}`;
    const entries = opendirSync(place, { encoding: 'buffer' as BufferEncoding });
    try {
      let index = 0;
      for (let entry = entries.readSync(); entry; entry = entries.readSync()) {
        if (++index % SLICE === 0) await nextTurn();
        // A user's names need not be text.
        const name = entry.name as unknown as Buffer;
        removeEntry(Buffer.concat([Buffer.from(`${place}/`), name]), trash, queue);
      }
    } finally {
      entries.closeSync();
    }
  } catch {
    // What cannot be removed stays for the next start of the daemon.
  } finally {
    closeSync(fd);
  }
}

function removeEntry(path: Buffer, trash: string, queue: string[]): void {
  try {
    if (lstatSync(path).isDirectory()) moveTo(path, trash, queue);
    else unlinkSync(path);
  } catch {
    // Gone meanwhile.
  }
}

function moveTo(path: string | Buffer, trash: string, queue: string[]): boolean {
  const moved = join(trash, `${UNIQUE}.${number++}`);
  if (process.geteuid?.() !== 0) unlock(path);
  try {
    renameSync(path, moved);
    queue.push(moved);
    return true;
  } catch {
    return false;
  }
}

/** The bits that a user gave his directory keep a daemon that is not root from moving it, and from reading it. */
function unlock(path: string | Buffer): void {
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return;
  }
  try {
    chmodSync(`/proc/self/fd/${fd}`, 0o700);
  } catch {
    // Not ours, then: moving it will tell.
  } finally {
    closeSync(fd);
  }
}

function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') return false;
    unlinkSync(directory);
    return true;
  }
}
