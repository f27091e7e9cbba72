import { open } from 'node:fs/promises';

/** How long a process has to show its memory, in milliseconds: it takes some microseconds. */
const PATIENCE_MS = 250;
/** Reads under way that may come to no end: each takes one of the four threads of Node's pool. */
const MAX_STUCK = 2;
/** Bytes read at a time: the kernel shows no more than a page of some files. */
const PIECE = 16 * 1024;

let stuck = 0;

/**
 * Reads what /proc shows out of a process's memory: `cmdline`, `environ`. The kernel has such a reader wait while the
 * process maps memory, and a user can see to it that this takes for ever: by a file of a server that does not answer. So
 * it is done off the loop, and given up.
 * @param most bytes that are read
 * @returns undefined if the process does not show it now
 * @throws Node's system error, where the process is gone for example
 */
export async function readProcessMemory(
  pid: number,
  file: 'cmdline' | 'environ',
  most: number,
): Promise<Buffer | undefined> {
  if (stuck >= MAX_STUCK) return undefined;
  const reading = contents(`/proc/${pid}/${file}`, most);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      stuck++;
      const freed = () => {
        stuck--;
      };
      reading.then(freed, freed);
      resolve(undefined);
    }, PATIENCE_MS).unref();
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function contents(path: string, most: number): Promise<Buffer> {
  await using file = await open(path);
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < most) {
    const piece = Buffer.allocUnsafe(Math.min(most - length, PIECE));
    const { bytesRead } = await file.read(piece, 0, piece.length, length);
    if (bytesRead === 0) break;
    pieces.push(piece.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(pieces);
}
