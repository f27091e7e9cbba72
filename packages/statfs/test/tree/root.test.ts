import { type Dialect, transportPair } from '@xcpu/9p-protocol';
import { attach, Client, linux } from '@xcpu/9p-protocol/client';
import { Server } from '@xcpu/9p-protocol/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATE_AGE_MS } from '../../src/limits.js';
import { type Summaries, statfsTree } from '../../src/tree/root.js';
import type { NodeTable } from '../../src/watch/node-table.js';

describe('the directory of nodes', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each<Dialect>(['9P2000.u', '9P2000.L'])(
    'is put together once for many who ask at once, in %s',
    async (version) => {
      const nodes = new CountingTable(['n1', 'n2']);
      const [ours, theirs] = transportPair();
      new Server(statfsTree(nodes as unknown as NodeTable, {} as Summaries)).accept(theirs);
      const client = await Client.connect(ours, { version });
      const root = await attach(client, { uname: 'me' });
      const directory = await root.walk(['nodes']);
      await (version === '9P2000.L' ? linux.lopen(directory, 0) : directory.open(0));
      const entries = () =>
        version === '9P2000.L' ? linux.readdir(directory, 0, 4096) : directory.readDirectory();
      const list = async () =>
        (await entries()).map(({ name }) => name).filter((name) => !name.startsWith('.'));
      for (let time = 0; time < 20; time++) expect(await list()).toEqual(['n1', 'n2']);
      expect(nodes.asked).toBe(1);
      nodes.names.push('n3');
      vi.advanceTimersByTime(STATE_AGE_MS);
      expect(await list()).toEqual(['n1', 'n2', 'n3']);
      client.close();
    },
  );
});

/** What the tree asks of a table of nodes when it is listed. */
class CountingTable {
  asked = 0;
  readonly names: string[];
  readonly #nodes = new Map<string, { name: string }>();

  constructor(names: string[]) {
    this.names = names;
  }

  *[Symbol.iterator](): Iterator<{ name: string }> {
    this.asked++;
    for (const name of this.names) {
      const node = this.#nodes.get(name) ?? { name };
      this.#nodes.set(name, node);
      yield node;
    }
  }
}
