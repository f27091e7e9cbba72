import { type FileHandle, open } from 'node:fs/promises';
import { connectTcp, Errno, NinePError, OpenMode, QidType, type Stat } from '@xcpu/9p-protocol';
import { attach, auth, Client, type Fid } from '@xcpu/9p-protocol/client';
import { type ConnectCommand, passkeyProof, XCPUFS_PORT } from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';
import type { User } from '../users/users.js';

/** How long the other node may take to let us in, in milliseconds. */
const CONNECT_MS = 10_000;
/** Largest file that is fetched, in bytes: a bound for what a strange node can put onto our disk at a time. */
const MAX_FILE = 4 * 1024 ** 3;

/** A directory of a session on another node, from which files that are missing here are fetched: `connect`. */
export class Peer {
  readonly #root: Fid;

  private constructor(root: Fid) {
    this.#root = root;
  }

  /**
   * Logs in at the other node as the user, by passkey: the node has no key of his.
   * @throws NinePError naming the other node and the reason
   */
  static async connect(command: ConnectCommand, user: User): Promise<Peer> {
    const { host, port = XCPUFS_PORT } = command.address;
    const { passkey, sid, path = 'fs' } = command;
    if (passkey === undefined) throw nodeError('connect: a passkey is needed');
    const signal = AbortSignal.timeout(CONNECT_MS);
    let client: Client | undefined;
    try {
      client = await Client.connect(await connectTcp({ host, port, signal }), { signal });
      const afid = await auth(client, { uname: user.name });
      await afid.write(0, passkeyProof(await afid.read(0, 16), passkey), { signal });
      const root = await attach(client, { uname: user.name, afid, signal });
      return new Peer(await root.walk([sid, ...path.split('/')], { signal }));
    } catch (error) {
      client?.destroy();
      const reason = error instanceof Error ? error.message : String(error);
      throw nodeError(`connect: ${host}!${port}: ${reason}`);
    }
  }

  /** What the other node knows of a file, undefined if it has none of that name. */
  async find(components: readonly string[]): Promise<Stat | undefined> {
    const fid = await this.#walk(components);
    if (!fid) return undefined;
    try {
      return await fid.stat();
    } finally {
      await fid.clunk();
    }
  }

  /** Copies a file's contents into a file that the caller has made. */
  async copy(components: readonly string[], path: string): Promise<void> {
    const fid = await this.#walk(components);
    if (!fid) throw new NinePError('file not found', Errno.ENOENT);
    const file: FileHandle = await open(path, 'r+');
    try {
      await fid.open(OpenMode.READ);
      let length = 0;
      for await (const data of fid.chunks()) {
        length += data.length;
        if (length > MAX_FILE) throw new NinePError('file too large to fetch', Errno.EFBIG);
        await file.write(data);
      }
    } finally {
      await file.close();
      await fid.clunk().catch(() => {});
    }
  }

  close(): void {
    this.#root.client.close();
  }

  async #walk(components: readonly string[]): Promise<Fid | undefined> {
    try {
      return await this.#root.walk(components);
    } catch (error) {
      if (error instanceof NinePError && error.errno === Errno.ENOENT) return undefined;
      throw error;
    }
  }
}

/** Whether a file of the other node is one that can be fetched: a regular one, or a directory. */
export function fetchable(stat: Stat): boolean {
  return (stat.qid.type & ~QidType.DIR) === QidType.FILE;
}
