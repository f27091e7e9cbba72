import { encodedLength } from '../codec/strings.js';
import { MessageType, NOFID } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { MAX_USER_NAME } from '../limits.js';
import type {
  RMessage,
  Tattach,
  Tauth,
  Tclunk,
  TMessage,
  Tremove,
  Twalk,
  Txattrwalk,
} from '../messages.js';
import { chain, orElse } from './awaitable.js';
import type { Connection } from './connection.js';
import { directoryOf, type Fid, type FidTable, fileOf, unknownFid } from './fids.js';
import type { Awaitable, FileServer } from './files.js';
import { bothReady, exclusive, holding, track, whenReady } from './gate.js';
import type { Intercept } from './intercept.js';
import { FidKeeper } from './keeper.js';
import { link, rename, renameAt, unlinkAt } from './names.js';
import { create, createLink, linkedFid, open, stat, wstat } from './operations-9p2000.js';
import * as common from './operations-common.js';
import * as linux from './operations-linux.js';
import { getlock, lock } from './operations-locks.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';
import { xattrCreate, xattrWalk } from './xattr.js';

const RRENAME: RMessage = { type: MessageType.Rrename, tag: 0 };
const RRENAMEAT: RMessage = { type: MessageType.Rrenameat, tag: 0 };
const RLINK: RMessage = { type: MessageType.Rlink, tag: 0 };
const RUNLINKAT: RMessage = { type: MessageType.Runlinkat, tag: 0 };

/** What the requests of one connection do to its fids and files: which wait for which, and what each comes to. */
export class Operations<User> {
  readonly #server: FileServer<User>;
  readonly #fids: FidTable<User>;
  readonly #keeper: FidKeeper<User>;
  readonly #intercept: Intercept<User> | undefined;

  constructor(
    connection: Connection,
    server: FileServer<User>,
    fids: FidTable<User>,
    intercept: Intercept<User> | undefined,
  ) {
    this.#server = server;
    this.#fids = fids;
    this.#keeper = new FidKeeper(connection, fids);
    this.#intercept = intercept;
  }

  /**
   * Performs a request, whose `fid` is what the message is about. Fids that it makes are reserved at once, so that
   * later requests about them wait.
   */
  run(request: Request<User>, message: TMessage): Awaitable<Reply> {
    switch (message.type) {
      case MessageType.Twalk:
        return this.#startWalk(request, message);
      case MessageType.Tauth:
        return this.#startAuth(request, message);
      case MessageType.Tattach:
        return this.#startAttach(request, message);
      case MessageType.Txattrwalk:
        return this.#startXattrWalk(request, message);
      case MessageType.Trename:
      case MessageType.Tlink:
        return this.#performTwo(request, message, this.#fids.get(message.dfid));
      case MessageType.Trenameat:
        return this.#performTwo(request, message, this.#fids.get(message.newdirfid));
      case MessageType.Tcreate: {
        const linked = linkedFid(message);
        if (linked !== undefined) {
          return this.#performTwo(request, message, this.#fids.get(linked));
        }
      }
    }
    const fid = this.#fids.get(request.fid);
    return fid.gate ? this.#wait(request, fid, message) : this.#perform(request, fid, message);
  }

  /** The end of the conversation, or a new Tversion. */
  clunkAll(): void {
    this.#keeper.discardAll();
  }

  #wait(request: Request<User>, fid: Fid<User>, message: TMessage): Awaitable<Reply> {
    return whenReady(fid, request, () => this.#perform(request, fid, message));
  }

  /** Performs a request about one fid that is open to it. */
  #perform(request: Request<User>, fid: Fid<User>, message: TMessage): Awaitable<Reply> {
    this.#enter(request, fid);
    switch (message.type) {
      case MessageType.Tread:
      case MessageType.Twrite:
      case MessageType.Treaddir:
      case MessageType.Tfsync:
      case MessageType.Tlock:
      case MessageType.Tgetlock:
        return track(fid, request, this.#pass(request, fid, message));
      case MessageType.Tclunk:
      case MessageType.Tremove:
        return this.#end(request, fid, message);
      case MessageType.Topen:
      case MessageType.Tcreate:
      case MessageType.Tlopen:
      case MessageType.Tlcreate:
      case MessageType.Txattrcreate:
        return this.#decide(request, fid, message);
      default:
        return hold(request, this.#pass(request, fid, message));
    }
  }

  /** Performs what changes the meaning of its fid. */
  #decide(request: Request<User>, fid: Fid<User>, message: TMessage): Awaitable<Reply> {
    return exclusive(fid, () => hold(request, this.#pass(request, fid, message)));
  }

  /** @throws NinePError `unknown fid` if it went away while the request waited. */
  #enter(request: Request<User>, fid: Fid<User>): void {
    if (fid.gone || fid.ending) throw unknownFid();
    request.user = fid.user;
    request.file = fid.file ?? fid.attribute?.file;
  }

  #pass(request: Request<User>, fid: Fid<User>, message: TMessage): Awaitable<Reply> {
    // Apart from the other, which makes a closure: this is the way of every request.
    if (this.#intercept) return this.#passAround(request, fid, message);
    return this.#act(request, fid, message);
  }

  #passAround(request: Request<User>, fid: Fid<User>, message: TMessage): Awaitable<Reply> {
    return this.#around(request, message, () => this.#act(request, fid, message));
  }

  #around(
    request: Request<User>,
    message: TMessage,
    next: () => Awaitable<Reply>,
  ): Awaitable<Reply> {
    return this.#intercept ? this.#intercept(request, message, next) : next();
  }

  #act(request: Request<User>, fid: Fid<User>, message: TMessage): Awaitable<Reply> {
    const keeper = this.#keeper;
    switch (message.type) {
      case MessageType.Tread:
        return common.read(keeper, request, fid, message);
      case MessageType.Twrite:
        return common.write(keeper, request, fid, message);
      case MessageType.Tclunk:
        return common.clunk(keeper, request, fid);
      case MessageType.Tgetattr:
        return linux.getattr(request, fid, message);
      case MessageType.Tstat:
        return stat(keeper, request, fid);
      case MessageType.Topen:
        return open(keeper, request, fid, message);
      case MessageType.Tcreate:
        return create(keeper, request, fid, message);
      case MessageType.Tremove:
        return common.remove(keeper, request, fid);
      case MessageType.Twstat:
        return wstat(keeper, request, fid, message);
      case MessageType.Tlopen:
        return linux.lopen(keeper, request, fid, message);
      case MessageType.Tlcreate:
        return linux.lcreate(keeper, request, fid, message);
      case MessageType.Treaddir:
        return linux.readdir(keeper, request, fid, message);
      case MessageType.Tsetattr:
        return linux.setattr(request, fid, message);
      case MessageType.Tstatfs:
        return linux.statfs(request, fid);
      case MessageType.Tmkdir:
        return linux.mkdir(keeper, request, fid, message);
      case MessageType.Tsymlink:
        return linux.symlink(keeper, request, fid, message);
      case MessageType.Tmknod:
        return linux.mknod(keeper, request, fid, message);
      case MessageType.Treadlink:
        return linux.readlink(keeper, request, fid);
      case MessageType.Tfsync:
        return linux.fsync(request, fid, message);
      case MessageType.Tlock:
        return lock(request, fid, message);
      case MessageType.Tgetlock:
        return getlock(request, fid, message);
      case MessageType.Txattrcreate:
        return xattrCreate(keeper, fid, message);
      case MessageType.Tunlinkat: {
        const { name, flags } = message;
        return chain(unlinkAt(directoryOf(fid), name, flags, request), () => RUNLINKAT);
      }
      default:
        throw protocolError(`unexpected message type ${message.type}`);
    }
  }

  /** Performs a request about two fids: that of the request, and `other`. */
  #performTwo(request: Request<User>, message: TMessage, other: Fid<User>): Awaitable<Reply> {
    const fid = this.#fids.get(request.fid);
    const perform = () => {
      if (other.gone || other.ending) throw unknownFid();
      this.#enter(request, fid);
      request.directory = other.file;
      const act = () => this.#actOnTwo(request, message, fid, other);
      const pass = () => holdBoth(request, this.#around(request, message, act));
      return message.type === MessageType.Tcreate ? exclusive(fid, pass) : pass();
    };
    return bothReady(fid, other, request, perform);
  }

  #actOnTwo(
    request: Request<User>,
    message: TMessage,
    fid: Fid<User>,
    other: Fid<User>,
  ): Awaitable<Reply> {
    switch (message.type) {
      case MessageType.Trename:
        return chain(rename(fileOf(fid), directoryOf(other), message.name, request), () => RRENAME);
      case MessageType.Tlink:
        return chain(link(fileOf(fid), directoryOf(other), message.name, request), () => RLINK);
      case MessageType.Trenameat: {
        const { oldname, newname } = message;
        const renamed = renameAt(directoryOf(fid), oldname, directoryOf(other), newname, request);
        return chain(renamed, () => RRENAMEAT);
      }
      case MessageType.Tcreate:
        return createLink(this.#keeper, request, fid, other, message);
      default:
        throw protocolError(`unexpected message type ${message.type}`);
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

  #startXattrWalk(request: Request<User>, message: Txattrwalk): Awaitable<Reply> {
    const fid = this.#fids.get(message.fid);
    const target = this.#fids.reserve(message.newfid);
    const walk = () => {
      this.#enter(request, fid);
      const act = () => xattrWalk(this.#keeper, request, fileOf(fid), target, message);
      return hold(request, this.#around(request, message, act));
    };
    return this.#make(target, () => whenReady(fid, request, walk));
  }

  #startAuth(request: Request<User>, message: Tauth): Awaitable<Reply> {
    checkLogin(message);
    const fid = this.#fids.reserve(message.afid);
    const auth = () => common.authenticate(this.#keeper, this.#server, request, fid, message);
    return this.#make(fid, () => this.#around(request, message, auth));
  }

  #startAttach(request: Request<User>, message: Tattach): Awaitable<Reply> {
    checkLogin(message);
    const auth = message.afid === NOFID ? undefined : this.#fids.get(message.afid);
    const fid = this.#fids.reserve(message.fid);
    const enter = () => common.attach(this.#keeper, this.#server, request, fid, auth, message);
    const entered = (reply: Reply) => {
      // An interceptor has the last word on whether the client proved who it is, and may have answered by itself.
      if (fid.file && !fid.gone) this.#keeper.connection.attached();
      return reply;
    };
    const attach = () => chain(this.#around(request, message, enter), entered);
    if (!auth) return this.#make(fid, attach);
    // A clunk of the afid that follows at once must not close it under the proof's eyes.
    return this.#make(fid, () => whenReady(auth, request, () => exclusive(auth, attach)));
  }

  /** Runs what gives a reserved fid its meaning; the number is free again if that fails. */
  #make(fid: Fid<User>, make: () => Awaitable<Reply>): Awaitable<Reply> {
    const forget = (error: unknown): never => {
      this.#keeper.forget(fid);
      throw error;
    };
    return exclusive(fid, () => {
      const made = orElse(make, forget);
      return this.#intercept ? chain(made, (reply) => this.#checkMade(fid, reply)) : made;
    });
  }

  /** An interceptor may have answered in place of what would have given the fid its meaning. */
  #checkMade(fid: Fid<User>, reply: Reply): Reply {
    if (!fid.file && !fid.auth && !fid.open) this.#keeper.forget(fid);
    return reply;
  }

  #walk(
    request: Request<User>,
    fid: Fid<User>,
    target: Fid<User>,
    message: Twalk,
  ): Awaitable<Reply> {
    if (!fid.file) throw unknownFid();
    this.#enter(request, fid);
    if (fid.open) this.#checkWalkFromOpen(fid, target);
    if (!this.#intercept)
      return hold(request, common.walk(this.#keeper, request, fid, target, message));
    const go = () => common.walk(this.#keeper, request, fid, target, message);
    return hold(request, this.#around(request, message, go));
  }

  /** walk(5) forbids it; in 9P2000.L diod and QEMU let a client go on from a directory that it reads, and diod's do. */
  #checkWalkFromOpen(fid: Fid<User>, target: Fid<User>): void {
    if (this.#keeper.connection.dialect === '9P2000.L' && target !== fid) return;
    throw new NinePError('cannot walk from an open fid', Errno.EBUSY);
  }

  /** Ends a fid: its number is free at once, and whatever an interceptor does, its file is let go of. */
  #end(request: Request<User>, fid: Fid<User>, message: Tclunk | Tremove): Awaitable<Reply> {
    this.#fids.delete(fid);
    fid.ending = true;
    if (!this.#intercept) return this.#act(request, fid, message);
    const letGo = () => {
      if (!fid.gone) this.#keeper.detached(() => this.#keeper.discard(fid));
    };
    const ended = orElse(
      () => this.#pass(request, fid, message),
      (error) => {
        letGo();
        throw error;
      },
    );
    return chain(ended, (reply) => {
      letGo();
      return reply;
    });
  }
}

/** Keeps the file of the request named while an operation on it is under way. */
function hold<User>(request: Request<User>, reply: Awaitable<Reply>): Awaitable<Reply> {
  return request.file ? holding(request.file, reply) : reply;
}

function holdBoth<User>(request: Request<User>, reply: Awaitable<Reply>): Awaitable<Reply> {
  const { directory } = request;
  return hold(request, directory ? holding(directory, reply) : reply);
}

/**
 * Who somebody is, is text even where names are bytes.
 * @throws NinePError: (protocol) if it is not UTF-8, ENAMETOOLONG for a name that each fid would keep.
 */
function checkLogin({ uname, aname }: Tauth | Tattach): void {
  if (!uname.isWellFormed() || !aname.isWellFormed()) {
    throw protocolError('string is not valid UTF-8');
  }
  if (encodedLength(uname) > MAX_USER_NAME) {
    throw new NinePError('user name too long', Errno.ENAMETOOLONG);
  }
}
