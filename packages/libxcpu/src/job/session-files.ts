import { OpenMode, protocolError } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { type GroupEntry, parseArch, parseGroupEntries } from '@xcpu/xcpu-protocol';
import type { NodeConnection } from '../node/dial.js';
import {
  type OpeningFile,
  openAhead,
  openAndRead,
  openFile,
  readFile,
  release,
} from '../node/files.js';
import { sysrootOf } from '../sysroot.js';

/** The open files of a session, which hold it. */
export interface SessionFiles {
  readonly ctl: OpeningFile;
  readonly wait: OpeningFile;
  readonly stdout: OpeningFile;
  readonly stderr: OpeningFile;
  /** Only a legacy node's is opened before there is something to write. */
  stdin?: OpeningFile;
  /** Only where files are served. */
  term?: OpeningFile;
  /** Holds the session as the others do: letting go of it before them would only cost a request. */
  readonly clone?: OpeningFile;
}

/** A session that was made. */
export interface MadeSession {
  /** Its directory on the node: a decimal number. */
  readonly id: string;
  /** Where programs of the node's kind of machine are on this one: `$XCPU_SYSROOT/<arch>`, empty for nowhere. */
  readonly archDirectory: string;
  readonly files: SessionFiles;
}

/** Bytes to ask for where the answer is a number or a short name. */
export const SHORT = 63;

/** Bytes that are read of a user's groups, for the longest of names those of 240: beyond that they stay numbers. */
const GROUPS_BYTES = 64 * 1024;

interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a session on a node, and opens its files.
 * @throws NinePError
 */
export async function makeSession(
  connection: NodeConnection,
  options: RequestOptions,
): Promise<MadeSession> {
  const { legacy } = connection;
  const directoryFound = archDirectoryOf(connection, options);
  if (legacy) await directoryFound;
  const cloned = openAndRead(connection, ['clone'], SHORT, options);
  const [archDirectory, { fid: clone, data }] = await Promise.all([directoryFound, cloned]);
  const id = Buffer.from(data).toString('latin1');
  if (!/^\d{1,10}$/.test(id)) throw protocolError('the node names a session that is no number');
  if (!legacy) return { id, archDirectory, files: openAll(connection, id, clone) };
  const files = await openEach(connection, id, options);
  // The clone file holds the session until its own files do.
  await release(clone);
  return { id, archDirectory, files };
}

/**
 * Opens the files of a session that is there; that it is not, or may not be used, is told by what is done with them,
 * or for a legacy node here.
 * @throws NinePError
 */
export async function openSession(connection: NodeConnection, id: string): Promise<SessionFiles> {
  return connection.legacy ? openEach(connection, id, {}) : openAll(connection, id);
}

/** The groups of a session's user; none if the node does not tell them, as older ones do not. */
export async function groupsOf(
  connection: NodeConnection,
  id: string,
  options: RequestOptions,
): Promise<readonly GroupEntry[]> {
  const count = Math.min(GROUPS_BYTES, connection.client.maxCount);
  try {
    const { fid, data } = await openAndRead(connection, [id, 'groups'], count, options);
    void release(fid);
    const text = Buffer.from(data).toString('utf8');
    return parseGroupEntries(text.slice(0, text.lastIndexOf('\n') + 1));
  } catch {
    // They are names to print. What is wrong with the connection fails what matters, too.
    return [];
  }
}

/** Asks the node what it is only where the answer matters. */
async function archDirectoryOf(
  connection: NodeConnection,
  options: RequestOptions,
): Promise<string> {
  if (!process.env.XCPU_SYSROOT) return '';
  const text = await readFile(connection, ['arch'], options);
  return sysrootOf(parseArch(text.toString('utf8'))) ?? '';
}

/** All in one round trip. */
function openAll(connection: NodeConnection, id: string, clone?: Fid): SessionFiles {
  const open = (name: string, mode: number) => openAhead(connection, [id, name], mode);
  return {
    ctl: open('ctl', OpenMode.WRITE),
    wait: open('wait', OpenMode.READ),
    stdout: open('stdout', OpenMode.READ),
    stderr: open('stderr', OpenMode.READ),
    ...(clone && { clone: { fid: clone, opened: Promise.resolve() } }),
  };
}

/** One after the other, as legacy nodes want it. */
async function openEach(
  connection: NodeConnection,
  id: string,
  options: RequestOptions,
): Promise<SessionFiles> {
  const open = async (name: string, mode: number) => {
    const fid = await openFile(connection, [id, name], mode, options);
    return { fid, opened: Promise.resolve() };
  };
  const ctl = await open('ctl', OpenMode.WRITE);
  const wait = await open('wait', OpenMode.READ);
  const stdin = await open('stdin', OpenMode.WRITE);
  const stdout = await open('stdout', OpenMode.READ);
  return { ctl, wait, stdin, stdout, stderr: await open('stderr', OpenMode.READ) };
}
