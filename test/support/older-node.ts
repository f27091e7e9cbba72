import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { listenTcp, NinePError, OpenMode } from '@xcpu/9p-protocol';
import {
  type AuthFile,
  type OpenFile,
  Server,
  SyntheticDirectory,
  SyntheticFile,
  snapshot,
} from '@xcpu/9p-protocol/server';
import {
  CommandLineBuffer,
  formatProcessList,
  formatWaitStatus,
  type ProcessEntry,
  parseArgv,
  parseEnvironment,
  parseSessionCommand,
} from '@xcpu/xcpu-protocol';
import { endWithTests } from './command.js';

export interface OlderNodeOptions {
  readonly host: string;
  /** Files that it has not: `term` of sessions, `pwent` of the root. */
  readonly without: readonly string[];
  /** Commands of a session's ctl that it knows. */
  readonly commands: readonly string[];
  /** Largest message that it takes, in bytes. */
  readonly msize?: number;
  /** Who may enter; only he administers it. */
  readonly admin?: string;
}

/**
 * A node whose xcpufs is older than ours: it has fewer files, and knows fewer commands. It believes everybody, and runs
 * programs as the tests' own user.
 */
export class OlderNode {
  readonly options: OlderNodeOptions;
  readonly sessions: OlderSession[] = [];
  name = '';
  #close: () => Promise<void> = async () => {};

  private constructor(options: OlderNodeOptions) {
    this.options = options;
  }

  static async start(options: OlderNodeOptions): Promise<OlderNode> {
    const node = new OlderNode(options);
    const root = new Root(node);
    const { msize } = options;
    const server = new Server<string>(
      {
        auth: () => new Believer(),
        attach: ({ uname }) => ({ root, user: uname }),
      },
      msize === undefined ? {} : { limits: { msize, msizeBeforeAttach: msize } },
    );
    const listener = await listenTcp({ host: options.host, port: 0 }, (transport) =>
      server.accept(transport),
    );
    node.name = listener.address;
    node.#close = async () => {
      for (const { child } of node.sessions) child?.kill('SIGKILL');
      server.close();
      await listener.close();
    };
    return node;
  }

  stop(): Promise<void> {
    return this.#close();
  }
}

/** Takes any proof. */
class Believer implements AuthFile {
  readonly qid = { type: 8, version: 0, path: 0 };

  read(offset: number, count: number): Uint8Array {
    return Buffer.alloc(16).subarray(offset, offset + count);
  }

  write(_offset: number, data: Uint8Array): number {
    return data.length;
  }
}

class Root extends SyntheticDirectory<string> {
  readonly #node: OlderNode;

  constructor(node: OlderNode) {
    super({ name: '/', mode: 0o555, uid: 'xcpu-admin', gid: 'xcpu-admin' });
    this.#node = node;
    const files: Record<string, () => OpenFile<string>> = {
      arch: () => snapshot('/Linux/x86_64') as OpenFile<string>,
      procs: () => snapshot(formatProcessList(processes(node))) as OpenFile<string>,
      pwent: () => snapshot('xcpu-admin:65530:65530:xcpu-admin\n') as OpenFile<string>,
      ctl: () => ({
        write: () => {
          throw new NinePError('unknown command', 5);
        },
      }),
    };
    for (const [name, open] of Object.entries(files)) {
      if (!node.options.without.includes(name)) this.add(file(name, open, node.options.admin));
    }
    const clone = new SyntheticFile<string>({ name: 'clone', mode: 0o444, uid: 'x', gid: 'x' });
    clone.open = (_mode, { user }) => {
      const session = new OlderSession(String(node.sessions.length), user, node.options);
      node.sessions.push(session);
      return snapshot(session.sid) as OpenFile<string>;
    };
    this.add(clone);
  }

  override find(name: string, request: Parameters<SyntheticDirectory<string>['find']>[1]) {
    const session = this.#node.sessions.find(({ sid }) => sid === name);
    return session?.directory ?? super.find(name, request);
  }
}

class OlderSession {
  readonly sid: string;
  readonly directory: SyntheticDirectory<string>;
  /** Names of the files that were opened. */
  readonly opened: string[] = [];
  /** Commands that were carried out. */
  readonly commands: string[] = [];
  child: ChildProcessWithoutNullStreams | undefined;
  readonly #known: readonly string[];
  readonly #lines = new CommandLineBuffer();
  readonly #texts = { env: '', argv: '', ns: '' };
  readonly #input: (Uint8Array | undefined)[] = [];
  readonly #output = { stdout: new Output(), stderr: new Output(), wait: new Output() };
  id = '/0';

  constructor(sid: string, owner: string, { without, commands }: OlderNodeOptions) {
    this.sid = sid;
    this.#known = commands;
    this.directory = new SyntheticDirectory({ name: sid, mode: 0o555, uid: owner, gid: 'x' });
    const files: Record<string, (mode: number) => OpenFile<string>> = {
      ctl: () => ({ write: (_, data) => this.#command(data) }),
      env: (mode) => this.#text('env', mode),
      argv: (mode) => this.#text('argv', mode),
      ns: (mode) => this.#text('ns', mode),
      stdin: () => ({ write: (_, data) => this.#feed(data) }),
      stdout: () => this.#output.stdout.file(),
      stderr: () => this.#output.stderr.file(),
      wait: () => this.#output.wait.file(),
    };
    for (const [name, open] of Object.entries(files)) {
      if (!without.includes(name)) this.directory.add(file(name, open, undefined, this.opened));
    }
  }

  #text(name: 'env' | 'argv' | 'ns', mode: number): OpenFile<string> {
    if (mode & OpenMode.TRUNCATE) this.#texts[name] = '';
    return {
      write: (offset, data) => {
        const at = mode & OpenMode.APPEND ? this.#texts[name].length : offset;
        this.#texts[name] = this.#texts[name].slice(0, at) + Buffer.from(data).toString();
        return data.length;
      },
    };
  }

  #command(data: Uint8Array): number {
    for (const line of this.#lines.push(data)) {
      const [name = ''] = line.split(' ');
      if (!this.#known.includes(name)) throw new NinePError('unknown command', 5);
      if (name === 'signal' && line.split(' ').length > 2) throw new NinePError('syntax error', 5);
      this.commands.push(line);
      const command = parseSessionCommand(line);
      if (command.command === 'id') this.id = `${command.jobid ?? ''}/${command.rank ?? ''}`;
      if (command.command === 'exec') this.#exec();
      if (command.command === 'close') this.#feed(undefined);
      if (command.command === 'signal') this.child?.kill(command.signal);
    }
    return data.length;
  }

  #exec(): void {
    const [program = '', ...args] = parseArgv(this.#texts.argv);
    const env = Object.fromEntries(parseEnvironment(this.#texts.env));
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env } });
    this.child = child;
    endWithTests(child);
    child.stdout.on('data', (data: Buffer) => this.#output.stdout.push(data));
    child.stderr.on('data', (data: Buffer) => this.#output.stderr.push(data));
    child.on('close', (code, signal) => {
      const status = code === null ? { signal: SIGNALS[signal ?? ''] ?? 9 } : { exitCode: code };
      this.#output.wait.push(Buffer.from(formatWaitStatus(status)));
      for (const output of Object.values(this.#output)) output.end();
    });
    for (const data of this.#input.splice(0)) this.#feed(data);
  }

  #feed(data: Uint8Array | undefined): number {
    if (!this.child) this.#input.push(data && Buffer.from(data));
    else if (data) this.child.stdin.write(Buffer.from(data));
    else this.child.stdin.end();
    return data?.length ?? 0;
  }
}

const SIGNALS: Readonly<Record<string, number>> = { SIGTERM: 15, SIGKILL: 9 };

/** What a program wrote, for one reader who waits for it. */
class Output {
  #data = Buffer.alloc(0);
  #ended = false;
  #answer: (() => void)[] = [];

  push(data: Buffer): void {
    this.#data = Buffer.concat([this.#data, data]);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  file(): OpenFile<string> {
    let last: Promise<unknown> = Promise.resolve();
    return {
      stream: true,
      read: (_offset, count) => {
        const read = last.then(() => this.#take(count));
        last = read;
        return read;
      },
    };
  }

  async #take(count: number): Promise<Uint8Array> {
    while (this.#data.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#answer.push(resolve));
    }
    const taken = this.#data.subarray(0, count);
    this.#data = this.#data.subarray(taken.length);
    return taken;
  }

  #wake(): void {
    for (const answer of this.#answer.splice(0)) answer();
  }
}

function file(
  name: string,
  open: (mode: number) => OpenFile<string>,
  admin?: string,
  opened?: string[],
): SyntheticFile<string> {
  const owner = { uid: 'x', gid: 'x', nUid: 1001, nGid: 100 };
  const made = new SyntheticFile<string>({ name, mode: 0o660, ...owner });
  made.open = (mode, { user }) => {
    if (name === 'ctl' && admin !== undefined && user !== admin) {
      throw new NinePError('permission denied', 1);
    }
    opened?.push(name);
    return open(mode);
  };
  return made;
}

/** The programs of the sessions, and one process below each. */
function processes({ sessions }: OlderNode): ProcessEntry[] {
  const numbers = { pgrp: 1, psid: 1, tpgid: -1, utime: 0, stime: 0, etime: 0 };
  const ids = { euid: 0, suid: 0, fsuid: 0, egid: 0, sgid: 0, fsgid: 0 };
  const sizes = { vmsize: 0, rssize: 0, shsize: 0, txtsize: 0, datsize: 0 };
  const rest = { state: 'S', tty: '??', priority: 20, nice: 0, wchan: '0' };
  return sessions.flatMap(({ sid, child, id }) => {
    const pid = child?.pid ?? 0;
    const same = { ...numbers, ...ids, ...sizes, ...rest, xcpusid: sid, xcpujid: id };
    return [
      { ...same, pid, ppid: 1, cmdline: ['program'] },
      { ...same, pid: pid + 1, ppid: pid, cmdline: ['below'] },
    ];
  });
}
