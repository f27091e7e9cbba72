/** The requests that only 9P2000.L has, one function each; on a connection of another dialect they fail (EOPNOTSUPP). */
import { type DirectoryEntry, decodeDirents } from '../codec/dirent.js';
import { bytesToName } from '../codec/strings.js';
import { MessageType, NONUNAME } from '../constants.js';
import {
  GetattrMask,
  LinuxOpen,
  LockStatus,
  LockType,
  SetattrMask,
  XattrFlag,
} from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { MAX_XATTR_BYTES } from '../limits.js';
import type { LinuxTMessage } from '../messages.js';
import type { Attributes, FileSystemStatistics, Qid, Uint64 } from '../types.js';
import { Fid, type RequestOptions } from './fid.js';
import type { ReplyTo, Unsent } from './replies.js';

/** Opens what the fid names; `flags` are bits of LinuxOpen. */
export async function lopen(fid: Fid, flags: number, options: RequestOptions = {}): Promise<Fid> {
  const { qid, iounit } = await send(fid, { type: MessageType.Tlopen, flags }, options);
  fid.qid = qid;
  fid.iounit = iounit;
  return fid;
}

/** Who gets what is made; without a group it is the server's choice. */
export interface GroupOptions extends RequestOptions {
  readonly gid?: number;
}

/**
 * Makes a regular file in the directory and opens it; the fid then is the new file. `flags` are bits of LinuxOpen:
 * without EXCL a file that exists is opened. `mode` is permissions, see FileMode.
 */
export async function lcreate(
  fid: Fid,
  name: string,
  flags: number,
  mode: number,
  options: GroupOptions = {},
): Promise<Fid> {
  const type = MessageType.Tlcreate;
  const request = { type, name, flags: flags | LinuxOpen.CREATE, mode, gid: groupOf(options) };
  const { qid, iounit } = await send(fid, request, options);
  fid.qid = qid;
  fid.iounit = iounit;
  return fid;
}

/** Makes a directory in the directory. */
export async function mkdir(
  fid: Fid,
  name: string,
  mode: number,
  options: GroupOptions = {},
): Promise<Qid> {
  const type = MessageType.Tmkdir;
  return (await send(fid, { type, name, mode, gid: groupOf(options) }, options)).qid;
}

/** Makes a symbolic link in the directory. */
export async function symlink(
  fid: Fid,
  name: string,
  target: string,
  options: GroupOptions = {},
): Promise<Qid> {
  const type = MessageType.Tsymlink;
  return (await send(fid, { type, name, target, gid: groupOf(options) }, options)).qid;
}

/** Makes a device, a pipe or a socket in the directory; `mode` tells which, see FileMode. */
export async function mknod(
  fid: Fid,
  name: string,
  mode: number,
  options: GroupOptions & { readonly major?: number; readonly minor?: number } = {},
): Promise<Qid> {
  const { major = 0, minor = 0 } = options;
  const type = MessageType.Tmknod;
  return (await send(fid, { type, name, mode, major, minor, gid: groupOf(options) }, options)).qid;
}

/** Makes `name` in the directory one more name of `file`. */
export async function link(
  directory: Fid,
  file: Fid,
  name: string,
  options: RequestOptions = {},
): Promise<void> {
  checkDialect(directory);
  const request = {
    type: MessageType.Tlink,
    dfid: directory.number,
    fid: file.number,
    name,
  } as const;
  await directory.client.request(request, options.signal);
}

/** Where the symbolic link leads. */
export async function readlink(fid: Fid, options: RequestOptions = {}): Promise<string> {
  return (await send(fid, { type: MessageType.Treadlink }, options)).target;
}

/** Moves the file to `name` in `directory`, replacing what is there. The fid follows. */
export async function rename(
  fid: Fid,
  directory: Fid,
  name: string,
  options: RequestOptions = {},
): Promise<void> {
  await send(fid, { type: MessageType.Trename, dfid: directory.number, name }, options);
}

/** Moves `oldName` in one directory to `newName` in another. */
export async function renameat(
  oldDirectory: Fid,
  oldName: string,
  newDirectory: Fid,
  newName: string,
  options: RequestOptions = {},
): Promise<void> {
  checkDialect(oldDirectory);
  const request = {
    type: MessageType.Trenameat,
    olddirfid: oldDirectory.number,
    oldname: oldName,
    newdirfid: newDirectory.number,
    newname: newName,
  } as const;
  await oldDirectory.client.request(request, options.signal);
}

/** Takes `name` out of the directory; `flags` is AT_REMOVEDIR where it names a directory. */
export async function unlinkat(
  directory: Fid,
  name: string,
  flags = 0,
  options: RequestOptions = {},
): Promise<void> {
  checkDialect(directory);
  const request = { type: MessageType.Tunlinkat, dirfid: directory.number, name, flags } as const;
  await directory.client.request(request, options.signal);
}

/** What stat(2) tells; `valid` says which of the attributes mean something (GetattrMask). */
export async function getattr(
  fid: Fid,
  options: RequestOptions & { readonly mask?: number } = {},
): Promise<{ valid: Uint64; qid: Qid; attributes: Attributes }> {
  const { mask = GetattrMask.BASIC } = options;
  return send(fid, { type: MessageType.Tgetattr, requestMask: mask }, options);
}

/** A moment to set: seconds since 1970 and nanoseconds beyond, or the server's present time. */
export type SetTime = { readonly sec: Uint64; readonly nsec: number } | 'now';

/** What to change; fields left out stay as they are. */
export interface SetattrChanges {
  /** Permissions and the set-id and sticky bits, see FileMode. */
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** In bytes. */
  readonly size?: Uint64 | undefined;
  readonly atime?: SetTime | undefined;
  readonly mtime?: SetTime | undefined;
}

/** chmod, chown, truncate and utimensat in one. */
export async function setattr(
  fid: Fid,
  changes: SetattrChanges,
  options: RequestOptions = {},
): Promise<void> {
  const { mode = 0, uid = NONUNAME, gid = NONUNAME, size = 0, atime, mtime } = changes;
  let valid = 0;
  if (changes.mode !== undefined) valid |= SetattrMask.MODE;
  if (changes.uid !== undefined) valid |= SetattrMask.UID;
  if (changes.gid !== undefined) valid |= SetattrMask.GID;
  if (changes.size !== undefined) valid |= SetattrMask.SIZE;
  if (atime) valid |= SetattrMask.ATIME | (atime === 'now' ? 0 : SetattrMask.ATIME_SET);
  if (mtime) valid |= SetattrMask.MTIME | (mtime === 'now' ? 0 : SetattrMask.MTIME_SET);
  const [read, changed] = [momentOf(atime), momentOf(mtime)];
  const request = {
    type: MessageType.Tsetattr,
    valid,
    mode,
    uid,
    gid,
    size,
    atimeSec: read.sec,
    atimeNsec: read.nsec,
    mtimeSec: changed.sec,
    mtimeNsec: changed.nsec,
  };
  await send(fid, request, options);
}

/**
 * Entries of an open directory, at most `count` bytes of them: those behind the entry with that offset, from the
 * beginning for 0. None at the end.
 * @throws NinePError (protocol) if the answer is not whole entries, or would lead nowhere when asked on
 */
export async function readdir(
  fid: Fid,
  offset: Uint64,
  count: number,
  options: RequestOptions = {},
): Promise<DirectoryEntry[]> {
  const { data } = await send(fid, { type: MessageType.Treaddir, offset, count }, options);
  if (data.length > count) throw protocolError('server answers more data than asked for');
  const entries = decodeDirents(data, { strings: 'bytes' });
  const last = entries.at(-1);
  if (last && (last.offset === offset || last.offset === 0)) {
    throw protocolError('server answers directory entries that lead back to where they began');
  }
  return entries;
}

/** Waits until what was written is on the server's disk. */
export async function fsync(
  fid: Fid,
  options: RequestOptions & { readonly dataOnly?: boolean } = {},
): Promise<void> {
  await send(fid, { type: MessageType.Tfsync, datasync: options.dataOnly ? 1 : 0 }, options);
}

/** A lock of a range of bytes: fcntl(2). */
export interface LockRange {
  /** One of LockType. */
  readonly lockType: number;
  readonly start: Uint64;
  /** 0 reaches to the end of the file, however far that will be. */
  readonly length: Uint64;
  /** With clientId: whose lock it is. */
  readonly procId: number;
  readonly clientId: string;
}

/**
 * Takes or gives back an advisory lock, at once.
 * @throws NinePError (EAGAIN) where another's lock is in the way, (ENOLCK) where the server has none to give
 */
export async function lock(
  fid: Fid,
  range: LockRange,
  options: RequestOptions = {},
): Promise<void> {
  const { status } = await send(fid, { type: MessageType.Tlock, flags: 0, ...range }, options);
  if (status === LockStatus.SUCCESS) return;
  if (status === LockStatus.BLOCKED) {
    throw new NinePError('another lock is in the way', Errno.EAGAIN);
  }
  throw new NinePError('server gives no lock', Errno.ENOLCK);
}

/** The lock that is in the way of this one, undefined where none is. */
export async function getlock(
  fid: Fid,
  range: LockRange,
  options: RequestOptions = {},
): Promise<LockRange | undefined> {
  const found = await send(fid, { type: MessageType.Tgetlock, ...range }, options);
  if (found.lockType === LockType.UNLCK) return undefined;
  const { lockType, start, length, procId, clientId } = found;
  return { lockType, start, length, procId, clientId };
}

/** What statfs(2) tells of the file system that the file is in. */
export async function statfs(
  fid: Fid,
  options: RequestOptions = {},
): Promise<FileSystemStatistics> {
  return (await send(fid, { type: MessageType.Tstatfs }, options)).statistics;
}

/** A new fid from which an extended attribute is read (their names, for an empty name), and how long it is. */
export async function xattrwalk(
  fid: Fid,
  name: string,
  options: RequestOptions = {},
): Promise<{ fid: Fid; size: Uint64 }> {
  checkDialect(fid);
  const { client } = fid;
  const attribute = new Fid(client, client.takeFid());
  const type = MessageType.Txattrwalk;
  const request = { type, fid: fid.number, newfid: attribute.number, name } as const;
  try {
    const { size } = await client.request(request, options.signal);
    attribute.qid = fid.qid;
    return { fid: attribute, size };
  } catch (error) {
    client.freeFid(attribute.number);
    throw error;
  }
}

/** Makes the fid an extended attribute to be written, `size` bytes long; it takes effect when the fid is clunked. */
export async function xattrcreate(
  fid: Fid,
  name: string,
  size: number,
  flags = 0,
  options: RequestOptions = {},
): Promise<void> {
  await send(fid, { type: MessageType.Txattrcreate, name, size, flags }, options);
}

/**
 * The value of an extended attribute.
 * @throws NinePError (ENODATA) if there is none of that name, (E2BIG) if it is longer than Linux allows
 */
export async function getXattr(
  fid: Fid,
  name: string,
  options: RequestOptions = {},
): Promise<Buffer> {
  if (name === '') throw new NinePError('an attribute needs a name', Errno.EINVAL);
  return readXattr(fid, name, options);
}

/** The names of all extended attributes. */
export async function listXattrs(fid: Fid, options: RequestOptions = {}): Promise<string[]> {
  const list = await readXattr(fid, '', options);
  return bytesToName(list).split('\0').filter(Boolean);
}

/** Sets an extended attribute; `flags` are bits of XattrFlag. */
export async function setXattr(
  fid: Fid,
  name: string,
  value: Uint8Array,
  options: RequestOptions & { readonly flags?: number } = {},
): Promise<void> {
  const attribute = await fid.walk([], options);
  try {
    await xattrcreate(attribute, name, value.length, options.flags, options);
    if (value.length > 0) await attribute.writeAll(value, { ...options, inFlight: 1 });
  } catch (error) {
    await attribute.clunk().catch(() => {});
    throw error;
  }
  // The server tells here whether it took the attribute.
  await attribute.clunk();
}

/** Removes an extended attribute: what setting it to nothing means in this protocol. */
export function removeXattr(fid: Fid, name: string, options: RequestOptions = {}): Promise<void> {
  return setXattr(fid, name, new Uint8Array(0), { ...options, flags: XattrFlag.REPLACE });
}

async function readXattr(fid: Fid, name: string, options: RequestOptions): Promise<Buffer> {
  const { fid: attribute, size } = await xattrwalk(fid, name, options);
  try {
    if (size > MAX_XATTR_BYTES) {
      throw new NinePError(`attribute longer than ${MAX_XATTR_BYTES} bytes`, Errno.E2BIG);
    }
    return await attribute.readAll({ ...options, limit: Number(size) });
  } finally {
    await attribute.clunk().catch(() => {});
  }
}

type FidRequest = Extract<LinuxTMessage, { readonly fid: number }>;
type WithoutFid<M> = M extends FidRequest ? Omit<M, 'tag' | 'fid'> : never;

function send<M extends WithoutFid<FidRequest>>(
  fid: Fid,
  fields: M,
  { signal }: RequestOptions,
): Promise<ReplyTo<M['type']>> {
  checkDialect(fid);
  const request = { ...fields, fid: fid.number } as unknown as Unsent<FidRequest>;
  return fid.client.request(request, signal) as Promise<ReplyTo<M['type']>>;
}

function checkDialect(fid: Fid): void {
  const { dialect } = fid.client;
  if (dialect !== '9P2000.L') {
    throw new NinePError(`${dialect} has no such request`, Errno.EOPNOTSUPP);
  }
}

function groupOf({ gid = NONUNAME }: GroupOptions): number {
  return gid;
}

function momentOf(time: SetTime | undefined): { sec: Uint64; nsec: number } {
  return time === undefined || time === 'now' ? { sec: 0, nsec: 0 } : time;
}
