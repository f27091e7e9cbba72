import { type Listener, listenTcp } from '@xcpu/9p-protocol';
import { Server, type ServerLimits, serveTree, type TreeSpec } from '@xcpu/9p-protocol/server';
import { afterEach, expect, it } from 'vitest';
import { dial, type NodeConnection, NodeReader } from '../../src/index.js';
import { alice } from '../support.js';

const BASE = { arch: '/Linux/x86_64', state: '', '7': { ctl: '1' }, '12': {}, '9': 'a file' };

let listener: Listener;
let connection: NodeConnection;
afterEach(async () => {
  connection.close();
  await listener.close();
});

async function reader(spec: TreeSpec, limits: Partial<ServerLimits> = {}): Promise<NodeReader> {
  const server = new Server(serveTree(spec), { limits });
  const accept = (transport: Parameters<typeof server.accept>[0]) => void server.accept(transport);
  listener = await listenTcp({ host: '127.0.0.1', port: 0 }, accept);
  const [host = '', port] = listener.address.split('!');
  connection = await dial({ name: 'n1', host, port: Number(port) }, alice);
  return NodeReader.open(connection);
}

it('reads state, sessions and load', async () => {
  const node = await reader({ ...BASE, load: 'load1 0.5\ncpus 4\n' });
  expect(node.arch).toBe('/Linux/x86_64');
  const reading = { state: 'up', numjobs: 2, load: { load1: 0.5, cpus: 4 } };
  expect(await node.read()).toEqual(reading);
  expect(await node.read()).toEqual(reading);
});

it('reads a node that tells no load, and one as small as the historic ones', async () => {
  expect(await (await reader(BASE)).read()).toEqual({ state: 'up', numjobs: 2, load: {} });
  connection.close();
  await listener.close();
  const node = await reader({ ...BASE, load: 'cpus 4\n' }, { msize: 32_792 });
  expect(connection.legacy).toBe(true);
  expect(await node.read()).toEqual({ state: 'up', numjobs: 2, load: {} });
  expect(await node.read()).toEqual({ state: 'up', numjobs: 2, load: {} });
});

it.each([
  ['draining\n', 'draining'],
  ['a\tb\nc\x1b[2J', 'a?b?c?[2J'],
  ['x'.repeat(64), 'x'.repeat(63)],
  ['é'.repeat(40), 'é'.repeat(31)],
  ['\n', 'up'],
])('makes one line of the state %j', async (state, shown) => {
  expect((await (await reader({ ...BASE, state })).read()).state).toBe(shown);
});

it.each(['Linux', '/Linux/../../etc', '/Linux/x\ty'])(
  'does not pass on the arch %j',
  async (arch) => {
    expect((await reader({ ...BASE, arch })).arch).toBe('unknown (not understood)');
  },
);

it.each([
  [{ state: '' }, 'arch'],
  [{ arch: '/Linux/x86_64' }, 'state'],
])('fails where a node has not what it reads: %j', async (spec, name) => {
  await expect(reader(spec)).rejects.toMatchObject({
    kind: expect.stringMatching(/failed|missing/),
  });
  await expect(NodeReader.open(connection)).rejects.toThrow(name);
});

it('does not read an arch without end', async () => {
  await expect(reader({ ...BASE, arch: 'x'.repeat(10_000) })).rejects.toThrow('longer than');
});
