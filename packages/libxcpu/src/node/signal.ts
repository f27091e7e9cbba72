import { Errno, NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import {
  formatNodeCommand,
  formatSessionCommand,
  type ProcessEntry,
  type SessionCommand,
} from '@xcpu/xcpu-protocol';
import { NodeError } from '../errors.js';
import type { NodeConnection } from './dial.js';
import { requestError } from './errors.js';
import { type NodePath, openFile, release } from './files.js';
import { listProcesses } from './processes.js';

/** What is to get a signal. */
export type SignalTarget =
  | { readonly kind: 'process'; readonly pid: number }
  /** A rank of a job, all of its ranks where none is named. */
  | { readonly kind: 'job'; readonly jobid: string; readonly rank?: number };

/** What became of a target on one node, where it may be several programs; all zero and empty if it is not there. */
export interface SignalResult {
  /** Programs or processes that got the signal. */
  readonly signalled: number;
  /** Those that are not the user's, and he does not administer the node. */
  readonly foreign: number;
  /** Why others did not get it. */
  readonly errors: readonly NodeError[];
}

/**
 * Sends a signal to processes and jobs of a node: by the node's ctl where the user administers it, else by that of his
 * own sessions (wire document, section 9).
 *
 * @returns one result for each target
 * @throws NodeError if the processes cannot be listed, or the connection ends
 */
export async function signalOnNode(
  connection: NodeConnection,
  signal: number,
  targets: readonly SignalTarget[],
): Promise<SignalResult[]> {
  const node = new Signaller(connection, signal, await listProcesses(connection));
  const results: SignalResult[] = [];
  for (const target of targets) results.push(await node.signal(target));
  return results;
}

type Outcome = 'signalled' | 'foreign' | 'missing' | NodeError;

class Signaller {
  readonly #connection: NodeConnection;
  readonly #signal: number;
  readonly #processes: readonly ProcessEntry[];
  /** What was signalled already: who is named twice gets it once. */
  readonly #outcomes = new Map<string, Promise<Outcome>>();
  #nodeCtl: Promise<Fid | undefined> | undefined;

  constructor(connection: NodeConnection, signal: number, processes: readonly ProcessEntry[]) {
    this.#connection = connection;
    this.#signal = signal;
    this.#processes = processes;
  }

  async signal(target: SignalTarget): Promise<SignalResult> {
    if (target.kind === 'process') {
      const once = this.#once(`${target.pid}`, () => this.#signalProcess(target.pid));
      return resultOf([await once]);
    }
    const programs = this.#processes.filter(({ xcpujid }) => isOfJob(xcpujid, target));
    const outcomes: Outcome[] = [];
    for (const sid of new Set(programs.map(({ xcpusid }) => xcpusid))) {
      outcomes.push(await this.#once(`session ${sid}`, () => this.#signalSession(sid)));
    }
    return resultOf(outcomes);
  }

  #once(what: string, work: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = this.#outcomes.get(what) ?? work();
    this.#outcomes.set(what, outcome);
    return outcome;
  }

  async #signalProcess(pid: number): Promise<Outcome> {
    const process = this.#processes.find((entry) => entry.pid === pid);
    if (!process) return 'missing';
    const ctl = await this.#openNodeCtl();
    if (ctl) return this.#kill(ctl, pid);
    if (process.xcpusid === '' || !(await this.#isOwn(process.xcpusid))) return 'foreign';
    return this.#signalOwnProcess(process);
  }

  /** Nodes that signal a session's program only take a signal for that one. */
  async #signalOwnProcess(process: ProcessEntry): Promise<Outcome> {
    const { pid, xcpusid: sid } = process;
    const { target, legacy } = this.#connection;
    if (!legacy) {
      const outcome = await this.#command(sid, { command: 'signal', signal: this.#signal, pid });
      if (!(outcome instanceof NodeError) || outcome.reason !== 'syntax error') return outcome;
    }
    const program = programOf(process, this.#processes);
    if (program === pid) {
      return this.#command(sid, { command: 'signal', signal: this.#signal });
    }
    const kind = legacy ? 'a legacy node' : "the node's xcpufs, which is older than these tools,";
    const reason = `${pid}: ${kind} signals no single process of a session for its user: name the job, its program ${program}, or have the administrator do it`;
    return new NodeError(target.name, 'failed', reason);
  }

  async #signalSession(sid: string): Promise<Outcome> {
    const ctl = await this.#openNodeCtl();
    if (!ctl && !(await this.#isOwn(sid))) return 'foreign';
    const outcome = await this.#command(sid, { command: 'signal', signal: this.#signal });
    if (outcome !== 'foreign' || !ctl) return outcome;
    // The administrator of a legacy node cannot open the sessions of its users.
    const first = this.#processes.find(({ xcpusid }) => xcpusid === sid);
    return first ? this.#kill(ctl, programOf(first, this.#processes)) : 'missing';
  }

  /** Whether a session is the user's own: a mate of his group, who may steer it too, need not mean it. */
  async #isOwn(sid: string): Promise<boolean> {
    const { root, user, legacy } = this.#connection;
    // There the session's ctl tells.
    if (legacy) return true;
    try {
      const directory = await root.walk([sid]);
      try {
        return (await directory.stat()).uid === user;
      } finally {
        void release(directory);
      }
    } catch (error) {
      if (isGone(error)) return true;
      throw requestError(this.#connection.target, error);
    }
  }

  /** The node's ctl; undefined for whoever does not administer the node. */
  #openNodeCtl(): Promise<Fid | undefined> {
    const { target } = this.#connection;
    this.#nodeCtl ??= openFile(this.#connection, ['ctl'], OpenMode.WRITE).catch((error) => {
      if (isDenied(error)) return undefined;
      throw requestError(target, error);
    });
    return this.#nodeCtl;
  }

  #kill(ctl: Fid, pid: number): Promise<Outcome> {
    const line = formatNodeCommand({ command: 'kill', signal: this.#signal, pid });
    return this.#outcomeOf(() => ctl.write(0, Buffer.from(`${line}\n`)));
  }

  #command(sid: string, command: SessionCommand): Promise<Outcome> {
    return this.#outcomeOf(() =>
      writeLine(this.#connection, [sid, 'ctl'], formatSessionCommand(command)),
    );
  }

  async #outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
    try {
      await work();
      return 'signalled';
    } catch (thrown) {
      if (isDenied(thrown)) return 'foreign';
      if (isGone(thrown)) return 'missing';
      const error = requestError(this.#connection.target, thrown);
      if (error.kind !== 'failed') throw error;
      return error;
    }
  }
}

function isOfJob(
  xcpujid: string,
  { jobid, rank }: Extract<SignalTarget, { kind: 'job' }>,
): boolean {
  const slash = xcpujid.indexOf('/');
  if (slash < 0) return rank === undefined && jobid !== '' && xcpujid === jobid;
  if (xcpujid.slice(0, slash) !== jobid) return false;
  return rank === undefined || xcpujid.slice(slash + 1) === String(rank);
}

/** The process that a session began with: the one above all others of it. */
function programOf(process: ProcessEntry, processes: readonly ProcessEntry[]): number {
  const family = new Map(
    processes.filter(({ xcpusid }) => xcpusid === process.xcpusid).map((each) => [each.pid, each]),
  );
  let top = process;
  for (let above = family.get(top.ppid); above; above = family.get(top.ppid)) {
    family.delete(top.pid);
    top = above;
  }
  return top.pid;
}

function resultOf(outcomes: readonly Outcome[]): SignalResult {
  return {
    signalled: outcomes.filter((outcome) => outcome === 'signalled').length,
    foreign: outcomes.filter((outcome) => outcome === 'foreign').length,
    errors: outcomes.filter((outcome) => outcome instanceof NodeError),
  };
}

/** A legacy node counts short and has yet taken all: nothing is sent again. */
async function writeLine(connection: NodeConnection, path: NodePath, line: string): Promise<void> {
  const ctl = await openFile(connection, path, OpenMode.WRITE);
  try {
    await ctl.write(0, Buffer.from(`${line}\n`));
  } finally {
    const released = release(ctl);
    if (connection.legacy) await released;
  }
}

function isDenied(error: unknown): boolean {
  if (!(error instanceof NinePError) || error.kind !== 'file') return false;
  // Plain 9P2000 has no numbers.
  return error.errno === Errno.EPERM || error.ename === 'permission denied';
}

/** Between the list and the signal the process ended, or its session did. */
function isGone(error: unknown): boolean {
  if (!(error instanceof NinePError) || error.kind !== 'file') return false;
  return (
    error.errno === Errno.ENOENT ||
    /^session wiped$|: (no such process|not a process of this session)$/.test(error.ename)
  );
}
