import { Errno, MessageType, NinePError, OpenMode } from '@xcpu/9p-protocol';
import { Fid } from '@xcpu/9p-protocol/client';
import type { NodeConnection } from './dial.js';

/** A path below a node's root, by names. */
export type NodePath = readonly string[];

const NEWLINE = 0x0a;

interface FileOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file of a node: in one round trip, or one after the other for a legacy node.
 * @throws NinePError what the node answers
 */
export async function openFile(
  { root, legacy }: NodeConnection,
  path: NodePath,
  mode: number,
  options: FileOptions = {},
): Promise<Fid> {
  const request = requestOptions(options);
  if (!legacy) return root.walkOpen(path, mode, request).catch((error) => missing(path, error));
  const fid = await root.walk(path, request).catch((error) => missing(path, error));
  try {
    return await fid.open(mode, request);
  } catch (error) {
    await release(fid);
    throw error;
  }
}

/** A server does not say which file is not there when it is the first one of a path. */
function missing([first = '', ...below]: NodePath, error: unknown): never {
  const unnamed = error instanceof NinePError && error.errno === Errno.ENOENT && below.length === 0;
  throw unnamed ? new NinePError(`${first}: file not found`, Errno.ENOENT) : error;
}

/**
 * Reads a small file of a node that has no more than `limit` bytes.
 * @throws NinePError what the node answers; EFBIG above the limit
 */
export async function readFile(
  connection: NodeConnection,
  path: NodePath,
  options: FileOptions & { readonly limit?: number } = {},
): Promise<Buffer> {
  const { limit } = options;
  const fid = await openFile(connection, path, OpenMode.READ, options);
  try {
    return await fid.readAll({
      ...requestOptions(options),
      ...(limit !== undefined && { limit }),
    });
  } finally {
    await settle(connection, release(fid));
  }
}

/**
 * The text of a file that was read.
 * @throws NinePError (EFBIG) for more than `limit` lines
 */
export function textOfLines(name: string, bytes: Buffer, limit: number): string {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (++lines > limit) throw new NinePError(`${name}: more than ${limit} lines`, Errno.EFBIG);
  }
  return bytes.toString('utf8');
}

/**
 * Opens a file, writes it from its beginning and lets go of it: in one round trip where the data fits into one
 * message.
 * @throws NinePError what the node answers
 */
export async function writeFile(
  connection: NodeConnection,
  path: NodePath,
  mode: number,
  data: Uint8Array,
  options: FileOptions = {},
): Promise<void> {
  const { client, legacy } = connection;
  if (legacy || data.length > client.maxCount) {
    const fid = await openFile(connection, path, mode, options);
    try {
      await fid.writeAll(data, { ...requestOptions(options), inFlight: 1 });
    } finally {
      await settle(connection, release(fid));
    }
    return;
  }
  const { fid, opened } = openAhead(connection, path, mode, options);
  // Opening may have emptied the file: that is all then.
  const written = data.length > 0 ? fid.write(0, data, requestOptions(options)) : 0;
  try {
    const [, count] = await allOrFirstError([opened, written]);
    if (count !== data.length)
      throw new NinePError(`only ${count} of ${data.length} bytes written`);
  } finally {
    void release(fid);
  }
}

/** The first bytes of a file, at most `count`, and the file left open; in one round trip. */
export async function openAndRead(
  connection: NodeConnection,
  path: NodePath,
  count: number,
  options: FileOptions = {},
): Promise<{ fid: Fid; data: Uint8Array }> {
  const request = requestOptions(options);
  if (connection.legacy) {
    const fid = await openFile(connection, path, OpenMode.READ, options);
    return { fid, data: await fid.read(0, count, request) };
  }
  const { fid, opened } = openAhead(connection, path, OpenMode.READ, options);
  try {
    const [, data] = await allOrFirstError([opened, fid.read(0, count, request)]);
    return { fid, data };
  } catch (error) {
    void release(fid);
    throw error;
  }
}

/** Lets go of a fid; that it cannot be is no loss, as the connection's end clears up. */
export function release(fid: Fid): Promise<void> {
  return fid.clunk().catch(() => {});
}

/** Nothing but a legacy node needs to have answered before the next request leaves. */
async function settle({ legacy }: NodeConnection, released: Promise<void>): Promise<void> {
  if (legacy) await released;
}

/** A file that is open, or about to be. */
export interface OpeningFile {
  readonly fid: Fid;
  /** Fails with the reason why the fid cannot be used, which requests about it tell less well. */
  readonly opened: Promise<unknown>;
}

/** A fid that may be used while the requests that make it are on their way: not on a legacy node. */
export function openAhead(
  connection: NodeConnection,
  names: NodePath,
  mode: number,
  options: FileOptions = {},
): OpeningFile {
  const { fid, walked } = walkAhead(connection, names, options);
  const opened = allOrFirstError([walked, fid.open(mode, requestOptions(options))]);
  // Whatever is done with the file tells.
  opened.catch(() => {});
  return { fid, opened };
}

/** A fid that may be used while the walk to it, of MAX_WALK_NAMES at the most, is on its way: not on a legacy node. */
export function walkAhead(
  { client, root }: NodeConnection,
  names: NodePath,
  { signal }: FileOptions = {},
): { readonly fid: Fid; readonly walked: Promise<void> } {
  const fid = new Fid(client, client.takeFid());
  const type = MessageType.Twalk;
  const request = { type, fid: root.number, newfid: fid.number, names };
  const walked = client.request(request, signal).then(
    ({ qids }) => {
      // What follows on the fid fails too, with a text that says less.
      if (qids.length < names.length)
        throw new NinePError(`${names[qids.length]}: file not found`, Errno.ENOENT);
    },
    (error) => missing(names, error),
  );
  return { fid, walked };
}

/** The results in order; if some fail, the error of the first in order, once all are done. */
export async function allOrFirstError<T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes = await Promise.allSettled(promises);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as {
    -readonly [K in keyof T]: Awaited<T[K]>;
  };
}

/** Why the file could not be opened, if that is what made a request about it fail with `error`. */
export async function rejectWithFirst(opened: Promise<unknown>, error: unknown): Promise<never> {
  await opened;
  throw error;
}

function requestOptions({ signal }: FileOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
