import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Awaitable, Request } from '@xcpu/9p-protocol/server';
import {
  formatSessionId,
  formatWaitStatus,
  NO_SESSION_ID,
  type SessionId,
  type SessionType,
  type StreamName,
  type WaitStatus,
} from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';
import { GRACE_MS } from '../limits.js';
import { type Connect, MountError } from '../mounts/mounter.js';
import type { Program, Spawner } from '../program/program.js';
import type { PushedFiles } from '../pushed/pushed-files.js';
import type { Caller } from '../tree/caller.js';
import type { User } from '../users/users.js';
import { Output } from './output.js';
import { programSpec } from './program-spec.js';
import type { Spool } from './spool.js';
import { Stdin } from './stdin.js';
import { StreamLog } from './stream-log.js';
import { Term, type TermEnd } from './term.js';
import { Visitors } from './visitors.js';

/** If a killed program does not go away (it sleeps in the kernel), its waiters are told so after this time. */
const UNKILLABLE_MS = 5_000;

/** Exit statuses of programs that were never started, as other tools have them: env(1). */
const NO_SESSION = 125;
const NOT_EXECUTABLE = 126;

/** What a new session's `env` and `ns` begin as: the contents of the root's files of these names. */
export interface SessionDefaults {
  env: Buffer;
  ns: Buffer;
}

/** What a session needs of its node. */
export interface SessionHost {
  readonly spawner: Spawner;
  /** A place on disk for output that a persistent session's readers have not fetched. */
  spool(session: Session, stream: 'stdout' | 'stderr'): Spool;
  /** Types of file systems that a user may mount. */
  mountTypes(user: User): readonly string[] | 'all';
  /** @throws NinePError if the session's owner has as many persistent ones as he may */
  checkPersistent(session: Session): void;
  /** The session leaves the tree now; what it holds is let go when `gone` resolves. */
  forget(session: Session): void;
  /** For the log. */
  report(event: string, session: Session, more?: Record<string, string | number>): void;
}

/**
 * One session: the place where a client sets up a program, and the program. It lasts while a fid names one of
 * its files, or it is persistent: wire document, section 3.
 */
export class Session {
  readonly sid: number;
  owner: User;
  id: SessionId = NO_SESSION_ID;
  type: SessionType = 'normal';
  env: Buffer;
  ns: Buffer;
  argv: Buffer = Buffer.alloc(0);
  /** Files in place of the pipes, as `redirect` set them. */
  readonly redirections: [string, string, string] = ['', '', ''];
  readonly stdin = new Stdin();
  readonly stdout = new StreamLog();
  readonly stderr = new StreamLog();
  readonly term = new Term();
  readonly #visitors = new Visitors();
  /** How the program ended: what `wait` tells. */
  readonly ended: Promise<WaitStatus>;
  /** Resolves when nothing of the session is left on the node. */
  readonly gone: Promise<void>;
  readonly files: PushedFiles;
  wiped = false;
  readonly #defaults: SessionDefaults;
  readonly #host: SessionHost;
  readonly #outputs = { stdout: new Output(this.stdout), stderr: new Output(this.stderr) };
  #program: Program | undefined;
  #executed = false;
  /** Settles when the program that is being started runs. */
  #starting: Promise<void> | undefined;
  #references = 0;
  #end!: (status: WaitStatus) => void;
  #leave!: (cleanUp: Promise<void>) => void;
  #spools: Spool[] = [];
  #graceTimer: NodeJS.Timeout | undefined;
  #waitText: string | undefined;
  readonly #endListeners = new Set<(text: string) => void>();

  constructor(
    host: SessionHost,
    sid: number,
    owner: User,
    defaults: SessionDefaults,
    makeFiles: (session: Session) => PushedFiles,
  ) {
    this.#host = host;
    this.sid = sid;
    this.owner = owner;
    this.env = defaults.env;
    this.ns = defaults.ns;
    this.#defaults = { ...defaults };
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    void this.ended.then((status) => this.#tellEnd(formatWaitStatus(status)));
    this.gone = new Promise((resolve) => {
      this.#leave = resolve;
    });
    this.files = makeFiles(this);
  }

  /** The program's process id, -1 before it was started and after it has ended. */
  get pid(): number {
    return this.running?.pid ?? -1;
  }

  /** The program, while it runs. */
  get running(): Program | undefined {
    return this.#program && !this.#program.status ? this.#program : undefined;
  }

  /** Whether `ns` says what the node gave it. */
  get ownNamespace(): boolean {
    return this.ns.equals(this.#defaults.ns);
  }

  get mountTypes(): readonly string[] | 'all' {
    return this.#host.mountTypes(this.owner);
  }

  /** Whether nobody but its owner, and administrators, may use it any more. */
  get onlyOwner(): boolean {
    return this.#visitors.onlyOwner;
  }

  /**
   * Somebody opens or changes one of the files, whose permissions let him.
   * @throws NinePError (EPERM) if the session is its owner's alone by now
   */
  admit({ administers, user }: Caller): void {
    if (!administers) this.#visitors.admit(user, this.owner);
  }

  /**
   * Opens `term`: the owner's files are served to the program, and the session is his alone from now on.
   * @throws NinePError (EACCES) if others have used it before, (EBUSY) while `term` is open
   */
  openTerm(): TermEnd {
    this.#visitors.keepOut(this.owner);
    this.files.keepOut();
    return this.term.open();
  }

  get jobAndRank(): string {
    return formatSessionId(this.id);
  }

  /** A fid names one of the session's files. */
  acquire(): void {
    this.#references++;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
  }

  /** A fid no longer does. With the last one a normal session ends. */
  release(): void {
    this.#references--;
    if (this.#references === 0 && this.type === 'normal') this.#abandon();
  }

  /**
   * Starts the program. What goes wrong from here on is the program's: its stderr and its status tell.
   * @throws NinePError if one was started before, or the session is no more
   */
  exec(program: string, request: Request): Awaitable<void> {
    this.checkAlive();
    if (this.#executed) throw nodeError('program already started');
    if (this.owner.deleted) throw nodeError('unknown user');
    this.#executed = true;
    const failed = (error: unknown): never => {
      this.#executed = false;
      throw error;
    };
    try {
      const client = request.connection.transport.peer.address;
      const path = this.files.program(program);
      const begun =
        path instanceof Promise
          ? path.then((fetched) => this.#begin(program, fetched, client))
          : this.#begin(program, path, client);
      return begun instanceof Promise ? begun.catch(failed) : begun;
    } catch (error) {
      return failed(error);
    }
  }

  /** Signals the program's process group; succeeds, and does nothing, after its end. @throws NinePError before its start */
  signal(number: number): void {
    this.checkAlive();
    if (!this.#executed) throw nodeError('program not started');
    this.#program?.signal(number);
  }

  /**
   * Signals the program alone, or one process below it.
   * @throws NinePError if the process is none of them
   */
  async signalProcess(pid: number, number: number): Promise<void> {
    this.checkAlive();
    if (!(await this.#program?.signalProcess(pid, number))) {
      throw nodeError(`${pid}: not a process of this session`);
    }
  }

  /** Ends a stream: no more input for the program, no more output from it. */
  close(stream: StreamName): void {
    this.checkAlive();
    if (stream === 'stdin') this.stdin.close();
    else this.#outputs[stream].close();
  }

  /** @throws NinePError once the program was started: its descriptors cannot be changed */
  redirect(stream: StreamName, file: string): void {
    this.checkAlive();
    if (this.#executed) throw nodeError('program already started');
    this.redirections[{ stdin: 0, stdout: 1, stderr: 2 }[stream]] = file;
  }

  /** @throws NinePError if there are too many persistent ones */
  setType(type: SessionType): void {
    this.checkAlive();
    if (type === 'persistent' && this.type !== type) this.#host.checkPersistent(this);
    this.type = type;
    if (type === 'persistent' && this.#spools.length === 0) {
      for (const stream of ['stdout', 'stderr'] as const) {
        const spool = this.#host.spool(this, stream);
        this.#spools.push(spool);
        this[stream].spoolTo(spool);
      }
    }
  }

  /** @throws NinePError `session wiped` */
  checkAlive(): void {
    if (this.wiped) throw nodeError('session wiped');
  }

  /** Calls back with what `wait` reads as, once the program has ended; the result takes the call back. */
  onEnd(listener: (text: string) => void): () => void {
    if (this.#waitText !== undefined) listener(this.#waitText);
    else this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Ends the session: its program is killed, its readers are answered, its files go. */
  wipe(): void {
    if (this.wiped) return;
    this.wiped = true;
    clearTimeout(this.#graceTimer);
    this.#leave(this.#letGo());
    this.#host.forget(this);
    this.#host.report('session ended', this);
  }

  /** Tells the program to end, gives it time, then wipes the session. */
  async terminate(graceMs: number): Promise<void> {
    if (this.running) {
      this.running.signal(constants.signals.SIGTERM);
      const timeout = new AbortController();
      await Promise.race([this.ended, sleep(graceMs, undefined, { signal: timeout.signal })]);
      timeout.abort();
    }
    this.wipe();
    await this.gone;
  }

  /** Never fails: a node that is short of something must not end with a session. */
  async #letGo(): Promise<void> {
    try {
      await this.#cleanUp();
    } catch (error) {
      this.#host.report('session left something behind', this, { reason: String(error) });
    }
  }

  async #cleanUp(): Promise<void> {
    // A process that waits for its client's files cannot be killed before it is answered.
    this.term.end();
    // What is on its way to run cannot be called back, only killed.
    await this.#starting?.catch(() => {});
    const program = this.#program;
    try {
      await this.#kill(program);
    } finally {
      this.stdin.end();
      this.#outputs.stdout.close();
      this.#outputs.stderr.close();
      await Promise.all(this.#spools.map((spool) => spool.close()));
    }
    await program?.dispose();
    await this.files.remove();
  }

  async #kill(program: Program | undefined): Promise<void> {
    const killed: WaitStatus = { signal: constants.signals.SIGKILL };
    if (!program) return this.#end(killed);
    const giveUp = setTimeout(() => this.#end(killed), UNKILLABLE_MS);
    await program.kill();
    await this.ended;
    clearTimeout(giveUp);
  }

  /** Tells the program that nobody wants it any more, as a terminal that is closed does. */
  #abandon(): void {
    const { running } = this;
    if (!running || this.wiped) return this.wipe();
    running.signal(constants.signals.SIGHUP);
    this.#graceTimer = setTimeout(() => this.wipe(), GRACE_MS);
  }

  #tellEnd(text: string): void {
    this.#waitText = text;
    for (const listener of this.#endListeners) listener(text);
    this.#endListeners.clear();
    if (this.#graceTimer) this.wipe();
  }

  #begin(program: string, path: string | undefined, client: string): Awaitable<void> {
    this.checkAlive();
    if (path !== undefined && this.files.isNoexec(path)) {
      return this.#refuse(
        'what was shipped cannot be run: its place here is mounted noexec; xcpufs -t DIR names another one',
        NOT_EXECUTABLE,
      );
    }
    const wanted = programSpec(this, program, path, client);
    if ('refused' in wanted) return this.#refuse(wanted.refused);
    const { spec, plan } = wanted;
    const connect: Connect = (stream, relay) => this.term.connect(stream, relay);
    const { spawner } = this.#host;
    const started = spawner.start(this.sid, this.owner, spec, plan && { plan, connect });
    if (!(started instanceof Promise)) return this.#started(started);
    this.#starting = started.then(
      (running) => this.#started(running),
      (error) => {
        if (!(error instanceof MountError)) throw error;
        this.#refuse(error.message);
      },
    );
    return this.#starting;
  }

  #started(program: Program): void {
    this.#program = program;
    const [stdin, stdout, stderr] = program.ends;
    this.stdin.connect(stdin);
    this.#outputs.stdout.connect(stdout);
    this.#outputs.stderr.connect(stderr);
    void program.ended.then((status) => {
      this.stdin.end();
      this.#end(status);
    });
    this.#host.report('program started', this, { pid: program.pid });
  }

  /** The program cannot be started: the reason is its output, and it has a status, as if it had ended so. */
  #refuse(reason: string, exitCode = NO_SESSION): void {
    this.stderr.append(Buffer.from(`xcpufs: ${reason}\n`));
    this.stdin.end();
    this.#outputs.stdout.close();
    this.#outputs.stderr.close();
    this.#end({ exitCode });
  }
}
