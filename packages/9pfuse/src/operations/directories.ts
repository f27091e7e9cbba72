/** Listing directories. */
import { setMaxListeners } from 'node:events';
import { type DirectoryEntry, FileMode, nameToBytes } from '@xcpu/9p-protocol';
import { Opcode } from '../protocol/constants.js';
import { ListingWriter } from '../protocol/listing.js';
import { type FuseEntry, openReply } from '../protocol/replies.js';
import type { Fsyncdir, Opendir, Readdir, Readdirplus, Releasedir } from '../protocol/requests.js';
import type { RemoteFile } from '../remote/remote.js';
import type { Node } from '../tree/node.js';
import { OpenDirectory } from '../tree/open-directory.js';
import { type Answer, DONE, type Volume } from '../volume.js';
import { mayList } from './access.js';

/** The longest name that the kernel takes: a longer one would cost it the whole listing. */
const MAX_NAME = 1024;
/** "No file to tell of": the kernel looks such a name up when it is wanted. */
const NO_ENTRY: FuseEntry = {
  node: 0,
  generation: 0,
  entryTimeout: 0,
  attributesTimeout: 0,
  attributes: undefined,
};

export async function opendir(
  volume: Volume,
  request: Opendir,
  signal: AbortSignal,
): Promise<Answer> {
  const node = volume.nodes.get(request.node);
  const directory = new OpenDirectory(node, volume);
  // Whoever may not is to be told now.
  if (!mayList(volume, node, request.uid)) await directory.open({ signal });
  const handle = volume.handles.addDirectory(node, directory);
  return {
    body: [openReply(handle.id, 0)],
    refused: () => volume.handles.close(handle),
  };
}

/** READDIR and READDIRPLUS: as many names as fit behind the one that the kernel has, with their files in the latter. */
export async function readdir(
  volume: Volume,
  request: Readdir | Readdirplus,
  signal: AbortSignal,
): Promise<Answer> {
  const { node, directory } = volume.handles.directory(request.handle);
  const plus = request.opcode === Opcode.READDIRPLUS;
  let { offset } = request;
  for (;;) {
    const entries = await directory.from(offset, { signal });
    const last = entries.at(-1);
    if (!last) return DONE;
    const some = fitting(entries, request.size, plus);
    const alone = request.offset === 0 && !volume.listings.wantsFiles;
    let answer: Answer;
    if (!plus) answer = { body: [listed(some, request.size)] };
    else if (alone) answer = withoutFiles(volume, node, some, request.size);
    else answer = await withFiles(volume, node, directory, some, request.size, signal);
    if (answer.body[0]!.length > 0) return answer;
    // All of these were names that the kernel would not take.
    offset = last.offset;
  }
}

export function release(volume: Volume, request: Releasedir): Answer {
  volume.handles.close(volume.handles.directory(request.handle));
  return DONE;
}

export async function fsyncdir(volume: Volume, request: Fsyncdir, signal: AbortSignal) {
  const { directory } = volume.handles.directory(request.handle);
  await volume.remote.sync(await directory.open({ signal }), false, { signal });
  return DONE;
}

/** Those of the names that have room, and that a kernel takes. */
function fitting(
  entries: readonly DirectoryEntry[],
  size: number,
  plus: boolean,
): DirectoryEntry[] {
  const room = new ListingWriter(size);
  const some: DirectoryEntry[] = [];
  for (const entry of entries) {
    if (!isName(entry.name)) continue;
    if (!room.add(direntOf(entry), plus ? NO_ENTRY : undefined)) break;
    some.push(entry);
  }
  return some;
}

/** @param file what READDIRPLUS tells of each; READDIR tells nothing */
function listed(entries: readonly DirectoryEntry[], size: number, file?: FuseEntry): Buffer {
  const listing = new ListingWriter(size);
  for (const entry of entries) listing.add(direntOf(entry), file);
  return listing.bytes;
}

/** The first names of READDIRPLUS, as long as programs look few of them up: see ListingHabit. */
function withoutFiles(
  volume: Volume,
  parent: Node,
  entries: readonly DirectoryEntry[],
  size: number,
): Answer {
  parent.listed = true;
  volume.listings.listed(entries.length);
  return { body: [listed(entries, size, NO_ENTRY)] };
}

async function withFiles(
  volume: Volume,
  parent: Node,
  directory: OpenDirectory,
  entries: readonly DirectoryEntry[],
  size: number,
  signal: AbortSignal,
): Promise<Answer> {
  setMaxListeners(0, signal);
  const found = await Promise.allSettled(
    entries.map(({ name }) => (isDot(name) ? undefined : volume.find(parent, name, signal))),
  );
  if (signal.aborted) {
    for (const outcome of found) {
      if (outcome.status === 'fulfilled' && outcome.value) volume.nodes.release(outcome.value.node);
    }
    throw signal.reason;
  }
  const listing = new ListingWriter(size);
  const told: Node[] = [];
  entries.forEach((entry, index) => {
    const outcome = found[index]!;
    const file = outcome.status === 'fulfilled' ? outcome.value : undefined;
    listing.add(direntOf(entry), file ? entryOf(volume, file) : NO_ENTRY);
    if (file) told.push(file.node);
  });
  for (const node of told) volume.nodes.refer(node);
  rememberOrder(directory, told);
  return {
    body: [listing.bytes],
    refused: () => {
      for (const node of told) volume.nodes.forget(node.id, 1);
    },
  };
}

/** What was listed before the first of them may have come with another answer. */
function rememberOrder(directory: OpenDirectory, told: readonly Node[]): void {
  for (const node of told) {
    if (node.kind !== FileMode.REGULAR) continue;
    if (directory.lastFile) directory.lastFile.follower = node;
    directory.lastFile = node;
  }
}

function entryOf(volume: Volume, { node, file }: { node: Node; file: RemoteFile }): FuseEntry {
  return volume.entry(node, file);
}

function direntOf({ qid, offset, type, name }: DirectoryEntry) {
  return { ino: qid.path, offset, type, name };
}

function isDot(name: string): boolean {
  return name === '.' || name === '..';
}

/** A server can send anything: one name that cannot be would hide all the others. */
function isName(name: string): boolean {
  return name !== '' && !/[/\0]/.test(name) && nameToBytes(name).length <= MAX_NAME;
}
