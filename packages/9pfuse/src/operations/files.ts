/** Reading and writing files that are open, and closing them. */
import { setMaxListeners } from 'node:events';
import { Errno, NinePError, type Uint64 } from '@xcpu/9p-protocol';
import { SyncFlag } from '../protocol/constants.js';
import { sizeReply } from '../protocol/replies.js';
import type { Fsync, Read, Release, Write } from '../protocol/requests.js';
import type { Handle } from '../tree/handles.js';
import { type Answer, DONE, type Volume } from '../volume.js';

export async function read(volume: Volume, request: Read, signal: AbortSignal): Promise<Answer> {
  const handle = volume.handles.get(request.handle);
  const offset = counted(request.offset);
  volume.watchRead(handle.node, { offset, size: request.size });
  const known = takeAhead(volume, handle, offset, request.size);
  if (known) return { body: gathered(known) };
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < request.size) {
    const part = await readPart(handle, offset + length, request.size - length, signal);
    if (part.length === 0) break;
    for (const piece of part.pieces) pieces.push(piece);
    length += part.length;
    // To the kernel a short answer is the end of the file, to 9P it is not.
    if (handle.direct || (part.isShort && offset + length >= handle.node.size)) break;
  }
  return { body: gathered(pieces) };
}

export async function write(volume: Volume, request: Write, signal: AbortSignal) {
  const handle = volume.handles.get(request.handle);
  const { fid, node } = handle;
  const { data } = request;
  const offset = counted(request.offset);
  let done = 0;
  while (done < data.length) {
    try {
      const piece = data.subarray(done, done + fid.chunk);
      const count = await fid.write(offset + done, piece, { signal });
      if (count === 0) throw new NinePError('server takes no more data', Errno.ENOSPC);
      done += count;
    } catch (error) {
      if (done === 0) throw error;
      break;
    }
  }
  node.size = Math.max(node.size, offset + done);
  return { body: [sizeReply(done)] };
}

export async function fsync(volume: Volume, request: Fsync, signal: AbortSignal) {
  const { fid } = volume.handles.get(request.handle);
  await volume.remote.sync(fid, (request.flags & SyncFlag.DATA_ONLY) !== 0, { signal });
  return DONE;
}

export function release(volume: Volume, request: Pick<Release, 'handle'>): Answer {
  const handle = volume.handles.get(request.handle);
  const { starting } = volume;
  if (handle.reads && starting > 0) {
    volume.handles.close(handle, (fid) => volume.spares.keep(handle.node, fid, starting));
  } else {
    volume.handles.close(handle);
  }
  return DONE;
}

function takeAhead(
  { changes }: Volume,
  { ahead }: Handle,
  offset: number,
  size: number,
): readonly Uint8Array[] | undefined {
  if (!ahead) return undefined;
  if (ahead.moment === changes.moment) return ahead.take(offset, size);
  ahead.drop();
  return undefined;
}

interface Answered {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
  readonly isShort: boolean;
}

/** As much as the server answers at once: in one request if it takes as large ones, else in several side by side. */
async function readPart(
  { fid }: Handle,
  offset: number,
  size: number,
  signal: AbortSignal,
): Promise<Answered> {
  const { chunk } = fid;
  if (size <= chunk) return partOf([await fid.readPieces(offset, size, { signal })], chunk, size);
  setMaxListeners(0, signal);
  const reads: Promise<readonly Uint8Array[]>[] = [];
  for (let at = 0; at < size; at += chunk) {
    reads.push(fid.readPieces(offset + at, Math.min(chunk, size - at), { signal }));
  }
  const settled = await Promise.allSettled(reads);
  const answers: (readonly Uint8Array[])[] = [];
  for (const answer of settled) {
    if (answer.status === 'fulfilled') answers.push(answer.value);
    else if (answers.length === 0) throw answer.reason;
    else break;
  }
  return partOf(answers, chunk, size);
}

/** What of the answers to requests for `chunk` bytes each follows without a gap. */
function partOf(
  answers: readonly (readonly Uint8Array[])[],
  chunk: number,
  size: number,
): Answered {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (const answer of answers) {
    const before = length;
    for (const piece of answer) {
      if (piece.length > 0) pieces.push(piece);
      length += piece.length;
    }
    if (length - before < Math.min(chunk, size - before)) break;
  }
  return { pieces, length, isShort: length < size };
}

/** writev(2) takes 1024 pieces at most. */
function gathered(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  return pieces.length < 1000 ? pieces : [Buffer.concat(pieces)];
}

/** @throws NinePError (EFBIG) beyond what JavaScript counts exactly */
function counted(offset: Uint64): number {
  if (typeof offset === 'number') return offset;
  throw new NinePError('offset beyond 2^53', Errno.EFBIG);
}
