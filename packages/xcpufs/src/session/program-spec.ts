import { isUtf8 } from 'node:buffer';
import {
  checkNamespace,
  type EnvironmentEntry,
  lookupEnvironment,
  type NamespaceStep,
  parseArgv,
  parseEnvironment,
  parseNamespace,
} from '@xcpu/xcpu-protocol';
import { type NamespacePlan, surroundings } from '../namespace/plan.js';
import type { ProgramSpec } from '../program/launcher.js';
import { homeOf } from '../users/home.js';
import type { User } from '../users/users.js';

/** What a session says of its program. */
export interface ProgramSettings {
  readonly sid: number;
  readonly owner: User;
  readonly jobAndRank: string;
  /** Contents of the files of these names. */
  readonly env: Buffer;
  readonly ns: Buffer;
  readonly argv: Buffer;
  /** Files in place of the pipes. */
  readonly redirections: readonly [string, string, string];
  /** Whether `ns` is what the node gave it. */
  readonly ownNamespace: boolean;
  /** Types of file systems that the owner may mount; 'all', in any way, if he is an administrator. */
  readonly mountTypes: readonly string[] | 'all';
}

/** What to start. */
interface RunnableProgram {
  readonly spec: ProgramSpec;
  /** Undefined if it runs in the node's own namespace. */
  readonly plan: NamespacePlan | undefined;
}

/** Why a program cannot be started, for its user. */
interface Refusal {
  readonly refused: string;
}

/**
 * What a session's files say is to be run, or why that cannot be.
 * @param program as the client named it
 * @param path where that is if it was pushed into the session's `fs/`
 * @param client the client's address
 */
export function programSpec(
  session: ProgramSettings,
  program: string,
  path: string | undefined,
  client: string,
): RunnableProgram | Refusal {
  try {
    const given = parseEnvironment(text(session.env, 'env'));
    const home = homeOf(session.owner);
    const environment = environmentOf(session, given, home, client);
    const { directory, namespace } = surroundings(namespaceSteps(session, given, environment));
    const argv = parseArgv(text(session.argv, 'argv'));
    const spec = {
      program: path ?? program,
      argv: argv.length > 0 ? argv : [program],
      environment,
      directory: directory ?? home,
      strict: directory !== undefined,
      redirections: session.redirections,
      umask: umaskOf(given),
    };
    return { spec, plan: namespace };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

/** Node passes arguments on as text: bytes that are none would reach the program as others. */
function text(contents: Buffer, file: string): string {
  if (!isUtf8(contents)) throw new Error(`${file}: not valid UTF-8`);
  return contents.toString('utf8');
}

/**
 * The first of equal names wins. What says which session it is stands in front, for no client to forge; what
 * merely fits the user stands behind, for a client to set otherwise.
 */
function environmentOf(
  session: ProgramSettings,
  given: readonly EnvironmentEntry[],
  home: string,
  client: string,
): EnvironmentEntry[] {
  const { name, shell } = session.owner;
  return [
    ['XCPUSID', String(session.sid)],
    ['XCPUID', session.jobAndRank],
    ['XCPU_PARENT', client],
    ...given,
    ['HOME', home],
    ['USER', name],
    ['LOGNAME', name],
    ['SHELL', shell ?? '/bin/sh'],
    ['PATH', session.owner.uid === 0 ? ROOT_PATH : USER_PATH],
  ];
}

const USER_PATH = '/usr/local/bin:/usr/bin:/bin';
const ROOT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The namespace program, checked.
 *
 * `mount` runs as root with whatever it is given: it is for administrators, for types that they allow others, and for the
 * node's own program, in which variables of the client's stand for nothing then.
 * @throws Error with one line for each fault
 */
function namespaceSteps(
  session: ProgramSettings,
  given: readonly EnvironmentEntry[],
  environment: readonly EnvironmentEntry[],
): NamespaceStep[] {
  const program = text(session.ns, 'ns');
  const lookup = (entries: readonly EnvironmentEntry[]) => (name: string) =>
    lookupEnvironment(entries, name);
  const steps = parseNamespace(program, lookup(environment));
  const mountTypes = session.ownNamespace ? 'all' : session.mountTypes;
  const problems = checkNamespace(steps, { mountTypes });
  if (problems.length > 0) {
    throw new Error(
      problems.map(({ line, reason }) => `namespace line ${line}: ${reason}`).join('\nxcpufs: '),
    );
  }
  if (!session.ownNamespace) return steps;
  const fixed = environment.filter((entry) => !given.includes(entry));
  const nodes = parseNamespace(program, lookup(fixed));
  return steps.map((step, index) => (step.command === 'mount' ? nodes[index]! : step));
}

/** The client's, so that files get the permissions that they would get there. */
function umaskOf(given: readonly EnvironmentEntry[]): string {
  const umask = lookupEnvironment(given, 'XCPU_UMASK');
  if (umask === undefined) return '';
  if (!/^[0-7]{1,4}$/.test(umask)) throw new Error(`XCPU_UMASK=${umask}: not an octal number`);
  return umask;
}
