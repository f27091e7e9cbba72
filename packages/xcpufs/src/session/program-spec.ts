import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import {
  type EnvironmentEntry,
  lookupEnvironment,
  parseArgv,
  parseEnvironment,
  parseNamespace,
} from '@xcpu/xcpu-protocol';
import type { ProgramSpec } from '../program/launcher.js';
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
): ProgramSpec | Refusal {
  try {
    const given = parseEnvironment(text(session.env, 'env'));
    const home = homeOf(session.owner);
    const environment = environmentOf(session, given, home, client);
    const directory = directoryOf(text(session.ns, 'ns'), given);
    if (typeof directory === 'object') return directory;
    const argv = parseArgv(text(session.argv, 'argv'));
    return {
      program: path ?? program,
      argv: argv.length > 0 ? argv : [program],
      environment,
      directory: directory ?? home,
      strict: directory !== undefined,
      redirections: session.redirections,
    };
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

/** The node has no passwd of its own: the usual place where that exists. */
function homeOf(user: User): string {
  if (user.home) return user.home;
  const usual = user.uid === 0 ? '/root' : `/home/${user.name}`;
  return existsSync(usual) ? usual : '/';
}

/** Where `ns` says that the program starts, undefined if it does not. Namespaces themselves are not built by this version. */
function directoryOf(
  ns: string,
  environment: readonly EnvironmentEntry[],
): string | undefined | Refusal {
  let directory: string | undefined;
  for (const step of parseNamespace(ns, (name) => lookupEnvironment(environment, name))) {
    if (step.command !== 'cd') {
      return {
        refused: `namespace line ${step.line}: ${step.command}: not supported by this node; run without a namespace of your own (xrx does unless told otherwise)`,
      };
    }
    directory = posix.join(directory ?? '/', step.directory);
    if (step.directory.startsWith('/')) directory = step.directory;
  }
  return directory;
}
