/** Opening, reading and writing files. */
import { setMaxListeners } from 'node:events';
import { Errno, FileMode, LinuxOpen, NinePError, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { errnoOf } from '../errors.js';
import { openFlags } from '../open-flags.js';
import { OpenReplyFlag, SyncFlag } from '../protocol/constants.js';
import { openReply, sizeReply } from '../protocol/replies.js';
import type { Create, Fsync, Open, Read, Release, Write } from '../protocol/requests.js';
import type { RemoteFile } from '../remote/remote.js';
import type { Handle } from '../tree/handles.js';
import type { Node } from '../tree/node.js';
import { AHEAD_BYTES, type Ahead, type Part } from '../tree/read-ahead.js';
import { type Answer, DONE, type Volume } from '../volume.js';

export async function open(volume: Volume, request: Open, signal: AbortSignal): Promise<Answer> {
  const node = volume.nodes.get(request.node);
  const flags = openFlags(request.flags);
  const { moment } = volume.changes;
  const { fid, file, direct, parts } =
    (await ahead(volume, node, flags)) ?? (await opened(volume, request, flags, signal));
  const unchanged = node.told(file);
  volume.believe(node, file, moment);
  const cacheable = volume.cache.validate ? unchanged : true;
  // What the kernel knows of the size may be a moment old: reads go by it.
  if (!unchanged && volume.cache.validate) volume.forgetAttributes(node);
  const pastCache = direct || tellsNoSize(volume, file, flags);
  const kept = pastCache ? undefined : keptOf(volume, node, file, parts);
  const handle = volume.handles.add(node, fid, { direct: pastCache, ahead: kept });
  return {
    body: [openReply(handle.id, replyFlags(pastCache, cacheable))],
    refused: () => volume.handles.close(handle),
  };
}

/** Makes a file and opens it; without O_EXCL, opens it if it is there. */
export async function create(
  volume: Volume,
  request: Create,
  signal: AbortSignal,
): Promise<Answer> {
  const { nodes, pipeline, remote } = volume;
  const parent = nodes.get(request.node);
  const gid = volume.owners.groupOfNew(request.gid);
  const { flags } = kernelsOwn(volume, openFlags(request.flags));
  const mode = request.mode & (FileMode.PERMISSIONS | 0o7000);
  const [fid, file] = await nodes.use(parent, (directory) =>
    pipeline.walk(
      directory,
      undefined,
      async (fid) => {
        const made = () => remote.create(fid, request.name, flags, mode, gid, { signal });
        const [, file] = await pipeline.run(made, () => remote.getattr(fid, { signal }));
        // An answer that overtook the creation tells of the directory.
        return file.qid.path === fid.qid.path ? file : remote.getattr(fid, { signal });
      },
      { signal },
    ),
  );
  const node = nodes.found(parent, request.name, file);
  const handle = volume.handles.add(node, fid);
  const entry = volume.entryAnswer(node, file, [openReply(handle.id, 0)]);
  return {
    body: entry.body,
    refused: () => {
      volume.handles.close(handle);
      entry.refused?.();
    },
  };
}

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
  volume.handles.close(volume.handles.get(request.handle));
  return DONE;
}

/** A file just opened. */
interface Opened {
  readonly fid: Fid;
  readonly file: RemoteFile;
  /** Past the page cache. */
  readonly direct: boolean;
  /** What was read along. */
  readonly parts: readonly Part[];
}

/** What was opened before the kernel asked, for who only wants to read. */
async function ahead(volume: Volume, node: Node, flags: number): Promise<Opened | undefined> {
  const reads = (flags & LinuxOpen.ACCESS_MASK) === LinuxOpen.RDONLY && !(flags & LinuxOpen.TRUNC);
  const seen = reads ? await volume.openedAhead(node) : undefined;
  return seen && { ...seen, direct: false };
}

/** A second fid of the file, opened, and what the server tells of it; all in one round trip. */
async function opened(
  volume: Volume,
  { node: id }: Open,
  asked: number,
  signal: AbortSignal,
): Promise<Opened> {
  const { nodes, pipeline, remote } = volume;
  const node = nodes.get(id);
  const bytes = bytesAhead(volume, node, asked);
  const attempt = async (flags: number, direct: boolean): Promise<Opened> => {
    const tell = async (fid: Fid) => {
      const asked = [
        remote.getattr(fid, { signal }),
        bytes > 0 ? fid.readPieces(0, Math.min(bytes, fid.chunk), { signal }) : undefined,
      ] as const;
      const [file, start] = await Promise.allSettled(asked);
      if (file.status === 'rejected') throw file.reason;
      const pieces = start.status === 'fulfilled' ? start.value : undefined;
      return { file: file.value, parts: pieces ? [{ offset: 0, pieces }] : [] };
    };
    const [fid, told] = await nodes.useThere(node, (file) =>
      pipeline.walk(
        file,
        undefined,
        async (fid) => {
          const open = () => remote.open(fid, flags, { signal });
          const [, told] = await pipeline.run(open, () => tell(fid));
          return told;
        },
        { signal },
      ),
    );
    return { fid, ...told, direct };
  };
  const { flags, widened } = kernelsOwn(volume, asked);
  try {
    return await attempt(flags, false);
  } catch (error) {
    if (!widened || errnoOf(error) !== Errno.EACCES) throw error;
    // A file that may be written and not read: the kernel cannot fill pages of it.
    return attempt(asked & ~LinuxOpen.APPEND, true);
  }
}

/** How much of a file to read when it is opened: nothing of one whose contents the kernel may have. */
function bytesAhead({ ahead, remote }: Volume, node: Node, flags: number): number {
  const reads = (flags & LinuxOpen.ACCESS_MASK) === LinuxOpen.RDONLY && !(flags & LinuxOpen.TRUNC);
  // Where reading has effects (9P2000 serves more than files on disks), only those who want to read may.
  if (!reads || !remote.locks || node.primed || !ahead.hasRoom) return 0;
  return Math.min(node.size, AHEAD_BYTES);
}

function keptOf(
  volume: Volume,
  node: Node,
  file: RemoteFile,
  parts: readonly Part[],
): Ahead | undefined {
  // Changed meanwhile, what was read may be older than what was told, or newer.
  const { believed } = node;
  if (parts.length === 0 || believed?.file !== file) return undefined;
  node.primed = true;
  return volume.ahead.keep(parts, node.size, believed.moment);
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

/** A kernel that writes back late reads what a write covers in part, and finds the end of the file itself. */
function kernelsOwn({ cache }: Volume, flags: number): { flags: number; widened: boolean } {
  if (!cache.writeBack) return { flags, widened: false };
  const widened = (flags & LinuxOpen.ACCESS_MASK) === LinuxOpen.WRONLY;
  const access = widened ? LinuxOpen.RDWR : flags & LinuxOpen.ACCESS_MASK;
  return { flags: (flags & ~(LinuxOpen.ACCESS_MASK | LinuxOpen.APPEND)) | access, widened };
}

/**
 * Files whose contents are made when they are read say that they are empty, and the kernel would believe it. Where
 * sizes are real (9P2000.L) an empty file that is written is left to the page cache: mmap(2) wants that.
 */
function tellsNoSize({ remote }: Volume, file: RemoteFile, flags: number): boolean {
  if (file.attributes.size !== 0 || flags & LinuxOpen.TRUNC) return false;
  return !remote.locks || (flags & LinuxOpen.ACCESS_MASK) === LinuxOpen.RDONLY;
}

function replyFlags(direct: boolean, unchanged: boolean): number {
  return (direct ? OpenReplyFlag.DIRECT_IO : 0) | (unchanged ? OpenReplyFlag.KEEP_CACHE : 0);
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
