import { randomBytes } from 'node:crypto';
import {
  type AnyMessage,
  decode,
  encode,
  FrameReader,
  type Listener,
  listenTcp,
  MessageType,
  OpenMode,
  type Qid,
  QidType,
  type TMessage,
  type Transport,
} from '@xcpu/9p-protocol';
import { type PublicKey, verifySignature } from '@xcpu/xcpu-protocol';
import { ROOT_FILES, rootListing } from './legacy-directory.js';
import { LegacyCrash, LegacyError, LegacySession, type Program } from './legacy-session.js';
import { LegacyUsers } from './legacy-users.js';

const MAX_MSIZE = 32_792;
const IO_HEADER = 24;
/** What the historic statfs agrees to, which has one file. */
const STATFS_MSIZE = 8_216;
const SESSION_FILES = ['ctl', 'argv', 'env', 'ns', 'stdin', 'stdout', 'stderr', 'wait', 'id'];

export interface LegacyServerOptions {
  readonly host: string;
  readonly adminKey: PublicKey;
  /** What `procs` reads as. */
  readonly procs?: string;
  /** What runs for an argv. */
  readonly programs: (argv: readonly string[]) => Program;
  /** It is the historic statfs, whose `state` reads so: everybody may enter. */
  readonly statfs?: string;
  /** Namespace programs go through, as on a node that may mount; the recorded one might not. */
  readonly mounts?: boolean;
}

/**
 * A node as the historic server was, for our clients to meet: one request at a time, `unknown fid` for one that
 * was sent before the request that makes its fid was answered, counts above msize − 24 refused, iounit 0, ctl
 * input that stays broken after a failure, an `ns` that cannot be shortened, output that is gone once read, and
 * an end of it all where the historic one crashed.
 */
export class LegacyServer {
  readonly users: LegacyUsers;
  /** All sessions ever made, in order. */
  readonly sessions: LegacySession[] = [];
  /** Everything written to the node's ctl: each write up to its NUL. */
  readonly commands: string[] = [];
  /** Errors answered, with the request's file. */
  readonly refused: string[] = [];
  /** Why it crashed, if it did. */
  crashed: string | undefined;
  readonly options: LegacyServerOptions;
  readonly #listener: Listener;
  readonly #conversations = new Set<Conversation>();

  private constructor(options: LegacyServerOptions, listener: Listener) {
    this.options = options;
    this.#listener = listener;
    this.users = new LegacyUsers(options.adminKey);
  }

  static async start(options: LegacyServerOptions): Promise<LegacyServer> {
    const listener = await listenTcp({ host: options.host, port: 0 }, (transport) => {
      server.#conversations.add(new Conversation(transport, server));
    });
    const server = new LegacyServer(options, listener);
    return server;
  }

  /** As commands take it: `127.0.1.50!40001`. */
  get name(): string {
    return this.#listener.address;
  }

  newSession(owner: string, parent: string): LegacySession {
    const sid = String(this.sessions.length);
    const { programs, mounts = false } = this.options;
    const session = new LegacySession(sid, owner, parent, programs, mounts);
    this.sessions.push(session);
    return session;
  }

  crash(reason: string): void {
    this.crashed = reason;
    this.#drop();
  }

  async stop(): Promise<void> {
    this.#drop();
    await this.#listener.close();
  }

  #drop(): void {
    for (const conversation of this.#conversations) conversation.destroy();
    this.#conversations.clear();
  }
}

interface LegacyFid {
  readonly user: string;
  /** From the root, without a slash in front; empty for the root, `afid` for an authentication file. */
  path: string;
  session: LegacySession | undefined;
  mode: number | undefined;
  challenge?: Buffer;
  proof?: Uint8Array;
}

type Answer = Record<string, unknown> & { readonly type: number };

/** One connection. */
class Conversation {
  readonly #transport: Transport;
  readonly #server: LegacyServer;
  readonly #fids = new Map<number, LegacyFid>();
  /** How to forget a read that waits, by tag. */
  readonly #waiting = new Map<number, () => void>();
  #msize = MAX_MSIZE;
  #last: Promise<void> = Promise.resolve();

  constructor(transport: Transport, server: LegacyServer) {
    this.#transport = transport;
    this.#server = server;
    const frames = new FrameReader(MAX_MSIZE);
    transport.start({
      data: (chunk) =>
        frames.push(chunk, (frame) =>
          this.#arrive(decode(Buffer.from(frame), '9P2000.u') as TMessage),
        ),
      drain: () => {},
      close: () => {
        for (const forget of this.#waiting.values()) forget();
      },
    });
  }

  destroy(): void {
    this.#transport.destroy();
  }

  /** Fids are looked up as a request arrives, and it is dealt with in its turn. */
  #arrive(message: TMessage): void {
    const fid = 'fid' in message ? this.#fids.get(message.fid) : undefined;
    const unknown = 'fid' in message && message.type !== MessageType.Tattach && !fid;
    this.#last = this.#last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (unknown) this.#refuse(message, new LegacyError('unknown fid'));
      else this.#perform(message, fid);
    });
  }

  #perform(message: TMessage, fid: LegacyFid | undefined): void {
    if (this.#server.crashed !== undefined) return;
    try {
      const answer = this.#answer(message, fid);
      if (answer) this.#send(message.tag, answer);
    } catch (error) {
      if (error instanceof LegacyCrash) this.#server.crash(error.message);
      else if (error instanceof LegacyError) this.#refuse(message, error);
      else throw error;
    }
  }

  #refuse(message: TMessage, error: LegacyError): void {
    const path = 'fid' in message ? (this.#fids.get(message.fid)?.path ?? '') : '';
    this.#server.refused.push(`${path}: ${error.message}`);
    this.#send(message.tag, {
      type: MessageType.Rerror,
      ename: error.message,
      errno: error.errno,
    });
  }

  #send(tag: number, answer: Answer): void {
    this.#transport.send([encode({ ...answer, tag } as unknown as AnyMessage, '9P2000.u')]);
  }

  /** The answer, or undefined for one that comes later. */
  #answer(message: TMessage, fid: LegacyFid | undefined): Answer | undefined {
    switch (message.type) {
      case MessageType.Tversion:
        this.#msize = Math.min(message.msize, this.#isStatfs ? STATFS_MSIZE : MAX_MSIZE);
        return { type: MessageType.Rversion, msize: this.#msize, version: '9P2000.u' };
      case MessageType.Tauth:
        return this.#auth(message.afid, message.uname);
      case MessageType.Tattach:
        return this.#attach(message);
      case MessageType.Twalk:
        return this.#walk(message, fid!);
      case MessageType.Topen:
        return this.#open(message.mode, fid!);
      case MessageType.Tread:
        return this.#read(message, fid!);
      case MessageType.Twrite:
        return this.#write(message, fid!);
      case MessageType.Tclunk:
        this.#fids.delete(message.fid);
        return { type: MessageType.Rclunk };
      case MessageType.Tflush:
        this.#waiting.get(message.oldtag)?.();
        this.#waiting.delete(message.oldtag);
        return { type: MessageType.Rflush };
      default:
        throw new LegacyError('permission denied', 1);
    }
  }

  #auth(afid: number, uname: string): Answer {
    if (!this.#server.users.keysOf(uname)) throw new LegacyError('unknown user');
    const challenge = randomBytes(16);
    const fid = { user: uname, path: 'afid', session: undefined, mode: 2, challenge };
    this.#add(afid, fid);
    return { type: MessageType.Rauth, aqid: { type: QidType.AUTH, version: 0, path: 0 } };
  }

  get #isStatfs(): boolean {
    return this.#server.options.statfs !== undefined;
  }

  #attach({ fid, afid, uname }: TMessage & { type: 104 }): Answer {
    if (!this.#isStatfs) this.#check(afid, uname);
    const root = { user: uname, path: '', session: undefined, mode: undefined };
    this.#add(fid, root);
    return { type: MessageType.Rattach, qid: qidOf(root) };
  }

  #check(afid: number, uname: string): void {
    const keys = this.#server.users.keysOf(uname);
    if (!keys) throw new LegacyError('unknown user');
    const { challenge, proof } = this.#fids.get(afid) ?? {};
    if (!challenge || !proof || !keys.some((key) => verifySignature(challenge, proof, key))) {
      throw new LegacyError('authentication failed');
    }
  }

  #walk({ fid: number, newfid, names }: TMessage & { type: 110 }, from: LegacyFid): Answer {
    const fid: LegacyFid = { ...from, mode: undefined };
    const qids: Qid[] = [];
    for (const name of names) {
      if (!this.#step(fid, name)) break;
      qids.push(qidOf(fid));
    }
    if (qids.length < names.length && qids.length === 0) {
      throw new LegacyError('file not found', 2);
    }
    if (qids.length === names.length) {
      if (newfid === number) this.#fids.delete(number);
      this.#add(newfid, fid);
    }
    return { type: MessageType.Rwalk, qids };
  }

  #step(fid: LegacyFid, name: string): boolean {
    if (fid.path === '') {
      fid.session = this.#server.sessions[/^\d+$/.test(name) ? Number(name) : -1];
      fid.path = name;
      if (this.#isStatfs) return name === 'state';
      return fid.session !== undefined || name in ROOT_FILES;
    }
    const inside = fid.session !== undefined && fid.path === fid.session.sid;
    fid.path = `${fid.path}/${name}`;
    return inside && SESSION_FILES.includes(name);
  }

  #open(mode: number, fid: LegacyFid): Answer {
    const { users } = this.#server;
    const writes = (mode & OpenMode.ACCESS_MASK) !== OpenMode.READ;
    const refused = fid.session
      ? fid.session.owner !== fid.user
      : writes && (fid.path !== 'ctl' || !users.isAdmin(fid.user));
    if (refused) throw new LegacyError('permission denied', 1);
    if (fid.path === 'clone') {
      fid.session = this.#server.newSession(fid.user, this.#transport.peer.address);
    }
    if (mode & OpenMode.TRUNCATE) {
      if (fid.path === 'ctl') throw new LegacyCrash("OTRUNC on the node's ctl");
      fid.session?.truncate(nameOf(fid));
    }
    fid.mode = mode;
    return { type: MessageType.Ropen, qid: qidOf(fid), iounit: 0 };
  }

  #read(message: TMessage & { type: 116 }, fid: LegacyFid): Answer | undefined {
    const { tag, count } = message;
    const offset = Number(message.offset);
    if (count > this.#msize - IO_HEADER) throw new LegacyError('i/o count too large');
    if (fid.challenge) return rread(fid.challenge.toString('latin1'), offset, count);
    if (fid.path === '') return rread(this.#listing(), offset, count);
    const stream = this.#streamOf(fid);
    if (!stream) return rread(this.#text(fid), offset, Math.min(count, shortRead(fid)));
    if (nameOf(fid) === 'wait' && offset > 0) return rread('', 0, 0);
    let answered = false;
    const forget = stream.read(count, (data) => {
      answered = true;
      this.#waiting.delete(tag);
      this.#send(tag, rread(data, 0, count));
    });
    if (!answered) this.#waiting.set(tag, forget);
    return undefined;
  }

  /** As latin1: each character is a byte. */
  #listing(): string {
    const sessions = this.#server.sessions.map(({ sid }) => sid);
    return rootListing(sessions, (path) => qidOf({ path })).toString('latin1');
  }

  #streamOf({ session, path }: LegacyFid) {
    const name = path.split('/')[1];
    if (name === 'stdout' || name === 'stderr' || name === 'wait') return session?.[name];
    return undefined;
  }

  #text(fid: LegacyFid): string {
    const { users, options } = this.#server;
    if (fid.session && fid.path !== 'clone') return fid.session.text(nameOf(fid)) ?? '';
    switch (fid.path) {
      case 'clone':
        return fid.session!.sid;
      case 'arch':
        return '/Linux/x86_64';
      case 'state':
        return options.statfs ?? '';
      case 'procs':
        return options.procs ?? '';
      case 'pwent':
        return users.pwent();
      case 'grent':
        return users.grent();
      default:
        return '';
    }
  }

  #write({ offset, data }: TMessage & { type: 118 }, fid: LegacyFid): Answer {
    const answer = { type: MessageType.Rwrite, count: data.length };
    if (fid.challenge) {
      fid.proof = Uint8Array.from(data);
      return answer;
    }
    if (data.length > this.#msize - IO_HEADER) throw new LegacyError('i/o count too large');
    const text = Buffer.from(data).toString();
    if (fid.session) {
      const append = ((fid.mode ?? 0) & OpenMode.APPEND) !== 0;
      fid.session.write(nameOf(fid), Number(offset), text, append);
    } else {
      this.#server.commands.push(text.split('\0')[0]!);
      this.#server.users.write(text);
    }
    return answer;
  }

  #add(number: number, fid: LegacyFid): void {
    if (this.#fids.has(number)) throw new LegacyError('fid already exists');
    this.#fids.set(number, fid);
  }
}

/** The tables of users and groups come in pieces, however much is asked for. */
function shortRead({ path }: LegacyFid): number {
  return path === 'pwent' || path === 'grent' ? 17 : MAX_MSIZE;
}

function rread(text: string, offset: number, count: number): Answer {
  const data = Buffer.from(text, 'latin1').subarray(offset, offset + count);
  return { type: MessageType.Rread, data };
}

function nameOf({ path }: { path: string }): string {
  return path.split('/').at(-1)!;
}

/** Numbers for qids: as good as any that no client looks into. */
const paths = new Map<string, number>([['', 1]]);

function qidOf({ path }: { path: string }): Qid {
  if (!paths.has(path)) paths.set(path, paths.size + 1);
  const directory = path === '' || /^\d+$/.test(path);
  return { type: directory ? QidType.DIR : QidType.FILE, version: 0, path: paths.get(path)! };
}
