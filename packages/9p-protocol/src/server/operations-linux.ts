import { encodedLength } from '../codec/strings.js';
import { MessageType, ModeBit, NONUNAME, OpenMode, QidType } from '../constants.js';
import { FileMode, GetattrMask, LinuxOpen } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { RMessage } from '../messages.js';
import type {
  Tfsync,
  Tgetattr,
  Tlcreate,
  Tlopen,
  Tmkdir,
  Tmknod,
  Treaddir,
  Tsetattr,
  Tsymlink,
} from '../messages-linux.js';
import { plan9Permissions } from '../permissions.js';
import type { Attributes, Uint64 } from '../types.js';
import { attributeChanges, attributesOf, statChangesOf, unknownStatistics } from './attributes.js';
import { chain } from './awaitable.js';
import { checkClosed, directoryOf, type Fid, fileOf, openOf } from './fids.js';
import type { Awaitable, NewFile, ServerFile } from './files.js';
import type { FidKeeper } from './keeper.js';
import { ListingReader } from './listing.js';
import { durability, openMode } from './modes.js';
import { denied, invalid, isDirectory, notDirectory } from './refusals.js';
import { maxCount, type Reply } from './replies.js';
import type { Request } from './request.js';
import { checkName } from './walk.js';

const RSETATTR: RMessage = { type: MessageType.Rsetattr, tag: 0 };
const RFSYNC: RMessage = { type: MessageType.Rfsync, tag: 0 };
/** Bytes of an Rreadlink beside the target. */
const RREADLINK_SIZE = 9;

/** Tstatfs: statfs(2). */
export function statfs<User>(request: Request<User>, fid: Fid<User>): Awaitable<Reply> {
  const file = fileOf(fid);
  const told = file.statfs ? file.statfs(request) : unknownStatistics;
  return chain(told, (statistics) => ({ type: MessageType.Rstatfs, tag: 0, statistics }));
}

/** Tlopen: open(2). Clients follow links themselves: a link cannot be opened. */
export function lopen<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  { flags }: Tlopen,
): Awaitable<Reply> {
  const file = fileOf(fid);
  checkClosed(fid);
  const mode = openMode(flags);
  const { type } = file.qid;
  if (type & QidType.SYMLINK) throw new NinePError('is a symbolic link', Errno.ELOOP);
  if (type & QidType.DIR) {
    if ((mode & OpenMode.ACCESS_MASK) !== OpenMode.READ || mode & OpenMode.TRUNCATE) {
      throw isDirectory();
    }
  } else if (flags & LinuxOpen.DIRECTORY) {
    throw notDirectory();
  }
  if (!file.open) throw denied();
  return chain(file.open(mode, request), (open) => {
    keeper.opened(fid, open, mode);
    fid.durability = durability(flags);
    return { type: MessageType.Rlopen, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
  });
}

/** Tlcreate: open(2) with O_CREAT. */
export function lcreate<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Tlcreate,
): Awaitable<Reply> {
  const { name, flags, gid } = message;
  checkClosed(fid);
  const mode = openMode(flags);
  const perm = permOf(message.mode, FileMode.REGULAR);
  const exclusive = (flags & LinuxOpen.EXCL) !== 0;
  const directory = creatorOf(fid, name);
  const asked = { name, perm, mode, extension: '', exclusive, gid: groupOf(gid) };
  return chain(directory.create(asked, request), ({ file, open }) => {
    keeper.opened(fid, open, mode);
    fid.durability = durability(flags);
    keeper.bind(fid, file);
    return { type: MessageType.Rlcreate, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
  });
}

/** Tmkdir: mkdir(2). */
export function mkdir<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  { name, mode, gid }: Tmkdir,
): Awaitable<Reply> {
  const perm = (ModeBit.DIR | permOf(mode, FileMode.DIRECTORY)) >>> 0;
  return make(keeper, request, fid, MessageType.Rmkdir, name, perm, '', gid);
}

/** Tsymlink: symlink(2). */
export function symlink<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  { name, target, gid }: Tsymlink,
): Awaitable<Reply> {
  if (target === '') throw new NinePError('empty link', Errno.ENOENT);
  const perm = ModeBit.SYMLINK | FileMode.PERMISSIONS;
  return make(keeper, request, fid, MessageType.Rsymlink, name, perm, target, gid);
}

/** Tmknod: mknod(2). */
export function mknod<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Tmknod,
): Awaitable<Reply> {
  const { name, mode, major, minor, gid } = message;
  const kind = mode & FileMode.TYPE_MASK;
  const special = kindOf(kind);
  const perm = special | permOf(mode, kind);
  const letter = kind === FileMode.BLOCK_DEVICE ? 'b' : 'c';
  const extension = special === ModeBit.DEVICE ? `${letter} ${major} ${minor}` : '';
  return make(keeper, request, fid, MessageType.Rmknod, name, perm, extension, gid);
}

/** Treadlink: readlink(2). */
export function readlink<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
): Awaitable<Reply> {
  const file = fileOf(fid);
  if (!(file.qid.type & QidType.SYMLINK)) throw invalid('not a symbolic link');
  const { msize } = keeper.connection;
  const answer = (target: string | undefined): Reply => {
    if (!target) throw invalid('not a symbolic link');
    if (encodedLength(target) + RREADLINK_SIZE > msize) {
      throw new NinePError('link does not fit into msize', Errno.ENAMETOOLONG);
    }
    return { type: MessageType.Rreadlink, tag: 0, target };
  };
  if (file.readlink) return chain(file.readlink(request), answer);
  return chain(file.stat(request), ({ extension }) => answer(extension));
}

/** Tgetattr: stat(2). */
export function getattr<User>(
  request: Request<User>,
  fid: Fid<User>,
  { requestMask }: Tgetattr,
): Awaitable<Reply> {
  const file = fileOf(fid);
  if (!file.getattr) {
    return chain(file.stat(request), (stat) =>
      attributeReply(file, attributesOf(stat), requestMask),
    );
  }
  const told = file.getattr(request);
  if (told instanceof Promise) {
    return told.then((attributes) => attributeReply(file, attributes, requestMask));
  }
  return attributeReply(file, told, requestMask);
}

/** Tsetattr: chmod(2), chown(2), truncate(2), utimensat(2). */
export function setattr<User>(
  request: Request<User>,
  fid: Fid<User>,
  message: Tsetattr,
): Awaitable<Reply> {
  const file = fileOf(fid);
  const changes = attributeChanges(message);
  if (!changes) return RSETATTR;
  if (changes.size !== undefined && file.qid.type & QidType.DIR) throw isDirectory();
  if (!file.setattr && !file.wstat) throw denied();
  const changed = file.setattr
    ? file.setattr(changes, request)
    : file.wstat!(statChangesOf(changes, file.qid), request);
  return chain(changed, () => RSETATTR);
}

/** Treaddir: getdents(2). */
export function readdir<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  { offset, count }: Treaddir,
): Awaitable<Reply> {
  const open = openOf(fid);
  if (!fid.file || !(fid.file.qid.type & QidType.DIR)) throw notDirectory();
  fid.listing ??= new ListingReader(keeper, fid, open, fid.file);
  return fid.listing.read(offset, Math.min(count, maxCount(keeper.connection.msize)), request);
}

/** Tfsync: fsync(2). */
export function fsync<User>(
  request: Request<User>,
  fid: Fid<User>,
  { datasync }: Tfsync,
): Awaitable<Reply> {
  const open = openOf(fid);
  if (!open.sync) return RFSYNC;
  return chain(open.sync(datasync !== 0, request), () => RFSYNC);
}

/** Makes a file that is closed at once. */
function make<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  type: typeof MessageType.Rmkdir | typeof MessageType.Rsymlink | typeof MessageType.Rmknod,
  name: string,
  perm: number,
  extension: string,
  gid: number,
): Awaitable<Reply> {
  const directory = creatorOf(fid, name);
  const mode = OpenMode.READ;
  const asked = { name, perm, mode, extension, exclusive: true, gid: groupOf(gid) };
  return chain(directory.create(asked, request), ({ file, open }) => {
    keeper.abandon(open);
    return { type, tag: 0, qid: file.qid };
  });
}

/** The directory that is to make a file called `name`. */
function creatorOf<User>(
  fid: Fid<User>,
  name: string,
): { create: NonNullable<ServerFile<User>['create']> } {
  const directory = directoryOf(fid);
  checkName(name);
  if (!directory.create) throw denied();
  return directory as ServerFile<User> & { create: NonNullable<ServerFile<User>['create']> };
}

/** @throws NinePError (EINVAL) if the mode names another kind of file than it is for. */
function permOf(mode: number, kind: number): NewFile['perm'] {
  const named = mode & FileMode.TYPE_MASK;
  if (named !== 0 && named !== kind) throw invalid('mode of another kind of file');
  return plan9Permissions(mode);
}

/** The bit of a stat's mode that tells a kind of file which mknod(2) makes. */
function kindOf(kind: number): number {
  switch (kind) {
    case 0:
    case FileMode.REGULAR:
      return 0;
    case FileMode.BLOCK_DEVICE:
    case FileMode.CHARACTER_DEVICE:
      return ModeBit.DEVICE;
    case FileMode.FIFO:
      return ModeBit.NAMED_PIPE;
    case FileMode.SOCKET:
      return ModeBit.SOCKET;
    default:
      throw invalid('no kind of file that mknod makes');
  }
}

function groupOf(gid: number): number | undefined {
  return gid === NONUNAME ? undefined : gid;
}

function attributeReply(file: ServerFile, attributes: Attributes, requestMask: Uint64): Reply {
  const asked =
    typeof requestMask === 'number' ? requestMask : Number(BigInt.asUintN(32, requestMask));
  let known: number = GetattrMask.BASIC;
  if (attributes.btimeSec !== 0) known |= GetattrMask.BTIME;
  if (attributes.gen !== 0) known |= GetattrMask.GEN;
  if (attributes.dataVersion !== 0) known |= GetattrMask.DATA_VERSION;
  return { type: MessageType.Rgetattr, tag: 0, valid: asked & known, qid: file.qid, attributes };
}
