import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { listenTcp, NinePError, OpenMode, QidType } from '@xcpu/9p-protocol';
import {
  type AuthFile,
  type FileServer,
  type OpenFile,
  type Request,
  Server,
  SyntheticDirectory,
  SyntheticFile,
  snapshot,
} from '@xcpu/9p-protocol/server';
import {
  CommandLineBuffer,
  formatArgv,
  formatSessionId,
  formatWaitStatus,
  type PublicKey,
  parseSessionCommand,
  parseSessionId,
  verifySignature,
  type WaitStatus,
} from '@xcpu/xcpu-protocol';
import type { NodeTarget } from '../src/index.js';

/** What a program on a fake node can do. */
export interface FakeIo {
  readonly argv: string;
  readonly stdin: FakeStream;
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
  /** What the program can reach of its client's files: the node's end of a 9P conversation. */
  readonly term: Duplex;
  /** Resolves with the first signal sent. */
  readonly signalled: Promise<number>;
}

export type FakeProgram = (io: FakeIo) => Promise<WaitStatus> | WaitStatus;

export interface FakeNodeOptions {
  /** As a historic C server: its msize, and no request about a fid before the last was answered. */
  readonly legacy?: boolean;
  /** Keys by user name; anybody may enter where this is left out. */
  readonly users?: Readonly<Record<string, PublicKey>>;
  readonly programs?: Readonly<Record<string, FakeProgram>>;
  readonly procs?: string;
  /** Has no `term`, as nodes before it was thought of. */
  readonly noTerm?: boolean;
  /** What a session's `groups` says; older nodes have no such file. */
  readonly groups?: string;
  /** Answers a line written to the node's ctl; what it throws is the node's error. */
  readonly command?: (line: string, user: string) => void;
  /** Called with a line written to a session's ctl; the answer waits for it. */
  readonly sessionCommand?: (line: string) => void | Promise<void>;
}

/** What a client wrote into a file, and how it had opened it. */
export interface Written {
  readonly file: string;
  readonly mode: number;
  readonly text: string;
}

/** A node in this process that records what clients write. */
export class FakeNode {
  readonly written: Written[] = [];
  /** Names that tried to log in, in order, with their numbers. */
  readonly logins: { readonly user: string; readonly uid: number | undefined }[] = [];
  /** Sessions that exist. */
  readonly sessions = new Set<FakeSession>();
  /** Requests about a fid that came before the one before them was answered. */
  overtaking = 0;
  readonly server: Server;
  readonly options: FakeNodeOptions;
  target!: NodeTarget;
  #close!: () => Promise<void>;
  #nextSession = 0;
  /** By connection and tag, the fid that the request is about. */
  readonly #unanswered = new Map<unknown, Map<number, number>>();

  private constructor(options: FakeNodeOptions) {
    this.options = options;
    const { legacy } = options;
    this.server = new Server(this.#files(), {
      ...(legacy && { limits: { msize: 32_792, msizeBeforeAttach: 32_792 } }),
      trace: (connection, direction, message) => {
        const open = this.#unanswered.get(connection) ?? new Map<number, number>();
        this.#unanswered.set(connection, open);
        if (direction === 'sent') open.delete(message.tag);
        else if ('fid' in message) {
          if ([...open.values()].includes(message.fid)) this.overtaking++;
          open.set(message.tag, message.fid);
        }
      },
      fault: (_, error) => {
        throw error;
      },
    });
  }

  static async start(name: string, options: FakeNodeOptions = {}): Promise<FakeNode> {
    const node = new FakeNode(options);
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) =>
      node.server.accept(transport),
    );
    const port = Number(listener.address.split('!')[1]);
    node.target = { name, host: '127.0.0.1', port };
    node.#close = async () => {
      node.server.close();
      await listener.close();
    };
    return node;
  }

  close(): Promise<void> {
    return this.#close();
  }

  texts(file: string): string[] {
    return this.written.filter((entry) => entry.file === file).map(({ text }) => text);
  }

  #files(): FileServer<string> {
    const { users } = this.options;
    const root = new Root(this);
    return {
      auth: ({ uname, nUname }) => {
        this.logins.push({ user: uname, uid: nUname });
        if (!users) throw new NinePError('authentication not required');
        const key = users[uname];
        if (!key) throw new NinePError('unknown user');
        return new Challenge(key);
      },
      attach: ({ uname }, auth) => {
        if (users && !users[uname]) throw new NinePError('unknown user');
        if (users && !(auth as Challenge | undefined)?.proved) {
          throw new NinePError('authentication failed');
        }
        return { root, user: uname };
      },
    };
  }

  makeSession(): FakeSession {
    const session = new FakeSession(this, String(this.#nextSession++));
    this.sessions.add(session);
    return session;
  }
}

class Challenge implements AuthFile {
  readonly qid = { type: QidType.AUTH, version: 0, path: 1 };
  readonly #key: PublicKey;
  readonly #bytes = randomBytes(16);
  proved = false;

  constructor(key: PublicKey) {
    this.#key = key;
  }

  read(offset: number, count: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + count);
  }

  write(_offset: number, data: Uint8Array): number {
    this.proved = verifySignature(this.#bytes, data, this.#key);
    return data.length;
  }
}

class Root extends SyntheticDirectory<string> {
  readonly #node: FakeNode;

  constructor(node: FakeNode) {
    super({ name: '/', mode: 0o555, uid: 'x', gid: 'x' });
    this.#node = node;
    this.add(file('arch', () => snapshot('/Linux/x86_64')));
    this.add(file('procs', () => snapshot(node.options.procs ?? '')));
    this.add(file('clone', () => snapshot(node.makeSession().id)));
    this.add(
      file('ctl', (_, user) => ({
        write: (_offset, data) => {
          const text = Buffer.from(data).toString();
          node.written.push({ file: '/ctl', mode: 1, text });
          node.options.command?.(text.split('\n')[0]!, user);
          return data.length;
        },
      })),
    );
  }

  override find(name: string, request: Request<string>) {
    for (const session of this.#node.sessions) if (session.id === name) return session.directory;
    return super.find(name, request);
  }

  override *list(request: Request<string>) {
    yield* super.list(request);
    for (const session of this.#node.sessions) yield session.directory;
  }
}

/** A session on a fake node. */
export class FakeSession {
  readonly id: string;
  readonly directory: SyntheticDirectory<string>;
  readonly #node: FakeNode;
  readonly #streams = {
    stdin: new FakeStream(),
    stdout: new FakeStream(),
    stderr: new FakeStream(),
  };
  readonly #wait = new FakeStream();
  readonly #term = { toClient: new FakeStream(), toNode: new FakeStream() };
  readonly #lines = new CommandLineBuffer();
  #argv = '';
  #id = '/0';
  #signal!: (signal: number) => void;
  readonly #signalled = new Promise<number>((resolve) => {
    this.#signal = resolve;
  });

  constructor(node: FakeNode, id: string) {
    this.#node = node;
    this.id = id;
    this.directory = new SyntheticDirectory({ name: id, mode: 0o555, uid: 'alice', gid: 'x' });
    this.directory.add(file('id', () => snapshot(this.#id)));
    for (const name of ['ctl', 'env', 'argv', 'ns']) {
      this.directory.add(file(name, (mode) => this.#text(name, mode)));
    }
    const { stdin, stdout, stderr } = this.#streams;
    this.directory.add(
      file('stdin', () => ({ write: (_, data, request) => stdin.give(data, request) })),
    );
    this.directory.add(file('stdout', () => stdout.file()));
    this.directory.add(file('stderr', () => stderr.file()));
    this.directory.add(file('wait', () => this.#wait.file()));
    const { toClient, toNode } = this.#term;
    const term = {
      ...toClient.file(),
      write: (_: number, data: Uint8Array, request: Request<unknown>) => toNode.give(data, request),
    };
    if (!node.options.noTerm) this.directory.add(file('term', () => term));
    const { groups } = node.options;
    if (groups !== undefined) this.directory.add(file('groups', () => snapshot(groups)));
  }

  #text(name: string, mode: number): OpenFile<string> {
    return {
      write: async (_offset, data) => {
        const text = Buffer.from(data).toString();
        this.#node.written.push({ file: name, mode, text });
        if (name === 'argv') this.#argv = text;
        if (name === 'ctl') for (const line of this.#lines.push(data)) await this.#command(line);
        return data.length;
      },
    };
  }

  async #command(line: string): Promise<void> {
    await this.#node.options.sessionCommand?.(line);
    const command = parseSessionCommand(line);
    if (command.command === 'id') {
      this.#id = formatSessionId(
        parseSessionId(line.slice('id '.length), parseSessionId(this.#id)),
      );
    }
    if (command.command === 'argv') this.#argv = formatArgv(command.args);
    if (command.command === 'exec') void this.#exec(command.program);
    if (command.command === 'signal') this.#signal(command.signal);
    if (command.command === 'wipe') this.#over({ signal: 9 });
    if (command.command === 'close') this.#streams.stdin.end();
  }

  async #exec(name: string): Promise<void> {
    const program = this.#node.options.programs?.[name];
    const term = joined(this.#term.toNode, this.#term.toClient);
    const io = { argv: this.#argv, ...this.#streams, term, signalled: this.#signalled };
    this.#over(program ? await program(io) : { exitCode: 127 });
  }

  #over(status: WaitStatus): void {
    this.#node.sessions.delete(this);
    this.#streams.stdin.stop();
    this.#streams.stdout.end();
    this.#streams.stderr.end();
    this.#term.toClient.end();
    this.#term.toNode.stop();
    void this.#wait.write(formatWaitStatus(status));
    this.#wait.end();
  }
}

/** Bytes on their way, with back-pressure above 64 KiB. */
export class FakeStream {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #stopped = false;
  #changed: (() => void)[] = [];

  /** Waits while more than 64 KiB are not taken; false once nobody takes any more. */
  async write(data: string | Uint8Array): Promise<boolean> {
    const chunk = Buffer.from(data);
    while (this.#bytes > 65_536 && !this.#stopped) await this.#change();
    if (this.#ended || this.#stopped) return false;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    return true;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Nobody reads any more. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** The next chunk, empty at the end. */
  async read(count: number, request?: Request<unknown>): Promise<Uint8Array> {
    while (this.#chunks.length === 0 && !this.#ended) {
      await Promise.race([this.#change(), ...(request ? [aborted(request)] : [])]);
    }
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (first.length <= count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    const data = first.subarray(0, count);
    this.#bytes -= data.length;
    this.#wake();
    return data;
  }

  async all(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = await this.read(1 << 20);
      if (chunk.length === 0) return Buffer.concat(chunks);
      chunks.push(chunk);
    }
  }

  async give(data: Uint8Array, request: Request<unknown>): Promise<number> {
    const taken = await Promise.race([this.write(data), aborted(request)]);
    if (!taken) throw new NinePError('broken pipe', 32);
    return data.length;
  }

  file(): OpenFile<string> {
    let last: Promise<unknown> = Promise.resolve();
    return {
      stream: true,
      read: (_, count, request) => {
        const read = last.then(() => this.read(count, request));
        last = read.catch(() => {});
        return read;
      },
    };
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const wake of changed) wake();
  }
}

/** Two streams as the ends of one. */
function joined(from: FakeStream, to: FakeStream): Duplex {
  const stream: Duplex = new Duplex({
    read: () => void from.read(1 << 20).then((data) => stream.push(data.length > 0 ? data : null)),
    write: (data: Buffer, _, done) => void to.write(data).then(() => done()),
  });
  return stream;
}

function aborted({ signal }: Request<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

function file(
  name: string,
  open: (mode: number, user: string) => OpenFile<string>,
): SyntheticFile<string> {
  const owner = { uid: 'x', gid: 'x', nUid: 1001, nGid: 100 };
  const made = new SyntheticFile<string>({ name, mode: 0o660, ...owner });
  made.open = (mode, request) => {
    if (mode & ~(OpenMode.ACCESS_MASK | OpenMode.TRUNCATE | OpenMode.APPEND)) {
      throw new NinePError('strange mode');
    }
    return open(mode, request.user);
  };
  return made;
}
