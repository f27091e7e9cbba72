/** Opening and making files. */
import { Errno, FileMode, LinuxOpen } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { errnoOf } from '../errors.js';
import { openFlags } from '../open-flags.js';
import { OpenReplyFlag, PAGE_SIZE } from '../protocol/constants.js';
import { openReply } from '../protocol/replies.js';
import type { Create, Open } from '../protocol/requests.js';
import type { RemoteFile } from '../remote/remote.js';
import { letGo, type OpenedAhead } from '../tree/foreseen.js';
import type { Node } from '../tree/node.js';
import { AHEAD_BYTES, type Ahead, bytesIn, type Part } from '../tree/read-ahead.js';
import { GOOD_MS, type Opening } from '../tree/reading-order.js';
import type { Answer, Volume } from '../volume.js';

export async function open(volume: Volume, request: Open, signal: AbortSignal): Promise<Answer> {
  const node = volume.nodes.get(request.node);
  const flags = openFlags(request.flags);
  const { moment } = volume.changes;
  const spare = openedBefore(volume, node, flags);
  if (spare) return spare;
  const { fid, file, direct, parts } =
    (await ahead(volume, node, flags)) ?? (await opened(volume, node, flags, signal));
  const unchanged = node.told(file);
  volume.believe(node, file, moment);
  const cacheable = volume.cache.validate ? unchanged : true;
  // What the kernel knows of the size may be a moment old: reads go by it.
  if (!unchanged && volume.cache.validate) volume.kernel.forgetAttributes(node);
  const pastCache = direct || tellsNoSize(volume, file, flags);
  const stored = !pastCache && cacheable && store(volume, node, file, parts);
  const kept = pastCache || stored ? undefined : keptOf(volume, node, file, parts);
  const reads = onlyReads(flags);
  const handle = volume.handles.add(node, fid, {
    direct: pastCache,
    ahead: kept,
    reads: reads && !pastCache,
  });
  return {
    body: [openReply(handle.id, replyFlags(pastCache, cacheable, reads))],
    refused: () => volume.handles.close(handle),
  };
}

/** Of a file that was open until just now, in a tree just mounted, nothing is asked again. */
function openedBefore(volume: Volume, node: Node, flags: number): Answer | undefined {
  if (!onlyReads(flags) || volume.starting === 0 || !volume.believed(node)) return undefined;
  const fid = volume.spares.take(node);
  // Nobody has a file whose server is gone.
  if (!fid || fid.client.closed) return undefined;
  const handle = volume.handles.add(node, fid, { reads: true });
  return {
    body: [openReply(handle.id, replyFlags(false, true, true))],
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
  if (!onlyReads(flags)) return undefined;
  const seen = (await volume.openedAhead(node)) ?? (await nextInOrder(volume, node));
  return seen && { ...seen, direct: false };
}

/** The same for one of many that are read in order. */
async function nextInOrder(volume: Volume, node: Node): Promise<OpenedAhead | undefined> {
  const seen = await volume.reading.take(node, (next) => openAhead(volume, next));
  if (!seen) return undefined;
  const { changes } = volume;
  const isGood = seen.moment === changes.moment && performance.now() - seen.at < GOOD_MS;
  if (isGood && seen.file.qid.path === node.qid.path) return seen;
  letGo(seen.fid);
  return undefined;
}

/** Whoever opens what cannot be opened is told why when he does. */
async function openAhead(volume: Volume, node: Node): Opening {
  const { moment } = volume.changes;
  // What is good for no time at all is not worth asking for.
  if (moment === undefined || volume.cache.attributes === 0) return undefined;
  if (bytesAhead(volume, node, LinuxOpen.RDONLY) === 0) return undefined;
  try {
    const at = performance.now();
    const { signal } = new AbortController();
    return { ...(await opened(volume, node, LinuxOpen.RDONLY, signal)), at, moment };
  } catch {
    return undefined;
  }
}

/** A second fid of the file, opened, and what the server tells of it; all in one round trip. */
async function opened(
  volume: Volume,
  node: Node,
  asked: number,
  signal: AbortSignal,
): Promise<Opened> {
  const { nodes, pipeline, remote } = volume;
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
  // Where reading has effects (9P2000 serves more than files on disks), only those who want to read may.
  if (!onlyReads(flags) || !remote.locks || node.primed || !ahead.hasRoom) return 0;
  return Math.min(node.size, AHEAD_BYTES);
}

/** What was read along goes into the page cache, which spares the kernel to ask; whether all of it did. */
function store(volume: Volume, node: Node, file: RemoteFile, parts: readonly Part[]): boolean {
  // Of what the kernel writes late, it may have newer contents.
  if (volume.cache.writeBack || node.isOpen || !isRight(node, file, parts)) return false;
  return parts.every((part) => {
    const { offset } = part;
    const size = bytesIn(part.pieces);
    // A page that is filled in part is asked for all the same, but for the last one of the file.
    if (offset % PAGE_SIZE !== 0 || (size % PAGE_SIZE !== 0 && offset + size !== node.size))
      return false;
    if (!volume.kernel.store(node, part)) return false;
    node.primed = true;
    volume.watchRead(node, { offset, size });
    return true;
  });
}

function keptOf(
  volume: Volume,
  node: Node,
  file: RemoteFile,
  parts: readonly Part[],
): Ahead | undefined {
  if (!isRight(node, file, parts)) return undefined;
  node.primed = true;
  return volume.ahead.keep(parts, node.size, node.believed.moment);
}

/** Changed meanwhile, what was read may be older than what was told, or newer. */
function isRight(
  node: Node,
  file: RemoteFile,
  parts: readonly Part[],
): node is Node & { readonly believed: NonNullable<Node['believed']> } {
  return parts.length > 0 && node.believed?.file === file;
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

/** @param reads nothing can be written: there is nothing to tell who closes it, and nothing that he waits for */
function replyFlags(direct: boolean, unchanged: boolean, reads: boolean): number {
  return (
    (direct ? OpenReplyFlag.DIRECT_IO : 0) |
    (unchanged ? OpenReplyFlag.KEEP_CACHE : 0) |
    (reads ? OpenReplyFlag.NOFLUSH : 0)
  );
}

function onlyReads(flags: number): boolean {
  return (flags & LinuxOpen.ACCESS_MASK) === LinuxOpen.RDONLY && !(flags & LinuxOpen.TRUNC);
}
