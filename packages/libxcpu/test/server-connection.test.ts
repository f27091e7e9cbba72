import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectServer } from '../src/files/index.js';
import type { FakeNode } from './fake-node.js';
import { aliceKey, fakeNode } from './support.js';

const home = mkdtempSync(join(tmpdir(), '9p-home-'));
const keyFile = join(home, '.ssh/id_rsa');
const nodeMap = join(home, 'nodes');
mkdirSync(join(home, '.ssh'));
writeFileSync(keyFile, aliceKey.key.export({ type: 'pkcs1', format: 'pem' }));
afterAll(() => rmSync(home, { recursive: true }));

describe('who asks for a proof', () => {
  let node: FakeNode;
  let address: string;

  beforeEach(async () => {
    vi.stubEnv('HOME', home);
    vi.stubEnv('XCPU_NODES_FILE', nodeMap);
    node = await fakeNode();
    address = `127.0.0.1!${node.target.port}`;
    writeFileSync(nodeMap, `n1=${address}\n`);
  });
  afterEach(() => vi.unstubAllEnvs());

  const enter = async (at: string, options = {}) => {
    const { files } = await connectServer(at, { user: 'alice', ...options });
    files.client.destroy();
  };

  it("gets none by the user's own key if it is no node that he knows", async () => {
    await expect(enter(address)).rejects.toThrow(
      `${address}: asks for a proof of who you are; -k FILE signs one: only for servers that you trust`,
    );
  });

  it('gets one if the node map names it', async () => {
    await enter('n1');
  });

  it.each(['key', 'adminKey'])('gets one if the user names a key (%s)', async (option) => {
    await enter(address, { [option]: keyFile });
  });
});
