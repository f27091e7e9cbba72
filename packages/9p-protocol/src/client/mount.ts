import { userInfo } from 'node:os';
import { NinePError } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import { Client, type ClientOptions } from './client.js';
import { attach, auth, type Fid } from './fid.js';
import { FileSystem } from './file-system.js';
import { PathWalker } from './paths.js';
import { linuxRequests } from './requests-linux.js';
import { plan9Requests } from './requests-plan9.js';

/** How a tree is mounted. */
export interface MountOptions extends ClientOptions {
  /** Who attaches. Default: the user that this process runs as, by name and number. */
  readonly uname?: string;
  /** The user's number, sent in 9P2000.u and 9P2000.L. */
  readonly nUname?: number;
  /** Which of the server's trees; the server decides what names mean. */
  readonly aname?: string;
  /**
   * Proves who the user is by reading and writing the authentication file. A server that wants no proof is attached
   * to without one.
   */
  readonly authenticate?: (afid: Fid) => Promise<void>;
}

/**
 * Opens a conversation in the richest dialect that both sides speak (9P2000.L, 9P2000.u, 9P2000) and attaches to
 * the server's tree: `const files = await mount(await dial('tcp!n8!564'))`. Close the result (or dispose of it) when
 * done. `signal` gives up mounting; it does not end what was mounted.
 * @throws NinePError what the server answers, or why the conversation ended; the transport is closed then
 */
export async function mount(transport: Transport, options: MountOptions = {}): Promise<FileSystem> {
  const client = await Client.connect(transport, {
    ...options,
    version: options.version ?? '9P2000.L',
  });
  const { signal } = options;
  const abort = () => client.destroy(signal?.reason);
  signal?.addEventListener('abort', abort);
  try {
    const root = await enter(client, options);
    const requests = client.dialect === '9P2000.L' ? linuxRequests : plan9Requests;
    return new FileSystem(new PathWalker(root, requests));
  } catch (error) {
    client.destroy();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

async function enter(client: Client, options: MountOptions): Promise<Fid> {
  const { aname = '', authenticate } = options;
  const user = { ...(options.uname === undefined ? self() : { uname: options.uname }), aname };
  const login = options.nUname === undefined ? user : { ...user, nUname: options.nUname };
  if (!authenticate) return attach(client, login);
  let afid: Fid;
  try {
    afid = await auth(client, login);
  } catch (refusal) {
    if (!(refusal instanceof NinePError) || refusal.kind !== 'file') throw refusal;
    return attach(client, login);
  }
  try {
    await authenticate(afid);
    return await attach(client, { ...login, afid });
  } finally {
    await afid.clunk().catch(() => {});
  }
}

function self(): { uname: string; nUname?: number } {
  const uid = process.getuid?.();
  const number = uid === undefined ? {} : { nUname: uid };
  try {
    return { uname: userInfo().username, ...number };
  } catch {
    // A user that no list of users names, as in containers.
    return { uname: String(uid ?? 'nobody'), ...number };
  }
}
