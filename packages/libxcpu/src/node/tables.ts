import { Errno, NinePError } from '@xcpu/9p-protocol';
import {
  type GroupEntry,
  parseGroupEntries,
  parseKeyEntries,
  parseUserEntries,
  type UserEntry,
} from '@xcpu/xcpu-protocol';
import { NodeError } from '../errors.js';
import type { NodeConnection } from './dial.js';
import { readList } from './lists.js';

/** The tables of 65,536 users in hundreds of groups each stay below. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
/** Twice the users of a full node. */
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
  return readTable(connection, 'pwent', parseUserEntries, options);
}

/**
 * All groups that a node knows, in its order; the administrator's among them.
 * @throws NodeError (failed, lost, protocol)
 */
export async function readGroups(
  connection: NodeConnection,
  options: ReadOptions = {},
): Promise<GroupEntry[]> {
  return readTable(connection, 'grent', parseGroupEntries, options);
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
  try {
    const entries = await readTable(connection, 'keys', parseKeyEntries, options);
    return new Map(entries.map(({ name, fingerprint }) => [name, fingerprint]));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function readTable<T>(
  connection: NodeConnection,
  name: string,
  parse: (text: string) => T,
  options: ReadOptions,
): Promise<T> {
  const file = { name, maxBytes: MAX_TABLE_BYTES, maxLines: MAX_TABLE_LINES };
  return readList(connection, file, parse, options);
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof NodeError ? error.cause : undefined;
  return cause instanceof NinePError && cause.errno === Errno.ENOENT;
}
