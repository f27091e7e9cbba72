import { NinePError, OpenMode, protocolError, type Transport } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import {
  formatSessionCommand,
  type GroupEntry,
  parseWaitStatus,
  type SessionCommand,
  type WaitStatus,
} from '@xcpu/xcpu-protocol';
import { NodeError } from '../errors.js';
import type { NodeConnection } from '../node/dial.js';
import { legacyFilesError, requestError } from '../node/errors.js';
import {
  allOrFirstError,
  type OpeningFile,
  openAhead,
  rejectWithFirst,
  release,
  writeFile,
} from '../node/files.js';
import type { NodeTarget } from '../nodes.js';
import {
  type Program,
  type ProgramTexts,
  programTexts,
  setUpCommands,
  setUpFiles,
} from './program.js';
import { groupsOf, makeSession, openSession, type SessionFiles, SHORT } from './session-files.js';
import { TermTransport } from './term-transport.js';

/** The streams that a session's program writes. */
export type OutputStream = 'stdout' | 'stderr';

/** The way by which a node reaches the files of whoever runs a program there: a 9P conversation, whose server he is. */
export interface FileChannel {
  readonly target: NodeTarget;
  /** To be given to a server: `new Server(files, { limits }).accept(transport)`. */
  readonly transport: Transport;
  /**
   * What that server is to be told: the largest message that fits, and that the node may take its time to attach, as it
   * does so when the program's namespace is built, if at all.
   */
  readonly limits: { readonly msize: number; readonly attachTimeout: number };
  /** Who the user is on the node. */
  readonly owner: {
    readonly user: string;
    readonly uid: number;
    readonly group: string;
    readonly gid: number;
    /** All of his groups, as far as the node tells them: an older one names but the default one. */
    readonly groups: readonly GroupEntry[];
  };
}

/** Serves files to a session's program. */
export type ServeFiles = (channel: FileChannel) => void;

interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Longest time that a timer takes, in milliseconds: some 24 days. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * A place on a node where one program runs (wire document, sections 3, 4 and 9). It lives as long as its files are
 * open: until `close`, or the end of the connection.
 *
 * Every method throws a NodeError for what the node answers, or the signal's reason.
 */
export class Session {
  readonly connection: NodeConnection;
  /** The session's directory on the node: a decimal number. */
  readonly id: string;
  /** Where programs of the node's kind of machine are on this one: `$XCPU_SYSROOT/<arch>`, empty for nowhere. */
  readonly #archDirectory: string;
  readonly #files: SessionFiles;
  readonly #offsets = { stdin: 0, stdout: 0, stderr: 0 };
  /** What `exec` says in ctl beside itself, and the same as texts. */
  #setUp: readonly SessionCommand[] = [];
  #texts: ProgramTexts | undefined;
  #lastCommand: Promise<unknown> = Promise.resolve();

  private constructor(
    connection: NodeConnection,
    id: string,
    archDirectory: string,
    files: SessionFiles,
  ) {
    this.connection = connection;
    this.id = id;
    this.#archDirectory = archDirectory;
    this.#files = files;
  }

  /** Makes a session on a node: one round trip, and a second one that nothing need wait for. */
  static create(connection: NodeConnection, options: SessionOptions = {}): Promise<Session> {
    return attempt(connection, async () => {
      const { id, archDirectory, files } = await makeSession(connection, options);
      return new Session(connection, id, archDirectory, files);
    });
  }

  /** A session that is there already; that it is not, or may not be used, is told by what is done with it. */
  static attach(connection: NodeConnection, id: string): Promise<Session> {
    return attempt(connection, async () => {
      return new Session(connection, id, '', await openSession(connection, id));
    });
  }

  /**
   * Lets the session's program reach files that `files` serves; to be called before `prepare`. Nothing need wait for
   * it: its requests go out at once, and `files` is called when they were answered.
   */
  async serve(files: ServeFiles, options: SessionOptions = {}): Promise<void> {
    const { connection, id } = this;
    const { target, client, legacy } = connection;
    if (legacy) throw legacyFilesError(target, client.msize);
    const term = openAhead(connection, [id, 'term'], OpenMode.READ_WRITE, options);
    this.#files.term = term;
    return this.#attempt(async () => {
      const asked = term.fid.stat(given(options));
      const telling = groupsOf(connection, id, options);
      const [, { uid: user, gid: group, nUid, nGid }] = await allOrFirstError([term.opened, asked]);
      if (nUid === undefined || nGid === undefined) {
        throw protocolError("the node tells no user's number");
      }
      const others = (await telling).filter(({ gid }) => gid !== nGid);
      const address = `${target.host}!${target.port}/${id}/term`;
      files({
        target,
        transport: new TermTransport(term, { address, group: target.name }),
        // Its answers are the payload of writes.
        limits: { msize: client.maxCount, attachTimeout: NEVER_MS },
        owner: {
          user,
          uid: nUid,
          group,
          gid: nGid,
          groups: [{ name: group, gid: nGid }, ...others],
        },
      });
    });
  }

  /**
   * Tells the node what to run, without running it yet. What fits into lines goes with `exec`; a legacy node, and one
   * that is to get longer texts, is written files.
   */
  prepare(program: Program, options: SessionOptions = {}): Promise<void> {
    return this.#attempt(async () => {
      const { connection } = this;
      const ownTerm = this.#files.term !== undefined;
      const texts = programTexts(program, connection, this.#archDirectory, ownTerm);
      this.#texts = texts;
      this.#setUp = connection.legacy ? [] : setUpCommands(texts, connection.client.maxCount);
      if (this.#setUp.length === 0) await this.#writeFiles(texts, options);
    });
  }

  /** Starts the program that `prepare` told of. */
  async exec(program: Program, options: SessionOptions = {}): Promise<void> {
    try {
      await this.#exec(program, options);
    } catch (error) {
      const texts = this.#setUp.length > 0 && isUnknownCommand(error) ? this.#texts : undefined;
      if (!texts) throw error;
      // An older node, which is written files. It has dropped all that followed.
      this.#setUp = [];
      await this.#attempt(() => this.#writeFiles(texts, options));
      await this.#exec(program, options);
    }
  }

  #exec(program: Program, options: SessionOptions): Promise<void> {
    const { argv, path = argv[0] ?? '', jobid, rank, input, persistent } = program;
    const ends = !input && !this.connection.legacy;
    return this.#command(
      [
        { command: 'id', rank, ...(jobid === undefined ? {} : { jobid }) },
        ...(persistent ? [{ command: 'type', type: 'persistent' } as const] : []),
        ...this.#setUp,
        { command: 'exec', program: path },
        ...(ends ? [{ command: 'close', stream: 'stdin' } as const] : []),
      ],
      options,
    );
  }

  /**
   * The next bytes that the program wrote, at most `count`, as the pieces that were received; none once it can write no
   * more. Several reads of one stream may be under way on a node that is not legacy: they are answered in order.
   */
  async read(
    stream: OutputStream,
    count: number,
    options: SessionOptions = {},
  ): Promise<readonly Uint8Array[]> {
    return this.#attempt(async () => {
      const { fid, opened } = this.#files[stream];
      const wanted = Math.min(count, fid.chunk);
      const read = fid.readPieces(this.#offsets[stream], wanted, given(options));
      const pieces = await read.catch((error) => rejectWithFirst(opened, error));
      for (const { length } of pieces) this.#offsets[stream] += length;
      return pieces;
    });
  }

  /** How the program ended, once it has. */
  wait(options: SessionOptions = {}): Promise<WaitStatus> {
    return this.#attempt(async () => {
      const { target } = this.connection;
      const { fid, opened } = this.#files.wait;
      const [, status] = await allOrFirstError([opened, fid.read(0, SHORT, given(options))]);
      const text = Buffer.from(status).toString('latin1');
      if (text === '') throw new NodeError(target.name, 'lost', 'the session was wiped');
      return parseWaitStatus(text);
    });
  }

  /** Gives the program input, waiting until it was taken. Answers false once nobody reads it any more. */
  async writeStdin(data: Uint8Array, options: SessionOptions = {}): Promise<boolean> {
    try {
      const { connection, id } = this;
      this.#files.stdin ??= openAhead(connection, [id, 'stdin'], OpenMode.WRITE);
      const { fid: stdin } = this.#files.stdin;
      for (let done = 0; done < data.length; ) {
        const piece = data.subarray(done, done + stdin.chunk);
        const count = await stdin.write(this.#offsets.stdin, piece, given(options));
        this.#offsets.stdin += count;
        done += count;
        if (count === 0) return false;
      }
      return true;
    } catch (error) {
      // A program that ended, or closed its input, is no failure of the one who writes.
      if (error instanceof NinePError && error.kind === 'file') return false;
      throw requestError(this.connection.target, error);
    }
  }

  /** The program's input ends here. */
  closeStdin(): Promise<void> {
    return this.#command([{ command: 'close', stream: 'stdin' }]);
  }

  /** Sends the program a Linux signal. */
  signal(signal: number): Promise<void> {
    return this.#command([{ command: 'signal', signal }]);
  }

  /** Has the session go with its last open file, whatever was said before. */
  endWithReaders(): Promise<void> {
    return this.#command([{ command: 'type', type: 'normal' }]);
  }

  /** Ends the program and removes the session. */
  wipe(): Promise<void> {
    return this.#command([{ command: 'wipe' }]);
  }

  /** Lets go of the session's files; a normal session whose program is over then goes. */
  async close(): Promise<void> {
    for (const { fid } of Object.values(this.#files) as OpeningFile[]) {
      const released = release(fid);
      if (this.connection.legacy) await released;
    }
  }

  /** All commands go in one write: what follows one that fails is then dropped with it. */
  #command(commands: readonly SessionCommand[], options: SessionOptions = {}): Promise<void> {
    return this.#attempt(async () => {
      const text = commands.map((command) => `${formatSessionCommand(command)}\n`).join('');
      const { fid, opened } = this.#files.ctl;
      if (this.connection.legacy) await this.#lastCommand;
      // A legacy node counts short and has yet taken all: nothing is sent again.
      const written = writeInPieces(fid, Buffer.from(text), options);
      this.#lastCommand = written.catch(() => {});
      await allOrFirstError([opened, written]);
    });
  }

  async #writeFiles(texts: ProgramTexts, options: SessionOptions): Promise<void> {
    const { connection, id } = this;
    const writes: Promise<unknown>[] = [];
    for (const { file, mode, text } of setUpFiles(texts)) {
      const write = writeFile(connection, [id, file], mode, Buffer.from(text), options);
      if (connection.legacy) await write;
      writes.push(write);
    }
    await Promise.all(writes);
  }

  #attempt<T>(work: () => Promise<T>): Promise<T> {
    return attempt(this.connection, work);
  }
}

async function attempt<T>({ target }: NodeConnection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof NinePError ? requestError(target, error) : error;
  }
}

/** One write, unless the node takes only small ones: a command may span several. */
async function writeInPieces(fid: Fid, data: Uint8Array, options: SessionOptions): Promise<void> {
  const { maxCount } = fid.client;
  for (let at = 0; at < data.length; at += maxCount) {
    await fid.write(0, data.subarray(at, at + maxCount), given(options));
  }
}

function isUnknownCommand(error: unknown): boolean {
  const cause = error instanceof NodeError ? error.cause : undefined;
  return cause instanceof NinePError && cause.ename === 'unknown command';
}

function given({ signal }: SessionOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
