import { Errno, NinePError } from '@xcpu/9p-protocol';
import {
  type GroupEntry,
  parseGroupEntries,
  parseKeyEntries,
  parseUserEntries,
  type UserEntry,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';
import { NodeError } from '../errors.js';
import type { NodeConnection } from './dial.js';
import { requestError } from './errors.js';
import { readFile, textOfLines } from './files.js';

/** The tables of 65,536 users in hundreds of groups each stay below; nothing a node sends grows beyond. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
/** Twice the users of a full node: short lines without end would take gigabytes. */
const MAX_TABLE_LINES = 131_072;

interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * All users that a node knows, in its order; the administrator and nobody among them.
 * @throws NodeError (failed, lost, protocol)
 */
export async function readUsers(
  connection: NodeConnection,
  options: ReadOptions = {},
): Promise<UserEntry[]> {
  return parsed(connection, parseUserEntries, await readTable(connection, 'pwent', options));
}

/**
 * All groups that a node knows, in its order; the administrator's among them.
 * @throws NodeError (failed, lost, protocol)
 */
export async function readGroups(
  connection: NodeConnection,
  options: ReadOptions = {},
): Promise<GroupEntry[]> {
  return parsed(connection, parseGroupEntries, await readTable(connection, 'grent', options));
}

/**
 * The fingerprints of the users' keys, by name; undefined for a node that does not show them, as none of the historic
 * ones does.
 * @throws NodeError (failed, lost, protocol)
 */
export async function readKeys(
  connection: NodeConnection,
  options: ReadOptions = {},
): Promise<ReadonlyMap<string, string> | undefined> {
  let text: string;
  try {
    text = await readTable(connection, 'keys', options);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const entries = parsed(connection, parseKeyEntries, text);
  return new Map(entries.map(({ name, fingerprint }) => [name, fingerprint]));
}

async function readTable(
  connection: NodeConnection,
  name: string,
  options: ReadOptions,
): Promise<string> {
  try {
    const limit = MAX_TABLE_BYTES;
    const bytes = await readFile(connection, [name], { ...options, limit });
    return textOfLines(name, bytes, MAX_TABLE_LINES);
  } catch (error) {
    throw requestError(connection.target, error);
  }
}

function parsed<T>({ target }: NodeConnection, parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    throw new NodeError(target.name, 'protocol', error.message, { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof NodeError ? error.cause : undefined;
  return cause instanceof NinePError && cause.errno === Errno.ENOENT;
}
