import { OpenMode } from '@xcpu/9p-protocol';
import {
  type Awaitable,
  type OpenFile,
  type Request,
  type ServerFile,
  type StatChanges,
  SyntheticDirectory,
  snapshot,
} from '@xcpu/9p-protocol/server';
import {
  formatArgv,
  formatEnvironment,
  formatGroupEntries,
  parseSessionCommand,
} from '@xcpu/xcpu-protocol';
import { nodeError, permissionDenied } from '../errors.js';
import { PushedFile } from '../pushed/pushed-file.js';
import { LogFile } from '../session/log-file.js';
import type { Session } from '../session/session.js';
import type { Sessions } from '../session/sessions.js';
import type { StreamLog } from '../session/stream-log.js';
import type { UserTable } from '../users/users.js';
import { attributes, type Caller } from './caller.js';
import { CommandFile } from './command-file.js';
import { type Holder, NodeFile } from './node-file.js';
import { findUser } from './ownership.js';
import { TermFile } from './term-file.js';
import { TextFile, textOf } from './text-file.js';

/** The files of a session directory: wire document, section 3. Their order gives each its qid. */
const FILES = {
  ctl: 0o660,
  argv: 0o660,
  env: 0o660,
  ns: 0o660,
  stdin: 0o660,
  stdout: 0o440,
  stderr: 0o440,
  stdio: 0o660,
  wait: 0o440,
  id: 0o440,
  fs: 0o770,
  term: 0o600,
  groups: 0o440,
} as const;
type FileName = keyof typeof FILES;
const NAMES = Object.keys(FILES) as FileName[];

/** What is left of those permissions once the owner serves his own files to the program. */
const OWNER_MODE = 0o700;

/** Numbers for qids that no session's shares: the root's own files come first. */
const FIRST_PATH = 64;

/**
 * `N/`: files are made when a client walks to them, so that a session costs little. A fid of somebody who may not
 * use the session does not keep it: he could make other users' programs run on for ever.
 */
export class SessionDirectory extends SyntheticDirectory<Caller> {
  readonly #session: Session;
  readonly #sessions: Sessions;
  readonly #users: UserTable;
  readonly #holder: Holder | undefined;

  /** @param caller whose fids will name the directory */
  constructor(
    session: Session,
    sessions: Sessions,
    users: UserTable,
    parent: ServerFile<Caller>,
    caller: Caller,
  ) {
    super(attributes(String(session.sid), 0o555, session.owner), pathOf(session, 0));
    this.#session = session;
    this.#sessions = sessions;
    this.#users = users;
    this.parent = parent;
    this.#holder = caller.mayUse(session.owner) ? session : undefined;
  }

  acquire(): void {
    this.#holder?.acquire();
  }

  release(): void {
    this.#holder?.release();
  }

  override find(name: string): ServerFile<Caller> | undefined {
    return Object.hasOwn(FILES, name) ? this.#file(name as FileName) : undefined;
  }

  override list(): Iterable<ServerFile<Caller>> {
    return NAMES.map((name) => this.#file(name));
  }

  /** The administrator hands the session to another user; nobody else may change an owner. */
  wstat(changes: StatChanges, request: Request<Caller>): void {
    const { uid, nUid, ...rest } = changes;
    if (!request.user.administers || Object.keys(rest).length > 0) throw permissionDenied();
    this.#session.checkAlive();
    const owner = findUser(this.#users, uid, nUid);
    // Nobody has no key, and whoever has none gets nothing: least of all a program in his name.
    if (!owner.key) throw nodeError('unknown user');
    this.#sessions.chown(this.#session, owner);
    this.attributes = attributes(this.attributes.name, 0o555, this.#session.owner);
  }

  /** A session goes by `wipe` or with its last reference. */
  remove(): never {
    throw nodeError('directory not empty');
  }

  #file(name: FileName): ServerFile<Caller> {
    const session = this.#session;
    if (name === 'fs') return PushedFile.root(session.files, this);
    const file = makeFile(session, name, this.#holder);
    file.guard = session;
    file.parent = this;
    return file;
  }
}

function makeFile(
  session: Session,
  name: Exclude<FileName, 'fs'>,
  holder: Holder | undefined,
): SessionFile | TextFile {
  switch (name) {
    case 'ctl':
      return new SessionCtl(session, holder);
    case 'argv':
    case 'env':
    case 'ns':
      return new SessionText(session, name, holder);
    case 'stdin':
      return new StreamFile(session, name, holder, undefined, true);
    case 'stdout':
      return new StreamFile(session, name, holder, session.stdout, false);
    case 'stderr':
      return new StreamFile(session, name, holder, session.stderr, false);
    case 'stdio':
      return new StreamFile(session, name, holder, session.stdout, true);
    case 'wait':
      return new WaitFile(session, holder);
    case 'id':
      return new IdFile(session, holder);
    case 'groups':
      return new GroupsFile(session, holder);
    case 'term': {
      const describe = () => attributesOf(session, name);
      return new TermFile(session, describe, filePath(session, name), holder);
    }
  }
}

type SessionFile = SessionCtl | StreamFile | WaitFile | IdFile | GroupsFile | TermFile;

function pathOf(session: Session, index: number): number {
  return FIRST_PATH + session.sid * (NAMES.length + 1) + index;
}

function attributesOf(session: Session, name: FileName) {
  const mode = session.onlyOwner ? FILES[name] & OWNER_MODE : FILES[name];
  return attributes(name, mode, session.owner);
}

function filePath(session: Session, name: FileName): number {
  return pathOf(session, 1 + NAMES.indexOf(name));
}

class SessionCtl extends CommandFile {
  readonly #session: Session;

  constructor(session: Session, holder: Holder | undefined) {
    super(attributesOf(session, 'ctl'), filePath(session, 'ctl'), holder);
    this.#session = session;
  }

  protected override text(): string {
    return String(this.#session.pid);
  }

  protected override run(line: string, request: Request<Caller>): Awaitable<void> {
    const session = this.#session;
    session.checkAlive();
    // The session may be another user's by now.
    request.user.checkOpen(attributesOf(session, 'ctl'), OpenMode.WRITE);
    const command = parseSessionCommand(line);
    switch (command.command) {
      case 'exec':
        return session.exec(command.program, request);
      case 'wipe':
        return session.wipe();
      case 'signal': {
        const { signal, pid } = command;
        return pid === undefined ? session.signal(signal) : session.signalProcess(pid, signal);
      }
      case 'close':
        return session.close(command.stream);
      case 'redirect':
        return session.redirect(command.stream, command.file);
      case 'id':
        session.id = { ...session.id, ...definedId(command) };
        return;
      case 'type':
        return session.setType(command.type);
      case 'connect':
        return session.files.connect(command);
      case 'argv':
        session.argv = textOf(formatArgv(command.args));
        return;
      case 'env':
        // What is there may lack its last newline.
        session.env = textOf(session.env, `\n${formatEnvironment(command.entries)}`);
        return;
      case 'ns':
        session.ns = textOf(command.lines.map((line) => `${line}\n`).join(''));
        return;
    }
  }
}

function definedId({ jobid, rank }: { jobid?: string; rank?: number }) {
  return {
    ...(jobid === undefined ? {} : { jobid }),
    ...(rank === undefined ? {} : { rank }),
  };
}

class SessionText extends TextFile {
  constructor(session: Session, name: 'argv' | 'env' | 'ns', holder: Holder | undefined) {
    const store = {
      get: () => session[name],
      set: (contents: Buffer) => {
        session.checkAlive();
        session[name] = contents;
      },
    };
    super(attributesOf(session, name), store, filePath(session, name), holder);
  }
}

/** `stdin`, `stdout`, `stderr`, and `stdio`, which is the first two in one. */
class StreamFile extends NodeFile {
  readonly #session: Session;
  readonly #log: StreamLog | undefined;
  readonly #takesInput: boolean;

  constructor(
    session: Session,
    name: FileName,
    holder: Holder | undefined,
    log: StreamLog | undefined,
    takesInput: boolean,
  ) {
    super(attributesOf(session, name), filePath(session, name), holder);
    this.#session = session;
    this.#log = log;
    this.#takesInput = takesInput;
  }

  protected override opened(mode: number): OpenFile<Caller> {
    const { stdin } = this.#session;
    const reads = (mode & 3) !== 1;
    // A reader that is never asked for data would stop the program.
    const output = this.#log && reads ? new LogFile(this.#log) : undefined;
    const write = this.#takesInput
      ? (_offset: number, data: Uint8Array, request: Request<Caller>) => stdin.write(data, request)
      : undefined;
    return {
      stream: true,
      read: (offset, count, request) => output?.read(offset, count, request) ?? [],
      ...(write && { write }),
      close: () => output?.close(),
    };
  }

  protected override truncate(): void {
    // `echo x >stdin` truncates first: a stream has nothing to drop.
  }
}

/** Blocks until the program ends, then tells its status. */
class WaitFile extends NodeFile {
  readonly #session: Session;

  constructor(session: Session, holder: Holder | undefined) {
    super(attributesOf(session, 'wait'), filePath(session, 'wait'), holder);
    this.#session = session;
  }

  protected override opened(): OpenFile<Caller> {
    return {
      stream: true,
      read: (offset, count, request) =>
        new Promise((resolve, reject) => {
          const forget = this.#session.onEnd((text) => {
            resolve(Buffer.from(text).subarray(offset, offset + count));
          });
          request.onCancel((reason) => {
            forget();
            reject(reason);
          });
        }),
    };
  }
}

class IdFile extends NodeFile {
  readonly #session: Session;

  constructor(session: Session, holder: Holder | undefined) {
    super(attributesOf(session, 'id'), filePath(session, 'id'), holder);
    this.#session = session;
  }

  protected override opened(): OpenFile<Caller> {
    return {
      read: (offset, count) =>
        Buffer.from(this.#session.jobAndRank).subarray(offset, offset + count),
    };
  }
}

/** The groups that the program is in, the default one first: whoever serves it files names them there. */
class GroupsFile extends NodeFile {
  readonly #session: Session;

  constructor(session: Session, holder: Holder | undefined) {
    super(attributesOf(session, 'groups'), filePath(session, 'groups'), holder);
    this.#session = session;
  }

  protected override opened(): OpenFile<Caller> {
    const { group, groups } = this.#session.owner;
    return snapshot(formatGroupEntries(new Set([group, ...groups])));
  }
}
