import { type Listener, listenTcp } from '@xcpu/9p-protocol';
import { Server, serveTree, type TreeSpec } from '@xcpu/9p-protocol/server';
import { afterEach, describe, expect, it } from 'vitest';
import {
  attach,
  detach,
  dial,
  listProcesses,
  type NodeConnection,
  type NodeTarget,
  readGroups,
  readUsers,
} from '../src/index.js';
import { alice, collect } from './support.js';

const listeners: Listener[] = [];
const connections: NodeConnection[] = [];
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

async function node(spec: TreeSpec): Promise<NodeTarget> {
  const server = new Server(serveTree(spec, 'alice'));
  const accept = (transport: Parameters<typeof server.accept>[0]) => void server.accept(transport);
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, accept);
  listeners.push(listener);
  const [host = '', port] = listener.address.split('!');
  return { name: 'n1', host, port: Number(port) };
}

async function connected(spec: TreeSpec): Promise<NodeConnection> {
  const connection = await dial(await node(spec), alice);
  connections.push(connection);
  return connection;
}

describe('a node whose tables are of short lines without end', () => {
  const endless = 'a:1\n'.repeat(2_000_000);

  it('fails before they take the memory that is there', async () => {
    const connection = await connected({ pwent: endless, grent: endless, procs: endless });
    await expect(readUsers(connection)).rejects.toThrow('n1: pwent: more than 131072 lines');
    await expect(readGroups(connection)).rejects.toThrow('n1: grent: more than 131072 lines');
    await expect(listProcesses(connection)).rejects.toThrow('n1: procs: more than 1048576 lines');
  });
});

describe('a node that lets us in and then says nothing of its sessions', () => {
  const silent = { '1': { id: { read: () => new Promise<string>(() => {}) } } };

  it('keeps nobody from attaching to a job elsewhere', async () => {
    const job = await attach([await node(silent)], 'j1', { login: alice, connectTimeout: 300 });
    const { results } = await collect(job);
    expect(results).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ kind: 'timeout' }) }),
    ]);
  });

  it('keeps nobody from starting one that stays', async () => {
    const options = { login: alice, jobid: 'j1', connectTimeout: 300 };
    const job = await detach([await node(silent)], ['date'], options);
    expect(job.started).toEqual([expect.objectContaining({ error: expect.anything() })]);
  });
});
