import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { Fid, RequestOptions } from './fid.js';

/** Requests of a bulk transfer under way at once: enough to hide a round trip, few enough to stay fair. */
const IN_FLIGHT = 4;

/** A file's bytes in order while the next reads are under way; ends at the first empty read. */
export async function* readRange(
  fid: Fid,
  options: RequestOptions & { start?: number; inFlight?: number },
): AsyncGenerator<Uint8Array> {
  const { start = 0, inFlight = IN_FLIGHT } = options;
  const count = fid.chunk;
  const reads: { offset: number; data: Promise<Uint8Array> }[] = [];
  let next = start;
  try {
    for (;;) {
      while (reads.length < inFlight) {
        const data = fid.read(next, count, options);
        // A read beyond the end of the transfer may fail with nobody left to care.
        data.catch(() => {});
        reads.push({ offset: next, data });
        next += count;
      }
      const read = reads.shift()!;
      let at = read.offset;
      let data = await read.data;
      // A short read is not the end of the file: ask for the rest of this piece before the next one counts.
      while (data.length > 0) {
        at += data.length;
        yield data;
        if (at === read.offset + count) break;
        data = await fid.read(at, read.offset + count - at, options);
      }
      if (at < read.offset + count) return;
    }
  } finally {
    await Promise.allSettled(reads.map((read) => read.data));
  }
}

/** Writes a buffer, several requests under way at once; a server that takes less is sent the rest again. */
export async function writeRange(
  fid: Fid,
  data: Uint8Array,
  options: RequestOptions & { offset?: number; inFlight?: number },
): Promise<void> {
  const { offset = 0, inFlight = IN_FLIGHT } = options;
  const count = fid.chunk;
  const writes: Promise<void>[] = [];
  try {
    for (let at = 0; at < data.length; at += count) {
      if (writes.length >= inFlight) await writes.shift();
      const piece = data.subarray(at, at + count);
      const write = writePiece(fid, offset + at, piece, options);
      write.catch(() => {});
      writes.push(write);
    }
    while (writes.length > 0) await writes.shift();
  } finally {
    await Promise.allSettled(writes);
  }
}

async function writePiece(
  fid: Fid,
  offset: number,
  piece: Uint8Array,
  options: RequestOptions,
): Promise<void> {
  let done = 0;
  while (done < piece.length) {
    const count = await fid.write(offset + done, piece.subarray(done), options);
    if (count === 0) throw new NinePError('server takes no more data', Errno.ENOSPC);
    done += count;
  }
}
