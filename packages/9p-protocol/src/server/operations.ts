import { MessageType, NOFID, NONUNAME, NOTAG, OpenMode, QidType } from '../constants.js';
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
import type { Uint64 } from '../types.js';
import type { Connection } from './connection.js';
import { DirectoryReader } from './directory.js';
import { type Fid, type FidTable, unknownFid } from './fids.js';
import type { Awaitable, FileServer, Login, OpenFile, ServerFile } from './files.js';
import { exclusive, holding, track, whenReady } from './gate.js';
import {
  dataReply,
  maxCount,
  piecesReply,
  type Reply,
  statReply,
  writtenReply,
} from './replies.js';
import { Request } from './request.js';
import { checkName, notDirectory, walkNames } from './walk.js';
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
        if (!fid.gate) return this.#perform(request, fid, message);
        return whenReady(fid, request, () => this.#perform(request, fid, message));
      }
      case MessageType.Twalk:
        return this.#startWalk(request, message);
      case MessageType.Tauth: {
        const fid = this.#fids.reserve(message.afid);
        return this.#make(fid, () => this.#auth(request, fid, message));
      }
      case MessageType.Tattach:
        return this.#startAttach(request, message);
      default:
        throw protocolError(`unexpected message type ${message.type}`);
    }
  }

  /** The end of the conversation, or a new Tversion. */
  clunkAll(): void {
    for (const fid of this.#fids.takeAll()) this.#detached(() => this.#discard(fid));
  }

  #perform(request: Request<User>, fid: Fid<User>, message: FidMessage): Awaitable<Reply> {
    if (fid.gone) throw unknownFid();
    request.user = fid.user;
    switch (message.type) {
      case MessageType.Tread:
        return track(fid, request, this.#read(request, fid, message));
      case MessageType.Twrite:
        return track(fid, request, this.#write(request, fid, message));
      case MessageType.Tstat:
        return this.#stat(request, fid);
      case MessageType.Twstat:
        return this.#wstat(request, fid, message);
      case MessageType.Topen:
        return exclusive(fid, () => this.#open(request, fid, message));
      case MessageType.Tcreate:
        return exclusive(fid, () => this.#create(request, fid, message));
      case MessageType.Tclunk:
        return this.#clunk(fid);
      case MessageType.Tremove:
        return this.#remove(request, fid);
    }
  }

  #startWalk(request: Request<User>, message: Twalk): Awaitable<Reply> {
    const fid = this.#fids.get(message.fid);
    if (message.newfid === message.fid) {
      const move = () => exclusive(fid, () => this.#walk(request, fid, fid, message));
      return whenReady(fid, request, move);
    }
    const target = this.#fids.reserve(message.newfid);
    const walk = () => this.#walk(request, fid, target, message);
    return this.#make(target, () => whenReady(fid, request, walk));
  }

  #startAttach(request: Request<User>, message: Tattach): Awaitable<Reply> {
    const auth = message.afid === NOFID ? undefined : this.#fids.get(message.afid);
    const fid = this.#fids.reserve(message.fid);
    const attach = () => this.#attach(request, fid, auth, message);
    if (!auth) return this.#make(fid, attach);
    // A clunk of the afid that follows at once must not close it under the proof's eyes.
    return this.#make(fid, () => whenReady(auth, request, () => exclusive(auth, attach)));
  }

  /** Runs what gives a reserved fid its meaning; the number is free again if that fails. */
  #make(fid: Fid<User>, make: () => Awaitable<Reply>): Awaitable<Reply> {
    return exclusive(fid, () =>
      orElse(make, (error) => {
        this.#forget(fid);
        throw error;
      }),
    );
  }

  #auth(request: Request<User>, fid: Fid<User>, message: Tauth): Awaitable<Reply> {
    if (!this.#server.auth) throw new NinePError('authentication not required', Errno.EIO);
    const stranger = request as Request<undefined>;
    return then(this.#server.auth(loginOf(message), stranger), (auth) => {
      if (fid.gone) this.#abandon(auth);
      fid.auth = auth;
      return { type: MessageType.Rauth, tag: 0, aqid: auth.qid };
    });
  }

  #attach(
    request: Request<User>,
    fid: Fid<User>,
    auth: Fid<User> | undefined,
    message: Tattach,
  ): Awaitable<Reply> {
    if (auth && (auth.gone || !auth.auth)) throw unknownFid();
    const refused = (error: unknown): never => {
      this.#connection.refused();
      throw error;
    };
    const enter = () =>
      this.#server.attach(loginOf(message), auth?.auth, request as Request<undefined>);
    return then(orElse(enter, refused), ({ root, user }) => {
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
    const walked = walkNames(request, from, message.names, (file, qids) => {
      if (qids.length === message.names.length) {
        target.user = request.user;
        this.#bind(target, file);
      } else if (target !== fid) {
        this.#forget(target);
      }
      return { type: MessageType.Rwalk, tag: 0, qids };
    });
    return holding(from, walked);
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
    const opened = then(file.open(message.mode, request), (open) => {
      this.#opened(fid, open, message.mode);
      return { type: MessageType.Ropen, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
    });
    return holding(file, opened);
  }

  #create(request: Request<User>, fid: Fid<User>, message: Tcreate): Awaitable<Reply> {
    const directory = fileOf(fid);
    if (fid.open) throw new NinePError('fid is open already', Errno.EBUSY);
    checkName(message.name);
    if (!(directory.qid.type & QidType.DIR)) throw notDirectory();
    if (!directory.create) throw denied();
    const { name, perm, mode, extension } = message;
    const made = then(directory.create({ name, perm, mode, extension }, request), (created) => {
      const { file, open } = created;
      this.#opened(fid, open, mode);
      this.#bind(fid, file);
      return { type: MessageType.Rcreate, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
    });
    return holding(directory, made);
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
    const file = fileOf(fid);
    const { msize, dialect } = this.#connection;
    const stat = then(file.stat(request), (stat) => statReply(stat, dialect!, msize));
    return holding(file, stat);
  }

  #wstat(request: Request<User>, fid: Fid<User>, message: Twstat): Awaitable<Reply> {
    const file = fileOf(fid);
    const changes = statChanges(message.stat);
    if (changes.name !== undefined) checkName(changes.name);
    if (Object.keys(changes).length === 0) return RWSTAT;
    if (!file.wstat) throw denied();
    return holding(
      file,
      then(file.wstat(changes, request), () => RWSTAT),
    );
  }

  #clunk(fid: Fid<User>): Awaitable<Reply> {
    this.#fids.delete(fid);
    return then(this.#discard(fid), () => RCLUNK);
  }

  async #remove(request: Request<User>, fid: Fid<User>): Promise<Reply> {
    this.#fids.delete(fid);
    fid.mode &= ~OpenMode.REMOVE_ON_CLOSE;
    try {
      const file = fileOf(fid);
      if (!file.remove) throw denied();
      await file.remove(request);
    } finally {
      await this.#discard(fid);
    }
    return RREMOVE;
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
      this.#abandon(open);
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
   * Lets go of what a fid holds: reads and writes that wait are cancelled, the file is closed after the last of
   * them has ended (a descriptor must not be reused under a read), then released.
   */
  #discard(fid: Fid<User>): Awaitable<void> {
    fid.gone = true;
    if (!fid.waiting || fid.waiting.size === 0) return this.#release(fid);
    const idle = new Promise<void>((resolve) => {
      fid.onIdle = resolve;
    });
    for (const request of fid.waiting) request.cancel('fid clunked');
    return idle.then(() => this.#release(fid));
  }

  #release(fid: Fid<User>): Awaitable<void> {
    const { file, mode } = fid;
    const open = fid.open ?? fid.auth;
    if (open?.close || mode & OpenMode.REMOVE_ON_CLOSE) return this.#closeAndRelease(fid);
    file?.release?.();
  }

  async #closeAndRelease(fid: Fid<User>): Promise<void> {
    const { file, mode } = fid;
    const open = fid.open ?? fid.auth;
    try {
      await open?.close?.();
      if (mode & OpenMode.REMOVE_ON_CLOSE) await file?.remove?.(this.#request(fid));
    } finally {
      file?.release?.();
    }
  }

  /** A request that no message made: what happens when a fid goes away with its connection. */
  #request(fid: Fid<User>): Request<User> {
    const request = new Request<User>(this.#connection, NOTAG, fid.number);
    request.user = fid.user;
    return request;
  }

  /** Closes what was opened for a fid that is gone. */
  #abandon(open: { close?(): Awaitable<void> }): void {
    this.#detached(() => open.close?.());
  }

  /** Runs what has no client left to be told of its failure. */
  #detached(run: () => Awaitable<void>): void {
    const ended = async () => run();
    ended().catch((error: unknown) => this.#connection.fault(error));
  }
}

type FidMessage = Exclude<
  TMessage,
  { type: 100 | 102 | 104 | 108 | 110 } // those that make fids, or are not about one
>;

/** Goes on at once with a value that is there: only what really waits costs a turn of the loop. */
function then<T>(value: Awaitable<T>, use: (value: T) => Reply): Awaitable<Reply> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** What `run` yields, or else what `failed` makes of its failure, at once or later. */
function orElse<T>(run: () => Awaitable<T>, failed: (error: unknown) => never): Awaitable<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(failed) : value;
  } catch (error) {
    return failed(error);
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

function denied(): NinePError {
  return new NinePError('permission denied', Errno.EPERM);
}

function notOpenFor(what: string): NinePError {
  return new NinePError(`file not open for ${what}`, Errno.EBADF);
}

function countTooLarge(): NinePError {
  return new NinePError('i/o count too large', Errno.EIO);
}
