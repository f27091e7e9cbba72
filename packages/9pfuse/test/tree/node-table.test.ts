import { FileMode, type Qid, transportPair } from '@xcpu/9p-protocol';
import { attach, Client, type Fid } from '@xcpu/9p-protocol/client';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Plan9Remote } from '../../src/remote/plan9.js';
import type { RemoteFile } from '../../src/remote/remote.js';
import { NodeTable } from '../../src/tree/node-table.js';

const TREE = { a: { b: { c: 'deep' }, x: 'x', y: 'y' }, d: 'd' };

describe('NodeTable', () => {
  let client: Client;
  let root: Fid;
  let remote: Plan9Remote;

  beforeEach(async () => {
    const [near, far] = transportPair();
    new Server(serveTree(TREE)).accept(far);
    client = await Client.connect(near, { version: '9P2000.u' });
    root = await attach(client, { uname: 'me' });
    remote = new Plan9Remote('9P2000.u', { user: () => 0, group: () => 0 });
  });

  afterEach(() => client.destroy());

  async function table(maxFids = 100) {
    return new NodeTable(root, await remote.getattr(root, {}), maxFids);
  }

  async function find(nodes: NodeTable, ...path: string[]) {
    let node = nodes.root;
    for (const name of path) {
      const parent = node;
      node = await nodes.use(parent, async (directory) => {
        const fid = await directory.walk([name]);
        return nodes.found(parent, name, await remote.getattr(fid, {}), fid);
      });
      nodes.refer(node);
    }
    return node;
  }

  test('one file is one node, until the kernel has given back every reference', async () => {
    const nodes = await table();
    const first = await find(nodes, 'd');
    expect(await find(nodes, 'd')).toBe(first);
    nodes.forget(first.id, 1);
    expect(nodes.get(first.id)).toBe(first);
    nodes.forget(first.id, 1);
    expect(() => nodes.get(first.id)).toThrow('stale');
    const second = await find(nodes, 'd');
    expect(second.id).not.toBe(first.id);
    expect(nodes.size).toBe(2);
    expect(nodes.fids).toBe(1);
  });

  test('a directory that is found below itself (a bind mount, or a server that lies) has no place there', async () => {
    const nodes = await table(1);
    const top = await find(nodes, 'a');
    const below = await find(nodes, 'a', 'b');
    const file = await nodes.use(top, (fid) => remote.getattr(fid, {}));
    expect(nodes.found(below, 'again', file)).toBe(top);
    expect(nodes.found(top, 'again', file)).toBe(top);
    // Neither has a fid any more: the way to them is from the root on.
    await find(nodes, 'd');
    for (const node of [top, below]) {
      expect((await nodes.use(node, async (fid) => fid.qid)).path).toBe(node.qid.path);
    }
  });

  test('beyond the limit fids go, and are walked to again', async () => {
    const nodes = await table(2);
    const deep = await find(nodes, 'a', 'b', 'c');
    await find(nodes, 'a', 'x');
    await find(nodes, 'd');
    expect(nodes.fids).toBe(2);
    expect(deep.fid).toBeUndefined();
    const again = await nodes.use(deep, async (fid) => (await fid.stat()).name);
    expect(again).toBe('c');
    expect(nodes.fids).toBeLessThanOrEqual(2);
  });

  test('a fid is not taken from under an operation', async () => {
    const nodes = await table(1);
    const node = await find(nodes, 'd');
    await nodes.use(node, async (fid) => {
      await find(nodes, 'a', 'x');
      expect((await fid.stat()).name).toBe('d');
    });
    expect(nodes.fids).toBe(1);
  });

  test('a name that is gone, or leads elsewhere, makes a node stale', async () => {
    const nodes = await table(1);
    const node = await find(nodes, 'a', 'x');
    await find(nodes, 'd');
    expect(node.fid).toBeUndefined();
    nodes.renamed(nodes.child(nodes.root, 'a')!, 'x', nodes.child(nodes.root, 'a')!, 'y');
    await expect(nodes.use(node, async () => {})).rejects.toThrow('stale');
    nodes.unlinked(nodes.child(nodes.root, 'a')!, 'y');
    await expect(nodes.use(node, async () => {})).rejects.toThrow('stale');
  });

  test('a number that is used again is another file', async () => {
    const nodes = await table();
    const qid: Qid = { type: 0, version: 0, path: 77 };
    const [link, file] = [told(qid, FileMode.SYMLINK, 5), told(qid, FileMode.REGULAR, 5)];
    const first = nodes.found(nodes.root, 'l', link);
    nodes.refer(first);
    expect(nodes.found(nodes.root, 'l', link)).toBe(first);
    expect(nodes.found(nodes.root, 'l', told(qid, FileMode.SYMLINK, 6))).not.toBe(first);
    const plain = nodes.found(nodes.root, 'l', file);
    expect(nodes.found(nodes.root, 'l', told(qid, FileMode.REGULAR, 6))).toBe(plain);
    expect(nodes.found(nodes.root, 'l', { ...file, birth: 'later' })).not.toBe(plain);
  });

  test('what one operation lets go of, another that found it too can still tell of', async () => {
    const nodes = await table();
    const file = told({ type: 0, version: 0, path: 77 }, FileMode.REGULAR, 5);
    const node = nodes.found(nodes.root, 'f', file);
    nodes.release(node);
    expect(nodes.child(nodes.root, 'f')).toBeUndefined();
    nodes.refer(node);
    expect(nodes.child(nodes.root, 'f')).toBe(node);
    expect(nodes.found(nodes.root, 'f', file)).toBe(node);
    nodes.release(node);
    expect(nodes.get(node.id)).toBe(node);
  });

  test('whatever the kernel does, nodes are as many as it has references to', async () => {
    const paths = [['d'], ['a'], ['a', 'x'], ['a', 'y'], ['a', 'b', 'c']];
    const step = fc.record({ path: fc.constantFrom(...paths), forget: fc.nat({ max: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, limit) => {
          const nodes = await table(limit);
          const references = new Map<number, number>();
          for (const { path, forget } of steps) {
            let node = nodes.root;
            for (let depth = 1; depth <= path.length; depth++) {
              node = await find(nodes, ...path.slice(0, depth));
            }
            // `find` refers to every node on the way, once for each call.
            for (
              let at: typeof node | undefined = node, times = 1;
              at && at !== nodes.root;
              at = at.place?.parent, times++
            ) {
              references.set(at.id, (references.get(at.id) ?? 0) + times);
            }
            const count = Math.min(forget, references.get(node.id)!);
            nodes.forget(node.id, count);
            references.set(node.id, references.get(node.id)! - count);
          }
          const held = [...references].filter(([, count]) => count > 0).map(([id]) => id);
          expect(nodes.size).toBe(held.length + 1);
          for (const id of held) expect(nodes.get(id).id).toBe(id);
          expect(nodes.fids).toBeLessThanOrEqual(limit);
          for (const id of held) nodes.forget(id, references.get(id)!);
          expect(nodes.size).toBe(1);
          expect(nodes.fids).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });
});

function told(qid: Qid, kind: number, mtime: number): RemoteFile {
  const times = { atime: 0, mtime, ctime: 0, atimeNsec: 0, mtimeNsec: 0, ctimeNsec: 0 };
  const rest = { blocks: 0, nlink: 1, uid: 0, gid: 0, rdev: 0, blksize: 4096 };
  return {
    qid,
    birth: undefined,
    attributes: { ino: qid.path, size: 0, mode: kind, ...times, ...rest },
  };
}
