import { type Listener, listenTcp, NinePError } from '@xcpu/9p-protocol';
import { Server, serveTree, type TreeSpec } from '@xcpu/9p-protocol/server';
import { afterEach, describe, expect, it } from 'vitest';
import { findNodes, nodesUp, readStatfs, readStatfsDetails } from '../src/index.js';

const STATE = `n1\ttcp!127.0.0.1!22501\t/Linux/x86_64\tup\t2
n2\t10.0.0.2\t/Linux/x86_64\tdraining\t0
n3\tn3.cluster\t/Linux/x86_64\tup\t0
n4\t10.0.0.4\tunknown (not read yet)\tdown(disconnected)\t0
`;
const DETAILS = `name\taddr\tstate\tarch\tjobs\tload\tmemory\tuptime\tlastseen
n1\t10.0.0.1\tup\t/Linux/x86_64\t3\t0.5 1 2\t50 100\t4242\t1800000000
`;

const listeners: Listener[] = [];
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));

/** Serves these files, and answers where. */
async function serve(spec: TreeSpec): Promise<string> {
  const server = new Server(serveTree(spec));
  const accept = (transport: Parameters<typeof server.accept>[0]) => void server.accept(transport);
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, accept);
  listeners.push(listener);
  return listener.address;
}

describe('nodes that are up', () => {
  it('are those that are exactly that, where statfs reaches them', async () => {
    const server = await serve({ state: STATE });
    const up = [
      { name: 'n1', host: '127.0.0.1', port: 22501 },
      { name: 'n3', host: 'n3.cluster', port: 6668 },
    ];
    expect(await nodesUp({ server })).toEqual(up);
    expect(await findNodes(undefined, { env: { XCPU_STATFS: `tcp!${server}` } })).toEqual(up);
  });

  it('are not looked for where nodes are named', async () => {
    const env = { XCPU_STATFS: 'nobody.invalid' };
    const [node] = await findNodes('n9!7000', { env });
    expect(node).toMatchObject({ name: 'n9!7000', port: 7000 });
  });

  it('are an error where there are none', async () => {
    const server = await serve({ state: STATE.replaceAll('\tup\t', '\tbusy\t') });
    await expect(nodesUp({ server })).rejects.toThrow('statfs: no node is up; not up: n[1-4]');
    const empty = await serve({ state: '' });
    await expect(nodesUp({ server: empty })).rejects.toThrow(/^statfs: no node is up$/);
  });
});

describe('a statfs', () => {
  it('is read line by line, and for more where it has more', async () => {
    const ours = await serve({ state: STATE, details: DETAILS });
    expect((await readStatfs({ server: ours })).map(({ name }) => name)).toEqual([
      'n1',
      'n2',
      'n3',
      'n4',
    ]);
    const [node, ...others] = await readStatfsDetails({ server: ours });
    expect(node).toMatchObject({ numjobs: 3, load: { load1: 0.5 }, lastSeen: 1_800_000_000 });
    expect(others).toEqual([]);
    const historic = await serve({ state: STATE });
    const details = await readStatfsDetails({ server: historic });
    expect(details.map(({ numjobs, load }) => ({ numjobs, load }))[0]).toEqual({
      numjobs: 2,
      load: {},
    });
  });

  it.each([
    ['n1\n', 'protocol', /node state line 1/],
    ['n[1-3]\ta\tb\tup\t0\n', 'protocol', /n\[1-3\]/],
    ['n1\ta!b!c\tb\tup\t0\n', 'protocol', /invalid address/],
  ])('that says %j is told', async (state, kind, message) => {
    const server = await serve({ state });
    await expect(nodesUp({ server })).rejects.toMatchObject({ kind });
    await expect(nodesUp({ server })).rejects.toThrow(message);
  });

  it('that is something else is told', async () => {
    const server = await serve({ motd: 'hello\n' });
    const told = /^statfs: state: file not found \(127\.0\.0\.1!\d+\): is statfs running there\?/;
    await expect(readStatfs({ server })).rejects.toThrow(told);
    await expect(readStatfsDetails({ server })).rejects.toThrow(told);
  });

  it('that is not there is told, with where it was looked for', async () => {
    const server = await serve({ state: STATE });
    await listeners.pop()?.close();
    await expect(readStatfs({ server })).rejects.toMatchObject({ kind: 'unreachable' });
    await expect(readStatfs({ server })).rejects.toThrow(
      `statfs: connection refused (${server}): is statfs running there? -s names its host`,
    );
    const env = { XCPU_STATFS: server };
    await expect(readStatfs({ env })).rejects.toThrow('$XCPU_STATFS names its host');
  });

  it('that does not answer is given up', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, () => {});
    listeners.push(listener);
    const reading = readStatfs({ server: listener.address, connectTimeout: 50 });
    await expect(reading).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('that refuses is told in its own words', async () => {
    const server = await serve({
      state: {
        read: () => {
          throw new NinePError('out\x1b of order');
        },
      },
    });
    await expect(readStatfs({ server })).rejects.toThrow('statfs: state: out? of order (');
  });

  it.each([
    [{ server: 'a:3' }, 'the address of statfs: invalid address "a:3": a port follows \'!\''],
    [{ env: { XCPU_STATFS: 'a b' } }, '$XCPU_STATFS: invalid address "a b"'],
  ])('is not looked for at %j', async (options, reason) => {
    await expect(readStatfs(options)).rejects.toMatchObject({ name: 'UsageError' });
    await expect(readStatfs(options)).rejects.toThrow(reason);
  });
});
