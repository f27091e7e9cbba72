import { Client } from '../client/index.js';
import { type Dialect, MessageType, ModeBit, NOFID, NONUNAME, OpenMode } from '../constants.js';
import { GetattrMask, LinuxOpen } from '../constants-linux.js';
import { formatMessage } from '../format.js';
import type { TMessage } from '../messages.js';
import type { Transport } from '../transport/transport.js';
import type { Qid, Uint64 } from '../types.js';
import { Conversation } from './conversation.js';
import { expect, same } from './expect.js';
import { type FileChanges, type FileInfo, infoOf, linuxFlags, setattr, wstat } from './requests.js';

/** A server under test, and how to get at it. */
export interface Access {
  readonly connect: () => Promise<Transport>;
  readonly dialect: Dialect;
  readonly uname: string;
  /** The user's number, NONUNAME for none. */
  readonly nUname: number;
  readonly aname: string;
  readonly msize: number;
  /** Sees what is said. */
  readonly trace: (line: () => string) => void;
}

const M = MessageType;

/**
 * One connection to the server under test, with an empty directory for one behaviour. Its methods are single
 * requests where it matters, said in the words of the dialect; files are named by fids.
 */
export class Subject {
  readonly client: Client;
  readonly dialect: Dialect;
  /** A fid of the server's root. */
  readonly root: number;
  /** A fid of the behaviour's directory, and its name in the root. */
  dir = NOFID;
  readonly dirName: string;
  readonly #access: Access;
  readonly #ends: (() => void)[] = [];

  private constructor(client: Client, access: Access, dirName: string) {
    this.client = client;
    this.dialect = access.dialect;
    this.root = client.takeFid();
    this.dirName = dirName;
    this.#access = access;
  }

  /** Connects and attaches; `dir` is not there yet. */
  static async connect(access: Access, dirName: string): Promise<Subject> {
    const { dialect, msize } = access;
    const client = await Client.connect(await access.connect(), {
      version: dialect,
      msize,
      heartbeat: 0,
      trace: (direction, message) =>
        access.trace(() => `${direction === 'sent' ? '→' : '←'} ${formatMessage(message)}`),
    });
    const subject = new Subject(client, access, dirName);
    subject.#ends.push(() => client.destroy());
    same(client.dialect, dialect, 'dialect agreed on');
    await subject.attach(subject.root);
    return subject;
  }

  /** Whether the dialect is 9P2000.L. */
  get linux(): boolean {
    return this.dialect === '9P2000.L';
  }

  get uid(): number {
    return this.#access.nUname;
  }

  get uname(): string {
    return this.#access.uname;
  }

  /** Sends a request as it is. */
  readonly call: Client['request'] = (...request) => this.client.request(...request);

  /** Another connection of the same user, with its own fids of the root and the directory. */
  async another(): Promise<Subject> {
    const other = await Subject.connect(this.#access, this.dirName);
    this.#ends.push(() => other.close());
    other.dir = await other.walk(this.dirName, other.root);
    return other;
  }

  /** A connection on which nothing was said yet. */
  async dial(): Promise<Conversation> {
    const conversation = new Conversation(await this.#access.connect(), this.dialect);
    this.#ends.push(() => conversation.close());
    return conversation;
  }

  /** A connection with everything by hand: fid 0 is the root, fid 1 the directory. */
  async talk(): Promise<Conversation> {
    const conversation = await this.dial();
    await conversation.call(this.version());
    await conversation.call(this.attachment(0));
    await conversation.call({ type: M.Twalk, tag: 1, fid: 0, newfid: 1, names: [this.dirName] });
    return conversation;
  }

  /** A Tversion. */
  version(text: string = this.dialect, msize = this.#access.msize): TMessage {
    return { type: M.Tversion, tag: 0xffff, msize, version: text };
  }

  /** A Tattach of the user of the test. */
  attachment(fid: number, afid = NOFID): TMessage & { type: 104 } {
    const { uname, nUname, aname } = this.#access;
    return { type: M.Tattach, tag: 1, fid, afid, uname, aname, nUname };
  }

  /** Attaches, and answers the qid of the root. */
  async attach(fid: number, afid = NOFID): Promise<Qid> {
    return (await this.call(this.attachment(fid, afid))).qid;
  }

  /** Closes this connection and those that were made from it. */
  close(): void {
    for (const end of this.#ends) end();
  }

  /** A fid that is not in use. */
  fid(): number {
    return this.client.takeFid();
  }

  /** A new fid for what is there; no names: for the directory itself. */
  async walk(names: string | readonly string[] = [], from = this.dir): Promise<number> {
    const newfid = this.fid();
    const list = typeof names === 'string' ? [names] : names;
    const { qids } = await this.call({ type: M.Twalk, fid: from, newfid, names: list });
    same(qids.length, list.length, `qids of the walk to ${JSON.stringify(list)}`);
    return newfid;
  }

  /** Whether a walk arrives. */
  async exists(names: string | readonly string[], from = this.dir): Promise<boolean> {
    const newfid = this.fid();
    const list = typeof names === 'string' ? [names] : names;
    try {
      const { qids } = await this.call({ type: M.Twalk, fid: from, newfid, names: list });
      if (qids.length < list.length) return false;
    } catch {
      return false;
    }
    await this.clunk(newfid);
    return true;
  }

  /** The qid that a walk yields. */
  async qid(name: string, from = this.dir): Promise<Qid> {
    const newfid = this.fid();
    const { qids } = await this.call({ type: M.Twalk, fid: from, newfid, names: [name] });
    await this.clunk(newfid);
    expect(qids[0] !== undefined, `the walk to ${name} yields no qid`);
    return qids[0];
  }

  /** Gives a fid up. */
  async clunk(fid: number): Promise<void> {
    await this.call({ type: M.Tclunk, fid });
  }

  /** Opens a fid; `mode` is bits of OpenMode. */
  async openFid(fid: number, mode: number = OpenMode.READ): Promise<{ qid: Qid; iounit: number }> {
    if (!this.linux) return this.call({ type: M.Topen, fid, mode });
    return this.call({ type: M.Tlopen, fid, flags: linuxFlags(mode) });
  }

  /** A new fid, open. */
  async open(
    names: string | readonly string[] = [],
    mode: number = OpenMode.READ,
    from = this.dir,
  ): Promise<number> {
    const fid = await this.walk(names, from);
    await this.openFid(fid, mode);
    return fid;
  }

  /** Makes a file out of a fid of its directory, which then is the file, open. */
  async createFid(
    fid: number,
    name: string,
    permissions = 0o644,
    mode: number = OpenMode.READ_WRITE,
  ): Promise<Qid> {
    if (this.linux) {
      const flags = linuxFlags(mode) | LinuxOpen.CREATE | LinuxOpen.EXCL;
      const request = { type: M.Tlcreate, fid, name, flags, mode: permissions, gid: this.gid };
      return (await this.call(request)).qid;
    }
    const request = { type: M.Tcreate, fid, name, perm: permissions, mode, extension: '' } as const;
    return (await this.call(request)).qid;
  }

  /** The group that new files are to have: the user's own. */
  get gid(): number {
    return this.uid === NONUNAME ? 0 : this.uid;
  }

  /** A new file, open for reading and writing. */
  async create(name: string, permissions = 0o644, from = this.dir): Promise<number> {
    const fid = await this.walk([], from);
    await this.createFid(fid, name, permissions);
    return fid;
  }

  /** A new file with something in it. */
  async file(name: string, contents = '', from = this.dir): Promise<void> {
    const fid = await this.create(name, 0o644, from);
    if (contents !== '') await this.write(fid, 0, contents);
    await this.clunk(fid);
  }

  /** A new directory. */
  async mkdir(name: string, permissions = 0o755, from = this.dir): Promise<Qid> {
    if (this.linux) {
      const request = { type: M.Tmkdir, fid: from, name, mode: permissions, gid: this.gid };
      return (await this.call(request)).qid;
    }
    const fid = await this.walk([], from);
    const perm = (ModeBit.DIR | permissions) >>> 0;
    const request = { type: M.Tcreate, fid, name, perm, mode: 0, extension: '' } as const;
    const { qid } = await this.call(request);
    await this.clunk(fid);
    return qid;
  }

  /** One Tread. */
  async read(fid: number, offset: Uint64 = 0, count = 4096): Promise<Buffer> {
    const { data, parts } = await this.call({ type: M.Tread, fid, offset, count });
    return parts ? Buffer.concat(parts) : Buffer.from(data);
  }

  /** One Twrite; answers how much was taken. */
  async write(fid: number, offset: Uint64, contents: string | Uint8Array): Promise<number> {
    const data = Buffer.from(contents as string);
    return (await this.call({ type: M.Twrite, fid, offset, data })).count;
  }

  /** The beginning of a file. */
  async text(names: string | readonly string[], from = this.dir): Promise<string> {
    const fid = await this.open(names, OpenMode.READ, from);
    const text = await this.read(fid);
    await this.clunk(fid);
    return text.toString();
  }

  /** What there is to know about a file, in every dialect. */
  async info(fid: number): Promise<FileInfo> {
    if (!this.linux) return infoOf((await this.call({ type: M.Tstat, fid })).stat);
    const { qid, attributes } = await this.call({
      type: M.Tgetattr,
      fid,
      requestMask: GetattrMask.BASIC,
    });
    return infoOf({ qid, ...attributes });
  }

  /** The same of what a walk leads to. */
  async infoOf(names: string | readonly string[]): Promise<FileInfo> {
    const fid = await this.walk(names);
    const info = await this.info(fid);
    await this.clunk(fid);
    return info;
  }

  /** Changes attributes of a file. */
  async change(fid: number, changes: FileChanges): Promise<void> {
    if (this.linux) await this.call(setattr(fid, changes));
    else await this.call(wstat(fid, changes));
  }

  /** Removes what is there. */
  async remove(names: string | readonly string[]): Promise<void> {
    const fid = await this.walk(names);
    await this.call({ type: M.Tremove, fid });
  }
}
