import { MessageType, NONUNAME, OpenMode, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { RMessage, Tattach, Tauth, Tread, Twalk, Twrite } from '../messages.js';
import type { Uint64 } from '../types.js';
import { chain, orElse } from './awaitable.js';
import { DirectoryReader } from './directory.js';
import { type Fid, fileOf, openOf, unknownFid } from './fids.js';
import type { Awaitable, FileServer, Login, OpenFile } from './files.js';
import type { FidKeeper } from './keeper.js';
import { takeReadBuffer } from './read-buffers.js';
import { countTooLarge, denied, isDirectory, notOpenFor } from './refusals.js';
import {
  bytesIn,
  dataReply,
  filledReply,
  maxCount,
  piecesReply,
  type Reply,
  writtenReply,
} from './replies.js';
import type { Request } from './request.js';
import { walkNames } from './walk.js';

const RCLUNK: RMessage = { type: MessageType.Rclunk, tag: 0 };
const RREMOVE: RMessage = { type: MessageType.Rremove, tag: 0 };

/** Tauth: attach(5). */
export function authenticate<User>(
  keeper: FidKeeper<User>,
  server: FileServer<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Tauth,
): Awaitable<Reply> {
  if (!server.auth) {
    // What diod answers in 9P2000.L, and its clients take for leave to attach; npfs says EIO in 9P2000.u.
    const errno = keeper.connection.dialect === '9P2000.L' ? Errno.ENOENT : Errno.EIO;
    throw new NinePError('authentication not required', errno);
  }
  return chain(server.auth(loginOf(message), request as Request<undefined>), (auth) => {
    if (fid.gone) keeper.abandon(auth);
    fid.auth = auth;
    return { type: MessageType.Rauth, tag: 0, aqid: auth.qid };
  });
}

/** Tattach: attach(5); `auth` is the afid. */
export function attach<User>(
  keeper: FidKeeper<User>,
  server: FileServer<User>,
  request: Request<User>,
  fid: Fid<User>,
  auth: Fid<User> | undefined,
  message: Tattach,
): Awaitable<Reply> {
  if (auth && (auth.gone || !auth.auth)) throw unknownFid();
  const refused = (error: unknown): never => {
    keeper.connection.refused();
    throw error;
  };
  const enter = () => server.attach(loginOf(message), auth?.auth, request as Request<undefined>);
  return chain(orElse(enter, refused), ({ root, user }) => {
    fid.user = user;
    request.user = user;
    request.file = root;
    keeper.bind(fid, root);
    return { type: MessageType.Rattach, tag: 0, qid: root.qid };
  });
}

/** Twalk, from the file of the request: walk(5). */
export function walk<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  target: Fid<User>,
  { names }: Twalk,
): Awaitable<Reply> {
  return walkNames(request, request.file!, names, (file, qids) => {
    if (qids.length === names.length) {
      target.user = request.user;
      keeper.bind(target, file);
    } else if (target !== fid) {
      keeper.forget(target);
    }
    return { type: MessageType.Rwalk, tag: 0, qids };
  });
}

/** Tread: read(5). */
export function read<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Tread,
): Awaitable<Reply> {
  const open = openOf(fid);
  if ((fid.mode & OpenMode.ACCESS_MASK) === OpenMode.WRITE) throw notOpenFor('reading');
  const { count } = message;
  const { connection } = keeper;
  if (count > maxCount(connection.msize)) throw countTooLarge();
  const offset = clamp(message.offset);
  if (open.entries || !(open.read || open.readInto)) {
    return readEntries(keeper, request, fid, open, offset, count);
  }
  if (open.stream) return readData(open, offset, count, request);
  const { readTurns } = keeper;
  if (readTurns.mayBegin(count)) {
    return readTurns.begun(count, readData(open, offset, count, request));
  }
  return readTurns.inTurn(request, count, () => readData(open, offset, count, request));
}

function readData<User>(
  open: OpenFile<User>,
  offset: number,
  count: number,
  request: Request<User>,
): Awaitable<Reply> {
  if (open.readInto) return fill(open, offset, takeReadBuffer(count), request);
  const data = open.read!(offset, count, request);
  return data instanceof Promise
    ? data.then((read) => dataReply(read, count))
    : dataReply(data, count);
}

function fill<User>(
  open: OpenFile<User>,
  offset: number,
  buffer: Buffer,
  request: Request<User>,
): Awaitable<Reply> {
  const length = open.readInto!(offset, buffer, request);
  return length instanceof Promise
    ? length.then((bytes) => filledReply(buffer, bytes))
    : filledReply(buffer, length);
}

function readEntries<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  open: OpenFile<User>,
  offset: number,
  count: number,
): Awaitable<Reply> {
  const dialect = keeper.connection.dialect!;
  // Linux reads directories with Treaddir alone.
  if (dialect === '9P2000.L' && fid.file && fid.file.qid.type & QidType.DIR) throw isDirectory();
  if (!open.entries) throw denied();
  fid.directory ??= new DirectoryReader(keeper, fid, open, dialect);
  return chain(fid.directory.read(offset, count, request), piecesReply);
}

/** Twrite: read(5). */
export function write<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Twrite,
): Awaitable<Reply> {
  const open = openOf(fid);
  const access = fid.mode & OpenMode.ACCESS_MASK;
  if (!fid.auth && access !== OpenMode.WRITE && access !== OpenMode.READ_WRITE) {
    throw notOpenFor('writing');
  }
  const { data, parts } = message;
  const { connection } = keeper;
  const count = parts ? bytesIn(parts) : data.length;
  if (count > maxCount(connection.msize)) throw countTooLarge();
  if (!open.write) throw denied();
  if (open.stream) connection.charge(request, count);
  const offset = clamp(message.offset);
  let written: Awaitable<number>;
  if (!parts) written = open.write(offset, data, request);
  else if (open.writePieces) written = open.writePieces(offset, parts, request);
  else written = open.write(offset, Buffer.concat(parts, count), request);
  if (fid.durability && open.sync) {
    const dataOnly = fid.durability === 'data';
    return chain(written, (bytes) =>
      chain(open.sync!(dataOnly, request), () => writtenReply(bytes)),
    );
  }
  return written instanceof Promise ? written.then(writtenReply) : writtenReply(written);
}

/** Tclunk of a fid that is out of the table already: clunk(5). */
export function clunk<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
): Awaitable<Reply> {
  if (fid.attribute) return clunkAttribute(keeper, request, fid);
  const discarded = keeper.discard(fid);
  return discarded instanceof Promise ? discarded.then(() => RCLUNK) : RCLUNK;
}

async function clunkAttribute<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
): Promise<Reply> {
  fid.gone = true;
  try {
    await fid.attribute!.commit(request);
  } finally {
    await keeper.discard(fid);
  }
  return RCLUNK;
}

/** Tremove of a fid that is out of the table already: remove(5). */
export async function remove<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
): Promise<Reply> {
  fid.gone = true;
  fid.mode &= ~OpenMode.REMOVE_ON_CLOSE;
  try {
    const file = fileOf(fid);
    if (!file.remove) throw denied();
    await file.remove(request);
  } finally {
    await keeper.discard(fid);
  }
  return RREMOVE;
}

function loginOf({ uname, aname, nUname }: Tauth | Tattach): Login {
  return { uname, aname, nUname: nUname === NONUNAME ? undefined : nUname };
}

/** Offsets that JavaScript cannot count are beyond the end of every file. */
function clamp(offset: Uint64): number {
  return typeof offset === 'number' ? offset : Number.MAX_SAFE_INTEGER;
}
