import { transportPair } from '@xcpu/9p-protocol';
import { attach, Client, type Fid, type RequestOptions } from '@xcpu/9p-protocol/client';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CACHE_MODES } from '../../src/cache.js';
import { opendir, readdir } from '../../src/operations/directories.js';
import { rename } from '../../src/operations/names.js';
import { sameOwners } from '../../src/owners.js';
import { Opcode, ROOT_NODE } from '../../src/protocol/constants.js';
import type { Opendir, Readdirplus, Rename } from '../../src/protocol/requests.js';
import { Pipeline } from '../../src/remote/pipeline.js';
import { Plan9Remote } from '../../src/remote/plan9.js';
import { NodeTable } from '../../src/tree/node-table.js';
import { Volume } from '../../src/volume.js';

/** Lets a test act between what the server tells of a file and what becomes of it. */
class WatchedRemote extends Plan9Remote {
  told: (() => Promise<void>) | undefined;

  override async getattr(fid: Fid, options: RequestOptions) {
    const file = await super.getattr(fid, options);
    await this.told?.();
    return file;
  }
}

describe('files that the kernel was never told of', () => {
  let client: Client;
  let remote: WatchedRemote;
  let volume: Volume;

  beforeEach(async () => {
    const [near, far] = transportPair();
    new Server(serveTree({ a: 'a', b: 'b', c: 'c' })).accept(far);
    client = await Client.connect(near, { version: '9P2000.u' });
    const root = await attach(client, { uname: 'me' });
    remote = new WatchedRemote('9P2000.u', { user: () => 0, group: () => 0 });
    volume = new Volume({
      remote,
      pipeline: new Pipeline(),
      nodes: new NodeTable(root, await remote.getattr(root, {}), 100),
      owners: sameOwners,
      cache: CACHE_MODES.open,
      clientId: 'test',
      kernel: { forgetAttributes: () => {}, store: () => false },
    });
  });
  afterEach(() => client.destroy());

  test('are let go of when READDIRPLUS is interrupted', async () => {
    const { signal } = new AbortController();
    const opened = { opcode: Opcode.OPENDIR, node: ROOT_NODE } as unknown as Opendir;
    const { body } = await opendir(volume, opened, signal);
    const handle = Number(Buffer.from(body[0]!).readBigUInt64LE(0));
    const listed = (offset: number, signal: AbortSignal) =>
      readdir(
        volume,
        {
          ...{ opcode: Opcode.READDIRPLUS, node: ROOT_NODE, handle, offset, size: 4096 },
        } as unknown as Readdirplus,
        signal,
      );
    // The directory itself, and what it is in.
    await listed(0, signal);
    const told = await listed(2, signal);
    expect(volume.nodes.fids).toBe(3);
    told.refused?.();
    expect(volume.nodes.fids).toBe(0);

    const controller = new AbortController();
    let answers = 0;
    remote.told = async () => {
      if (++answers < 3) return;
      while (volume.nodes.fids < 2) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('interrupted'));
    };
    await expect(listed(2, controller.signal)).rejects.toThrow('interrupted');
    expect({ answers, fids: volume.nodes.fids }).toEqual({ answers: 3, fids: 0 });
    expect(volume.nodes.child(volume.nodes.root, 'a')).toBeUndefined();
  });

  test('are let go of when they are renamed', async () => {
    const request = {
      ...{ opcode: Opcode.RENAME, node: ROOT_NODE, newParent: ROOT_NODE },
      ...{ name: 'a', newName: 'z' },
    } as unknown as Rename;
    await rename(volume, request, new AbortController().signal).catch(() => {});
    expect(volume.nodes.fids).toBe(0);
    for (const name of ['a', 'z']) {
      expect(volume.nodes.child(volume.nodes.root, name)).toBeUndefined();
    }
  });
});
