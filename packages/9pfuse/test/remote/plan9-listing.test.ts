import { transportPair } from '@xcpu/9p-protocol';
import { attach, Client } from '@xcpu/9p-protocol/client';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { expect, test } from 'vitest';
import { Plan9Listing } from '../../src/remote/plan9-listing.js';

test('a large directory is told of in parts, however much of it was read', async () => {
  const names = Array.from({ length: 3000 }, (_, index) => `f${index}`);
  const [near, far] = transportPair();
  new Server(serveTree(Object.fromEntries(names.map((name) => [name, ''])))).accept(far);
  const client = await Client.connect(near, { version: '9P2000.u' });
  const root = await attach(client, { uname: 'me' });
  await root.open(0);
  const listing = new Plan9Listing(root, '9P2000.u');
  const told = async (offset: number) => {
    const all: string[] = [];
    for (;;) {
      const some = await listing.from(offset, {});
      const last = some.at(-1);
      if (!last) return all;
      expect(some.length).toBeLessThanOrEqual(1024);
      all.push(...some.map(({ name }) => name));
      offset = Number(last.offset);
    }
  };
  expect((await told(0)).sort()).toEqual(['.', '..', ...names].sort());
  expect(await told(2)).toHaveLength(names.length);
  client.destroy();
});
