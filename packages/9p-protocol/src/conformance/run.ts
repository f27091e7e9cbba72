import { randomBytes } from 'node:crypto';
import { type Dialect, NONUNAME } from '../constants.js';
import { NinePError } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import type { Behaviour, Capability } from './behaviour.js';
import { behaviours } from './behaviours/index.js';
import { cleanUp } from './clean-up.js';
import { type Access, Subject } from './subject.js';

/** Messages that are shown of a behaviour that is not there. */
const SHOWN = 8;

/** Which server is tried, and how. */
export interface ConformanceOptions {
  /** Makes a connection to the server; called several times for each behaviour. */
  readonly connect: () => Promise<Transport>;
  readonly dialect: Dialect;
  /** What the server can do: see `capabilities`. */
  readonly capabilities: readonly Capability[];
  /** Who attaches; default `root` with number 0. */
  readonly uname?: string;
  readonly nUname?: number;
  /** The tree to attach to; an empty directory is made in its root for each behaviour, and taken away again. */
  readonly aname?: string;
  /** Message size to ask for, in bytes; default 64 KiB. */
  readonly msize?: number;
  /** Which behaviours to try; all by default. */
  readonly behaviours?: readonly Behaviour[];
  /** A server that does not answer for so long fails, in milliseconds. Default 10 s. */
  readonly timeout?: number;
  /** Called with each result as it comes. */
  readonly report?: (result: BehaviourResult) => void;
}

/** What became of one behaviour. */
export interface BehaviourResult {
  readonly name: string;
  readonly dialect: Dialect;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason?: string;
  /** The last messages before it failed. */
  readonly trace?: readonly string[];
}

/** Tries the behaviours of a file server one after the other. */
export async function runConformance(options: ConformanceOptions): Promise<BehaviourResult[]> {
  const results: BehaviourResult[] = [];
  for (const behaviour of options.behaviours ?? behaviours) {
    const result = await runBehaviour(behaviour, options);
    results.push(result);
    options.report?.(result);
  }
  return results;
}

async function runBehaviour(
  behaviour: Behaviour,
  options: ConformanceOptions,
): Promise<BehaviourResult> {
  const { dialect } = options;
  const { name } = behaviour;
  const skipped = reasonToSkip(behaviour, options);
  if (skipped) return { name, dialect, outcome: 'skipped', reason: skipped };
  const trace: (() => string)[] = [];
  const access: Access = {
    connect: options.connect,
    dialect,
    uname: options.uname ?? 'root',
    nUname: options.nUname ?? (options.uname === undefined ? 0 : NONUNAME),
    aname: options.aname ?? '',
    msize: options.msize ?? 65_536,
    trace: (line) => {
      trace.push(line);
      if (trace.length > SHOWN) trace.shift();
    },
  };
  try {
    await attempt(behaviour, access, options.timeout ?? 10_000);
    return { name, dialect, outcome: 'passed' };
  } catch (error) {
    const reason = reasonOf(error);
    return { name, dialect, outcome: 'failed', reason, trace: trace.map((line) => line()) };
  }
}

function reasonToSkip(behaviour: Behaviour, options: ConformanceOptions): string | undefined {
  if (behaviour.dialects && !behaviour.dialects.includes(options.dialect)) {
    return `not in ${options.dialect}`;
  }
  const missing = behaviour.needs?.filter((need) => !options.capabilities.includes(need)) ?? [];
  return missing.length > 0 ? `needs ${missing.join(', ')}` : undefined;
}

/** Runs a behaviour in a directory of its own, which is taken away afterwards as far as the server lets us. */
async function attempt(behaviour: Behaviour, access: Access, timeout: number): Promise<void> {
  const name = `conformance-${randomBytes(6).toString('hex')}`;
  let subject: Subject | undefined;
  const connected = async () => {
    subject = await Subject.connect(access, name);
    await subject.mkdir(name, 0o755, subject.root);
    subject.dir = await subject.walk(name, subject.root);
    await behaviour.run(subject);
  };
  try {
    await within(connected(), timeout);
  } finally {
    subject?.close();
    const quiet = { ...access, trace: () => {} };
    await within(cleanUp(quiet, name), timeout).catch(() => {});
  }
}

async function within<T>(work: Promise<T>, timeout: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${timeout} ms`)), timeout);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof NinePError && error.kind === 'file') return `refused: ${error.ename}`;
  return error instanceof Error ? error.message : String(error);
}
