import { existsSync } from 'node:fs';
import { Errno, NinePError, OpenMode, protocolError } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import {
  type EnvironmentEntry,
  formatArch,
  formatArgv,
  formatEnvironment,
  formatNamespace,
  formatSessionCommand,
  parseArch,
  parseWaitStatus,
  type SessionCommand,
  type WaitStatus,
} from '@xcpu/xcpu-protocol';
import type { NodeConnection } from './dial.js';
import { requestError } from './node-errors.js';
import { openAndRead, openFile, readFile, release, writeFile } from './node-files.js';

/** The streams that a session's program writes. */
export type OutputStream = 'stdout' | 'stderr';

/** What a session is to run. */
export interface Program {
  /** The program and its arguments; the node looks up the first one. */
  readonly argv: readonly string[];
  /** Which of the job's programs this is, from 1 on. */
  readonly rank: number;
  /** The job's name; the node keeps none if left out. */
  readonly jobid?: string | undefined;
  /** Directory to start in: the user's home if left out, `/` on a legacy node. */
  readonly cwd?: string | undefined;
  /** Variables added to what the node gives; a name that the node gives already keeps the node's value. */
  readonly env?: Iterable<EnvironmentEntry> | undefined;
}

interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
}

interface SessionFiles {
  readonly ctl: Fid;
  readonly wait: Fid;
  readonly stdin: Fid;
  readonly stdout: Fid;
  readonly stderr: Fid;
}

/** Appends without truncating, so that the lines follow the node's own. */
const APPEND = OpenMode.WRITE | OpenMode.APPEND;
const REWRITE = OpenMode.WRITE | OpenMode.TRUNCATE;

/** Bytes to ask for where the answer is a number or a short name. */
const SHORT = 63;
/** A legacy node copies its default into `ns` and cannot truncate that: a program has to be as long to cover it. */
const LEGACY_NAMESPACE_BYTES = 1004;

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
  readonly #files: Promise<SessionFiles>;
  readonly #offsets = { stdin: 0, stdout: 0, stderr: 0 };
  #lastCommand: Promise<unknown> = Promise.resolve();

  private constructor(
    connection: NodeConnection,
    id: string,
    archDirectory: string,
    files: Promise<SessionFiles>,
  ) {
    this.connection = connection;
    this.id = id;
    this.#archDirectory = archDirectory;
    this.#files = files;
    // Whatever is done next with the session tells.
    files.catch(() => {});
  }

  /** Makes a session on a node: one round trip, and a second one that `prepare` need not wait for. */
  static create(connection: NodeConnection, options: SessionOptions = {}): Promise<Session> {
    return attempt(connection, async () => {
      const { directory, clone, id } = await cloneSession(connection, options);
      // The clone file holds the session until its own files do.
      const files = openFiles(connection, id, options);
      const released = files.then(() => release(clone));
      if (connection.legacy) await released;
      else released.catch(() => {});
      return new Session(connection, id, directory, files);
    });
  }

  /** Tells the node what to run, without running it yet. */
  prepare(program: Program, options: SessionOptions = {}): Promise<void> {
    return this.#attempt(async () => {
      const { connection, id } = this;
      const texts = [
        { file: 'env', mode: APPEND, text: this.#environment(program) },
        { file: 'argv', mode: REWRITE, text: formatArgv(program.argv) },
        { file: 'ns', mode: REWRITE, text: this.#namespace(program) },
      ];
      const writes: Promise<unknown>[] = [];
      for (const { file, mode, text } of texts) {
        const write = writeFile(connection, [id, file], mode, Buffer.from(text), options);
        if (connection.legacy) await write;
        writes.push(write);
      }
      await Promise.all([...writes, this.#files]);
    });
  }

  /** Starts the program that `prepare` told of. */
  exec({ argv, jobid, rank }: Program, options: SessionOptions = {}): Promise<void> {
    const [program = ''] = argv;
    return this.#command(
      [
        { command: 'id', rank, ...(jobid === undefined ? {} : { jobid }) },
        { command: 'exec', program },
      ],
      options,
    );
  }

  /**
   * The next bytes that the program wrote, at most `count`, as the pieces that were received; an empty one once it can
   * write no more. Several reads of one
   * stream may be under way on a node that is not legacy: they are answered in order.
   */
  async read(
    stream: OutputStream,
    count: number,
    options: SessionOptions = {},
  ): Promise<readonly Uint8Array[]> {
    const files = await this.#files;
    return this.#attempt(async () => {
      const fid = files[stream];
      const wanted = Math.min(count, fid.chunk);
      const pieces = await fid.readPieces(this.#offsets[stream], wanted, given(options));
      for (const { length } of pieces) this.#offsets[stream] += length;
      return pieces;
    });
  }

  /** How the program ended, once it has. */
  wait(options: SessionOptions = {}): Promise<WaitStatus> {
    return this.#attempt(async () => {
      const { wait } = await this.#files;
      const text = Buffer.from(await wait.read(0, SHORT, given(options))).toString('latin1');
      if (text === '') {
        throw new NinePError('the session was wiped', Errno.EIO, { kind: 'closed' });
      }
      return parseWaitStatus(text);
    });
  }

  /** Gives the program input, waiting until it was taken. Answers false once nobody reads it any more. */
  async writeStdin(data: Uint8Array, options: SessionOptions = {}): Promise<boolean> {
    try {
      const { stdin } = await this.#files;
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

  /** Ends the program and removes the session. */
  wipe(): Promise<void> {
    return this.#command([{ command: 'wipe' }]);
  }

  /** Lets go of the session's files; a normal session whose program is over then goes. */
  async close(): Promise<void> {
    const files = await this.#files.catch(() => undefined);
    if (!files) return;
    for (const fid of Object.values(files) as Fid[]) {
      const released = release(fid);
      if (this.connection.legacy) await released;
    }
  }

  /** All commands go in one write: what follows one that fails is then dropped with it. */
  #command(commands: readonly SessionCommand[], options: SessionOptions = {}): Promise<void> {
    return this.#attempt(async () => {
      const text = commands.map((command) => `${formatSessionCommand(command)}\n`).join('');
      const { ctl } = await this.#files;
      if (this.connection.legacy) await this.#lastCommand;
      // A legacy node counts short and has yet taken all: nothing is sent again.
      const written = ctl.write(0, Buffer.from(text), given(options));
      this.#lastCommand = written.catch(() => {});
      await written;
    });
  }

  /** Begins with an empty line, as legacy clients do: the node's own last line may lack its newline. */
  #environment({ env = [] }: Program): string {
    const address = this.connection.client.transport.localAddress;
    return `\n${formatEnvironment([
      ['XCPUARCHDIR', this.#archDirectory],
      ['XCPUCLADDR', address],
      ['XCPUTSADDR', address],
      ...env,
    ])}`;
  }

  #namespace({ cwd }: Program): string {
    const { legacy } = this.connection;
    if (cwd === undefined && !legacy) return '';
    const text = formatNamespace([{ command: 'cd', directory: cwd ?? '/' }]);
    const blanks = legacy ? LEGACY_NAMESPACE_BYTES - Buffer.byteLength(text) : 0;
    return text.replace(' ', ' '.repeat(1 + Math.max(blanks, 0)));
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

async function cloneSession(
  connection: NodeConnection,
  options: SessionOptions,
): Promise<{ directory: string; clone: Fid; id: string }> {
  const directoryFound = archDirectory(connection, options);
  if (connection.legacy) await directoryFound;
  const cloned = openAndRead(connection, ['clone'], SHORT, options);
  const [directory, { fid, data }] = await Promise.all([directoryFound, cloned]);
  const id = Buffer.from(data).toString('latin1');
  if (!/^\d{1,10}$/.test(id)) throw protocolError('the node names a session that is no number');
  return { directory, clone: fid, id };
}

async function openFiles(
  connection: NodeConnection,
  id: string,
  options: SessionOptions,
): Promise<SessionFiles> {
  const open = async (name: string, mode: number, before?: Promise<unknown>) => {
    if (connection.legacy) await before;
    return openFile(connection, [id, name], mode, options);
  };
  const ctl = open('ctl', OpenMode.WRITE);
  const wait = open('wait', OpenMode.READ, ctl);
  const stdin = open('stdin', OpenMode.WRITE, wait);
  const stdout = open('stdout', OpenMode.READ, stdin);
  const stderr = open('stderr', OpenMode.READ, stdout);
  const opened = await Promise.all([ctl, wait, stdin, stdout, stderr]);
  return {
    ctl: opened[0],
    wait: opened[1],
    stdin: opened[2],
    stdout: opened[3],
    stderr: opened[4],
  };
}

/** Asks the node what it is only where the answer matters. */
async function archDirectory(connection: NodeConnection, options: SessionOptions): Promise<string> {
  const { XCPU_SYSROOT } = process.env;
  if (!XCPU_SYSROOT) return '';
  const text = await readFile(connection, ['arch'], options);
  const directory = `${XCPU_SYSROOT}${formatArch(parseArch(text.toString('utf8')))}`;
  return existsSync(directory) ? directory : '';
}

function given({ signal }: SessionOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
