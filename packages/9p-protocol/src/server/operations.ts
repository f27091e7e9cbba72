import { statRoom } from '../codec/stat.js';
import { MessageType, NOFID, NONUNAME, OpenMode, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import type {
  RMessage,
  Tattach,
  Tauth,
  Tcreate,
  TMessage,
  Topen,
  Tread,
  Twalk,
  Twrite,
  Twstat,
} from '../messages.js';
import type { Qid, Uint64 } from '../types.js';
import { type Connection, maxCount, type Reply } from './connection.js';
import { DirectoryReader } from './directory.js';
import { type Fid, type FidTable, unknownFid } from './fids.js';
import type { Awaitable, FileServer, Login, OpenFile, ServerFile } from './files.js';
import type { Request } from './request.js';
import { statChanges } from './wstat.js';

const RCLUNK: RMessage = { type: MessageType.Rclunk, tag: 0 };
const RREMOVE: RMessage = { type: MessageType.Rremove, tag: 0 };
const RWSTAT: RMessage = { type: MessageType.Rwstat, tag: 0 };

/** What the requests of one connection do to its fids and files. */
export class Operations<User> {
  readonly #connection: Connection;
  readonly #server: FileServer<User>;
  readonly #fids: FidTable<User>;

  constructor(connection: Connection, server: FileServer<User>, fids: FidTable<User>) {
    this.#connection = connection;
    this.#server = server;
    this.#fids = fids;
  }

  /** Performs a request. Fids that it makes are reserved at once, so that later requests about them wait. */
  run(request: Request<User>, message: TMessage): Awaitable<Reply> {
    switch (message.type) {
      case MessageType.Tread:
      case MessageType.Twrite:
      case MessageType.Tstat:
      case MessageType.Twstat:
      case MessageType.Topen:
      case MessageType.Tcreate:
      case MessageType.Tclunk:
      case MessageType.Tremove: {
        const fid = this.#fids.get(message.fid);
        if (fid.gate) return whenOpen(fid, () => this.#perform(request, fid, message));
        return this.#perform(request, fid, message);
      }
      case MessageType.Twalk: {
        const fid = this.#fids.get(message.fid);
        const target = message.newfid === message.fid ? fid : this.#fids.reserve(message.newfid);
        const walk = () => this.#make(target, () => this.#walk(request, fid, target, message));
        return fid.gate && fid !== target ? whenOpen(fid, walk) : this.#after(fid, target, walk);
      }
      case MessageType.Tauth: {
        const fid = this.#fids.reserve(message.afid);
        return this.#make(fid, () => this.#auth(request, fid, message));
      }
      case MessageType.Tattach: {
        const auth = message.afid === NOFID ? undefined : this.#fids.get(message.afid);
        const fid = this.#fids.reserve(message.fid);
        const attach = () => this.#make(fid, () => this.#attach(request, fid, auth, message));
        return auth?.gate ? whenOpen(auth, attach) : attach();
      }
      default:
        throw protocolError(`unexpected message type ${message.type}`);
    }
  }

  /** The end of the conversation, or a new Tversion. */
  clunkAll(): void {
    for (const fid of this.#fids.takeAll()) {
      // A failing close has nobody left to tell.
      this.#discard(fid)?.catch(() => {});
    }
  }

  #perform(request: Request<User>, fid: Fid<User>, message: FidMessage): Awaitable<Reply> {
    if (fid.gone) throw unknownFid();
    if (request.cancelled) throw request.signal.reason;
    request.user = fid.user;
    switch (message.type) {
      case MessageType.Tread:
        return track(fid, this.#read(request, fid, message));
      case MessageType.Twrite:
        return track(fid, this.#write(request, fid, message));
      case MessageType.Tstat:
        return this.#stat(request, fid);
      case MessageType.Twstat:
        return this.#wstat(request, fid, message);
      case MessageType.Topen:
        return exclusive(fid, () => this.#open(request, fid, message));
      case MessageType.Tcreate:
        return exclusive(fid, () => this.#create(request, fid, message));
      case MessageType.Tclunk:
        return this.#clunk(request, fid);
      case MessageType.Tremove:
        return this.#remove(request, fid);
    }
  }

  /** Runs what gives a reserved fid its meaning; the number is free again if that fails. */
  #make(fid: Fid<User>, make: () => Awaitable<Reply>): Awaitable<Reply> {
    const reserved = !fid.file && !fid.auth;
    const failed = (error: unknown): never => {
      if (reserved) this.#forget(fid);
      throw error;
    };
    return exclusive(fid, () => {
      try {
        const made = make();
        return made instanceof Promise ? made.catch(failed) : made;
      } catch (error) {
        return failed(error);
      }
    });
  }

  /** A walk that moves a fid itself waits its turn like any other request about it. */
  #after(fid: Fid<User>, target: Fid<User>, walk: () => Awaitable<Reply>): Awaitable<Reply> {
    return fid === target && fid.gate ? whenOpen(fid, walk) : walk();
  }

  #auth(request: Request<User>, fid: Fid<User>, message: Tauth): Awaitable<Reply> {
    if (!this.#server.auth) throw new NinePError('authentication not required', Errno.EIO);
    const stranger = request as Request<undefined>;
    return then(this.#server.auth(loginOf(message), stranger), (auth) => {
      fid.auth = auth;
      if (fid.gone) void closing(auth);
      return { type: MessageType.Rauth, tag: 0, aqid: auth.qid };
    });
  }

  #attach(
    request: Request<User>,
    fid: Fid<User>,
    auth: Fid<User> | undefined,
    message: Tattach,
  ): Awaitable<Reply> {
    if (auth && !auth.auth) throw unknownFid();
    const stranger = request as Request<undefined>;
    const entered = this.#server.attach(loginOf(message), auth?.auth, stranger);
    return then(entered, ({ root, user }) => {
      fid.user = user;
      this.#bind(fid, root);
      this.#connection.attached();
      return { type: MessageType.Rattach, tag: 0, qid: root.qid };
    });
  }

  #walk(
    request: Request<User>,
    fid: Fid<User>,
    target: Fid<User>,
    message: Twalk,
  ): Awaitable<Reply> {
    const from = fid.file;
    if (fid.gone || !from) throw unknownFid();
    if (fid.open) throw new NinePError('cannot walk from an open fid', Errno.EBUSY);
    request.user = fid.user;
    return this.#step(request, from, message.names, [], (file, qids) => {
      if (qids.length === message.names.length) {
        target.user = fid.user;
        this.#bind(target, file);
      } else if (target !== fid) {
        this.#forget(target);
      }
      return { type: MessageType.Rwalk, tag: 0, qids };
    });
  }

  /** Goes on along `names`; the first name must be found, a later one that is not ends the walk there: walk(5). */
  #step(
    request: Request<User>,
    from: ServerFile<User>,
    names: readonly string[],
    qids: Qid[],
    arrive: (file: ServerFile<User>, qids: Qid[]) => Reply,
  ): Awaitable<Reply> {
    let file = from;
    while (qids.length < names.length) {
      let next: Awaitable<ServerFile<User> | undefined>;
      try {
        next = lookUp(file, names[qids.length]!, request);
      } catch (error) {
        return endWalk(error, file, qids, arrive);
      }
      if (next instanceof Promise) {
        return next.then(
          (found) => {
            if (!found) return endWalk(notFound(), file, qids, arrive);
            qids.push(found.qid);
            return this.#step(request, found, names, qids, arrive);
          },
          (error: unknown) => endWalk(error, file, qids, arrive),
        );
      }
      if (!next) return endWalk(notFound(), file, qids, arrive);
      qids.push(next.qid);
      file = next;
    }
    return arrive(file, qids);
  }

  #open(request: Request<User>, fid: Fid<User>, message: Topen): Awaitable<Reply> {
    const file = fileOf(fid);
    if (fid.open) throw new NinePError('fid is open already', Errno.EBUSY);
    const access = message.mode & OpenMode.ACCESS_MASK;
    const changes = message.mode & (OpenMode.TRUNCATE | OpenMode.REMOVE_ON_CLOSE);
    if (file.qid.type & QidType.DIR && (access !== OpenMode.READ || changes)) {
      throw new NinePError('is a directory', Errno.EISDIR);
    }
    if (!file.open) throw denied();
    return then(file.open(message.mode, request), (open) => {
      this.#opened(fid, open, message.mode);
      return { type: MessageType.Ropen, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
    });
  }

  #create(request: Request<User>, fid: Fid<User>, message: Tcreate): Awaitable<Reply> {
    const directory = fileOf(fid);
    if (fid.open) throw new NinePError('fid is open already', Errno.EBUSY);
    checkName(message.name);
    if (!(directory.qid.type & QidType.DIR)) throw notDirectory();
    if (!directory.create) throw denied();
    const { name, perm, mode, extension } = message;
    return then(directory.create({ name, perm, mode, extension }, request), (created) => {
      this.#bind(fid, created.file);
      this.#opened(fid, created.open, message.mode);
      const { qid } = created.file;
      return { type: MessageType.Rcreate, tag: 0, qid, iounit: created.open.iounit ?? 0 };
    });
  }

  #read(request: Request<User>, fid: Fid<User>, message: Tread): Awaitable<Reply> {
    const open = openOf(fid);
    if ((fid.mode & OpenMode.ACCESS_MASK) === OpenMode.WRITE) throw notOpenFor('reading');
    const { count } = message;
    if (count > maxCount(this.#connection.msize)) throw countTooLarge();
    const offset = clamp(message.offset);
    if (open.entries) {
      fid.directory ??= new DirectoryReader(open, this.#connection.dialect!);
      return then(fid.directory.read(offset, count, request), piecesReply);
    }
    if (!open.read) throw denied();
    if (!open.stream) this.#connection.charge(request, 'read', count);
    const data = open.read(offset, count, request);
    return data instanceof Promise
      ? data.then((read) => dataReply(read, count))
      : dataReply(data, count);
  }

  #write(request: Request<User>, fid: Fid<User>, message: Twrite): Awaitable<Reply> {
    const open = openOf(fid);
    const access = fid.mode & OpenMode.ACCESS_MASK;
    if (!fid.auth && access !== OpenMode.WRITE && access !== OpenMode.READ_WRITE) {
      throw notOpenFor('writing');
    }
    const { data } = message;
    if (data.length > maxCount(this.#connection.msize)) throw countTooLarge();
    if (!open.write) throw denied();
    this.#connection.charge(request, 'write', data.length);
    const written = open.write(clamp(message.offset), data, request);
    return written instanceof Promise ? written.then(writtenReply) : writtenReply(written);
  }

  #stat(request: Request<User>, fid: Fid<User>): Awaitable<Reply> {
    return then(fileOf(fid).stat(request), (stat) => {
      if (statRoom(stat) + 32 > this.#connection.msize) {
        throw new NinePError('stat does not fit into msize', Errno.ENOBUFS);
      }
      return { type: MessageType.Rstat, tag: 0, stat };
    });
  }

  #wstat(request: Request<User>, fid: Fid<User>, message: Twstat): Awaitable<Reply> {
    const file = fileOf(fid);
    const changes = statChanges(message.stat);
    if (changes.name !== undefined) checkName(changes.name);
    if (Object.keys(changes).length === 0) return RWSTAT;
    if (!file.wstat) throw denied();
    return then(file.wstat(changes, request), () => RWSTAT);
  }

  #clunk(request: Request<User>, fid: Fid<User>): Awaitable<Reply> {
    this.#fids.delete(fid);
    const { file } = fid;
    const remove = fid.open && fid.mode & OpenMode.REMOVE_ON_CLOSE ? file?.remove : undefined;
    const discarded = this.#discard(fid, request);
    if (!remove) return discarded ? discarded.then(() => RCLUNK) : RCLUNK;
    return Promise.resolve(discarded)
      .then(() => remove.call(file, request))
      .then(() => RCLUNK);
  }

  #remove(request: Request<User>, fid: Fid<User>): Awaitable<Reply> {
    const { file } = fid;
    this.#fids.delete(fid);
    let removed: Awaitable<void>;
    try {
      if (!file) throw unknownFid();
      if (!file.remove) throw denied();
      removed = file.remove(request);
    } catch (error) {
      void this.#discard(fid, request)?.catch(() => {});
      throw error;
    }
    const discarded = this.#discard(fid, request);
    if (!(removed instanceof Promise) && !discarded) return RREMOVE;
    return Promise.all([removed, discarded]).then(() => RREMOVE);
  }

  /** The fid names `file` from now on, unless it went away while that was found out. */
  #bind(fid: Fid<User>, file: ServerFile<User>): void {
    if (fid.gone) throw unknownFid();
    file.acquire?.();
    fid.file?.release?.();
    fid.file = file;
  }

  #opened(fid: Fid<User>, open: OpenFile<User>, mode: number): void {
    if (fid.gone) {
      void closing(open);
      throw unknownFid();
    }
    fid.open = open;
    fid.mode = mode;
  }

  #forget(fid: Fid<User>): void {
    this.#fids.delete(fid);
    fid.gone = true;
  }

  /**
   * Lets go of what a fid holds: waiting requests are cancelled, the file is closed after the last of them has
   * ended (a descriptor must not be reused under a read), then released.
   */
  #discard(fid: Fid<User>, by?: Request<User>): Promise<void> | undefined {
    fid.gone = true;
    if (by && fid.active > 0) this.#connection.cancelFid(fid.number, by);
    const { file, open, auth } = fid;
    const close = () => {
      const closed = open ? closing(open) : auth ? closing(auth) : undefined;
      if (closed) return closed.finally(() => file?.release?.());
      file?.release?.();
      return undefined;
    };
    if (fid.active === 0) return close();
    return new Promise<void>((resolve) => {
      fid.onIdle = resolve;
    }).then(close);
  }
}

type FidMessage = Exclude<
  TMessage,
  { type: 100 | 102 | 104 | 108 | 110 } // those that make fids, or are not about one
>;

/** Queues a request behind the one that is deciding what the fid is. */
function whenOpen<User>(fid: Fid<User>, run: () => Awaitable<Reply>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    fid.gate!.push(() => {
      try {
        resolve(run());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Keeps later requests about the fid waiting while this one decides what it is. */
function exclusive<User>(fid: Fid<User>, run: () => Awaitable<Reply>): Awaitable<Reply> {
  let reply: Awaitable<Reply>;
  try {
    reply = run();
  } catch (error) {
    openGate(fid);
    throw error;
  }
  if (!(reply instanceof Promise)) {
    openGate(fid);
    return reply;
  }
  fid.gate ??= [];
  return reply.finally(() => openGate(fid));
}

function openGate<User>(fid: Fid<User>): void {
  const waiting = fid.gate;
  fid.gate = undefined;
  if (!waiting) return;
  for (const [index, run] of waiting.entries()) {
    run();
    // One of them closed the gate again: the rest goes on waiting, in front of whatever came since.
    const again = fid.gate as (() => void)[] | undefined;
    if (again) {
      again.unshift(...waiting.slice(index + 1));
      return;
    }
  }
}

/** Counts a read or write that waits, so that the file is not closed under it. */
function track<User>(fid: Fid<User>, reply: Awaitable<Reply>): Awaitable<Reply> {
  if (!(reply instanceof Promise)) return reply;
  fid.active++;
  return reply.finally(() => {
    fid.active--;
    if (fid.active === 0) fid.onIdle?.();
  });
}

function then<T>(value: Awaitable<T>, use: (value: T) => Reply): Awaitable<Reply> {
  return value instanceof Promise ? value.then(use) : use(value);
}

function closing(open: { close?(): Awaitable<void> }): Promise<void> | undefined {
  const closed = open.close?.();
  return closed instanceof Promise ? closed : undefined;
}

function lookUp<User>(
  file: ServerFile<User>,
  name: string,
  request: Request<User>,
): Awaitable<ServerFile<User> | undefined> {
  if (!(file.qid.type & QidType.DIR)) throw notDirectory();
  if (name === '..') return file.parent ?? file;
  checkName(name);
  return file.walk?.(name, request);
}

function endWalk<User>(
  error: unknown,
  file: ServerFile<User>,
  qids: Qid[],
  arrive: (file: ServerFile<User>, qids: Qid[]) => Reply,
): Reply {
  if (qids.length === 0) throw error;
  return arrive(file, qids);
}

function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new NinePError('invalid file name', Errno.EINVAL);
  }
}

function loginOf({ uname, aname, nUname }: Tauth | Tattach): Login {
  return { uname, aname, nUname: nUname === NONUNAME ? undefined : nUname };
}

function fileOf<User>(fid: Fid<User>): ServerFile<User> {
  if (!fid.file) throw denied();
  return fid.file;
}

function openOf<User>(fid: Fid<User>): OpenFile<User> {
  const open = fid.open ?? (fid.auth as OpenFile<User> | undefined);
  if (!open) throw new NinePError('file not open', Errno.EBADF);
  return open;
}

/** Offsets that JavaScript cannot count are beyond the end of every file. */
function clamp(offset: Uint64): number {
  return typeof offset === 'number' ? offset : Number.MAX_SAFE_INTEGER;
}

function piecesReply(pieces: readonly Uint8Array[]): Reply {
  let count = 0;
  for (const piece of pieces) count += piece.length;
  return { pieces, count };
}

function dataReply(data: Uint8Array | readonly Uint8Array[], wanted: number): Reply {
  const reply =
    data instanceof Uint8Array ? { pieces: [data], count: data.length } : piecesReply(data);
  if ('count' in reply && reply.count > wanted) {
    throw new NinePError('internal error', Errno.EIO, {
      cause: 'read yields more than was asked for',
    });
  }
  return reply;
}

function writtenReply(count: number): Reply {
  return { type: MessageType.Rwrite, tag: 0, count };
}

function denied(): NinePError {
  return new NinePError('permission denied', Errno.EPERM);
}

function notFound(): NinePError {
  return new NinePError('file not found', Errno.ENOENT);
}

function notDirectory(): NinePError {
  return new NinePError('not a directory', Errno.ENOTDIR);
}

function notOpenFor(what: string): NinePError {
  return new NinePError(`file not open for ${what}`, Errno.EBADF);
}

function countTooLarge(): NinePError {
  return new NinePError('i/o count too large', Errno.EIO);
}
