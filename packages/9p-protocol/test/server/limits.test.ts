import { describe, expect, it, vi } from 'vitest';
import { NinePError, type PeerIdentity, type Transport, transportPair } from '../../src/index.js';
import { MAX_CLOSING_MS } from '../../src/limits.js';
import {
  type FileServer,
  Server,
  type ServerLimits,
  serverLimits,
} from '../../src/server/index.js';
import {
  deferred,
  type FileBehaviour,
  Ledger,
  ledgerServer,
  settled,
  untilCancelled,
} from '../support/ledger.js';
import {
  attach,
  auth,
  clunk,
  create,
  flush,
  open,
  RawPeer,
  read,
  stat,
  version,
  walk,
  write,
} from '../support/raw-peer.js';

const blocked: FileBehaviour = {
  open: {
    read: (_offset, _count, request) => untilCancelled(request),
    write: (_offset, _data, request) => untilCancelled(request),
  },
};

describe('limits', () => {
  it('that make no sense are refused by name', () => {
    expect(() => serverLimits({ fids: 0 })).toThrow('limit fids: 0 is not between 1 and 2^31-1');
    expect(() => serverLimits({ msize: 255 })).toThrow('limit msize');
    expect(() => serverLimits({ requests: 1.5 })).toThrow('limit requests');
    expect(() => serverLimits({ unsentBytes: 1000 })).toThrow('limit unsentBytes');
    expect(serverLimits({ msize: 8192 }).msize).toBe(8192);
  });

  it('hold for fids; a clunk makes room', async () => {
    const peer = await served({ children: { blocked } }, { fids: 3 });
    await peer.call(walk(0, 1, []));
    await peer.call(walk(0, 2, []));
    expect(await peer.call(walk(0, 3, []))).toMatchObject({
      ename: 'too many fids (limit 3)',
      errno: 24,
    });
    expect(await peer.call(attach(3))).toMatchObject({ ename: 'too many fids (limit 3)' });
    await peer.call(clunk(1));
    expect(await peer.call(walk(0, 3, []))).toMatchObject({ type: 111 });
  });

  it('hold for the fids of a stranger, who has more once he has proved who he is', async () => {
    const [ours, theirs] = transportPair();
    const proof = () => ({ qid: { type: 8, version: 0, path: 1 }, read: () => Buffer.alloc(0) });
    const files = ledgerServer({}, new Ledger(), proof);
    new Server(files, { limits: { fids: 4, fidsBeforeAttach: 2 } }).accept(theirs);
    const peer = new RawPeer(ours);
    await peer.call(version());
    await peer.call(auth(1));
    await peer.call(auth(2));
    expect(await peer.call(auth(3))).toMatchObject({ ename: 'too many fids (limit 2)' });
    await peer.call(clunk(2));
    await peer.call(attach(0));
    await peer.call(walk(0, 3, []));
    await peer.call(walk(0, 4, []));
    expect(await peer.call(walk(0, 5, []))).toMatchObject({ ename: 'too many fids (limit 4)' });
  });

  it('hold for refused attaches: the conversation ends, the rest of what came is not looked at', async () => {
    let asked = 0;
    const [ours, theirs] = transportPair();
    const refuse = (): never => {
      asked++;
      throw new NinePError('authentication failed');
    };
    new Server({ attach: refuse }, { limits: { refusedAttaches: 3 } }).accept(theirs);
    const peer = new RawPeer(ours);
    await peer.call(version());
    peer.send(...Array.from({ length: 100 }, (_, tag) => attach(tag, 'me', undefined, tag)));
    for (let count = 0; count < 3; count++) {
      expect(await peer.next()).toMatchObject({ ename: 'authentication failed' });
    }
    await peer.closed;
    expect(asked).toBe(3);
  });

  it('do not count refused attaches once somebody has entered: others share the connection', async () => {
    const [ours, theirs] = transportPair();
    const files = ledgerServer({}, new Ledger());
    const attaches: FileServer<string>['attach'] = (login, proof, request) => {
      if (login.uname !== 'me') throw new NinePError('authentication failed');
      return files.attach(login, proof, request);
    };
    new Server({ attach: attaches }, { limits: { refusedAttaches: 3 } }).accept(theirs);
    const peer = await new RawPeer(ours).open();
    for (let count = 0; count < 10; count++) {
      expect(await peer.call(attach(1, 'mallory'))).toMatchObject({ type: 107 });
    }
    expect(await peer.call(stat(0))).toMatchObject({ type: 125 });
  });

  it('hold for the time that one client’s requests take in one turn', async () => {
    let reads = 0;
    const slow = () => {
      reads++;
      const end = performance.now() + 3;
      while (performance.now() < end);
      return Buffer.alloc(1);
    };
    const server = serverOf({ children: { slow: { open: { read: slow } } } }, {});
    const [ours, theirs] = transportPair();
    const [neighbours, neighbour] = transportPair();
    server.accept(theirs);
    server.accept(neighbour);
    const peer = await new RawPeer(ours).open();
    const other = await new RawPeer(neighbours).open();
    peer.send(walk(0, 1, ['slow'], 1), open(1, 0, 2));
    await peer.answers(2);
    peer.send(...Array.from({ length: 100 }, (_, tag) => read(1, 0, 1, tag)));
    const all = peer.answers(100);
    await other.call(stat(0));
    expect(reads).toBeLessThan(100);
    expect((await all).size).toBe(100);
  });

  it('hold for requests that wait; what is answered or flushed makes room', async () => {
    const peer = await served({ children: { blocked } }, { requests: 2 });
    peer.send(walk(0, 1, ['blocked'], 1), open(1, 0, 2));
    await peer.answers(2);
    peer.send(read(1, 0, 1, 3), read(1, 0, 1, 4), stat(0, 5));
    expect(await peer.next()).toMatchObject({
      tag: 5,
      ename: 'too many requests (limit 2)',
      errno: 11,
    });
    expect(await peer.call(flush(3, 6))).toMatchObject({ type: 109 });
    expect(await peer.call(stat(0, 5))).toMatchObject({ type: 125 });
  });

  it('hold for flushes that wait: the conversation ends', async () => {
    const stubborn: FileBehaviour = { open: { read: () => new Promise(() => {}) } };
    const peer = await served({ children: { stubborn } }, { requests: 2 });
    peer.send(walk(0, 1, ['stubborn'], 1), open(1, 0, 2), read(1, 0, 1, 3));
    peer.send(...[4, 5, 6].map((tag) => flush(3, tag)));
    await peer.answers(2);
    peer.send(flush(3, 7));
    await peer.closed;
  });

  it('hold for the bytes that wait in streams; an answer gives them back', async () => {
    const stream: FileBehaviour = { open: { ...blocked.open, stream: true } };
    const peer = await served({ children: { stream } }, { streamBytes: 100 });
    await peer.call(walk(0, 1, ['stream']));
    await peer.call(open(1, 2));
    peer.send(write(1, 0, 'x'.repeat(60), 3), write(1, 0, 'x'.repeat(41), 4));
    expect(await peer.next()).toMatchObject({
      tag: 4,
      ename: expect.stringContaining('written'),
      errno: 105,
    });
    await peer.call(flush(3, 7));
    peer.send(write(1, 0, 'x'.repeat(100), 3), stat(0, 8));
    expect(await peer.next()).toMatchObject({ tag: 8 });
    expect(await peer.call(version())).toMatchObject({ type: 101 });
    await peer.open();
    await peer.call(walk(0, 1, ['stream']));
    await peer.call(open(1, 2));
    peer.send(write(1, 0, 'x'.repeat(100), 3), stat(0, 8));
    expect(await peer.next()).toMatchObject({ tag: 8, type: 125 });
  });

  it('hold for what reads ask for: who asks for more waits his turn, and may be flushed', async () => {
    const begun: number[] = [];
    const answers = new Map<number, (data: Buffer) => void>();
    const slow: FileBehaviour = {
      open: {
        read: (offset, count, request) => {
          begun.push(offset);
          const cancelled = untilCancelled(request);
          const answered = new Promise<Buffer>((resolve) =>
            answers.set(offset, () => resolve(Buffer.alloc(count))),
          );
          return Promise.race([cancelled, answered]);
        },
      },
    };
    const peer = await served({ children: { slow } }, { readBytes: 200 });
    peer.send(walk(0, 1, ['slow'], 1), open(1, 0, 2));
    await peer.answers(2);
    const ask = [150, 51, 40, 50, 300, 10].map((count, at) => read(1, at, count, 10 + at));
    peer.send(...ask, stat(0, 8));
    expect(await peer.next()).toMatchObject({ tag: 8, type: 125 });
    // The third would fit beside the first, but the second is before it.
    expect(begun).toEqual([0]);
    expect(await peer.call(flush(11, 7))).toMatchObject({ tag: 7, type: 109 });
    answers.get(0)!(Buffer.alloc(0));
    expect(await peer.next()).toMatchObject({ tag: 10, type: 117 });
    expect(begun).toEqual([0, 2, 3]);
    for (const at of [2, 3]) answers.get(at)!(Buffer.alloc(0));
    expect((await peer.answers(2)).size).toBe(2);
    // More than the limit goes alone.
    expect(begun).toEqual([0, 2, 3, 4]);
    expect(await peer.call(flush(14, 7))).toMatchObject({ tag: 7 });
    await settled();
    expect(begun).toEqual([0, 2, 3, 4, 5]);
    expect(await peer.call(version())).toMatchObject({ type: 101 });
    await peer.open();
    peer.send(walk(0, 1, ['slow'], 1), open(1, 0, 2), read(1, 9, 150, 3), stat(0, 8));
    await peer.answers(3);
    expect(begun.at(-1)).toBe(9);
  });

  it('end the reads that wait for their turn with the fid', async () => {
    const peer = await served({ children: { blocked } }, { readBytes: 100 });
    peer.send(walk(0, 1, ['blocked'], 1), open(1, 0, 2), walk(0, 2, ['blocked'], 3), open(2, 0, 4));
    await peer.answers(4);
    peer.send(read(1, 0, 90, 5), read(2, 0, 90, 6), clunk(2, 7));
    expect((await peer.answers(2)).get(6)).toMatchObject({ type: 107 });
    peer.send(clunk(1, 8));
    expect((await peer.answers(2)).get(8)).toMatchObject({ type: 121 });
  });

  it('hold for the bytes of requests that wait: the next are looked at when some were answered', async () => {
    let looked = 0;
    const opening = deferred();
    const slow: FileBehaviour = {
      delay: (what) => (what === 'open' ? opening.promise : undefined),
      open: { write: async (_offset, data) => data.length },
    };
    const server = new Server(ledgerServer({ children: { slow } }, new Ledger()), {
      limits: { pendingBytes: 128 * 1024 },
      trace: (_, direction) => {
        if (direction === 'received') looked++;
      },
    });
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    const peer = await new RawPeer(ours).open();
    await peer.call(walk(0, 1, ['slow']));
    looked = 0;
    // They wait for the file to be opened.
    const data = Buffer.alloc(32 * 1024);
    peer.send(open(1, 1, 1000), ...Array.from({ length: 99 }, (_, tag) => write(1, 0, data, tag)));
    await settled();
    expect(looked).toBeLessThan(7);
    opening.resolve();
    expect((await peer.answers(100)).size).toBe(100);
    expect(await peer.call(stat(0))).toMatchObject({ type: 125 });
    // Names count as well, and each request, however short.
    const makes = Array.from({ length: 300 }, (_, tag) => create(1, 'x'.repeat(1000), 0, 0, tag));
    const [mine, its] = transportPair();
    const never: FileBehaviour = {
      delay: (what) => (what === 'attach' ? new Promise(() => {}) : undefined),
    };
    const strangers = new Server(ledgerServer(never, new Ledger()), {
      trace: (_, direction) => {
        if (direction === 'received') looked++;
      },
    });
    strangers.accept(its);
    const stranger = new RawPeer(mine);
    await stranger.call(version());
    looked = 0;
    stranger.send(attach(1, 'me', undefined, 1000), ...makes);
    await settled();
    expect(looked).toBeGreaterThan(10);
    expect(looked).toBeLessThan(70);
  });

  it('do not count reads of streams, nor what failed at once', async () => {
    const stream: FileBehaviour = { open: { ...blocked.open, stream: true } };
    const failing: FileBehaviour = {
      open: {
        read: () => {
          throw new Error();
        },
      },
    };
    const peer = await served({ children: { stream, failing } }, { readBytes: 100 });
    peer.send(walk(0, 1, ['stream'], 1), open(1, 0, 2), walk(0, 2, ['failing'], 3), open(2, 0, 4));
    await peer.answers(4);
    peer.send(read(1, 0, 90, 5), read(1, 0, 90, 6), stat(0, 7));
    expect(await peer.next()).toMatchObject({ tag: 7 });
    for (let time = 0; time < 3; time++) {
      expect(await peer.call(read(2, 0, 90, 8))).toMatchObject({ ename: 'internal error' });
    }
  });

  it('hold for connections, of all and of one peer', async () => {
    const server = serverOf({ children: {} }, { connections: 3, connectionsPerPeer: 2 });
    const connect = (group: string) => {
      const [ours, theirs] = pairOf({ address: `${group}!1`, group });
      server.accept(theirs);
      return new RawPeer(ours);
    };
    const first = connect('a');
    await connect('a').open();
    await connect('a').closed;
    await connect('b').open();
    await connect('c').closed;
    expect(server.connections.size).toBe(3);
    first.transport.destroy();
    await settled();
    expect(server.connections.size).toBe(2);
    await connect('a').open();
    server.close();
    await settled();
    expect(server.connections.size).toBe(0);
    await connect('a').open();
  });

  it('hold for the time until the first attach', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const ends: unknown[] = [];
      const server = new Server(ledgerServer({ children: {} }, new Ledger()), {
        limits: { attachTimeout: 1000 },
        closed: (_, reason) => ends.push(reason),
      });
      const [silent, attached] = [transportPair(), transportPair()];
      server.accept(silent[1]);
      server.accept(attached[1]);
      const peer = new RawPeer(silent[0]);
      const other = await new RawPeer(attached[0]).open();
      await peer.call(version());
      await vi.advanceTimersByTimeAsync(999);
      expect(await peer.call(auth(1))).toMatchObject({ type: 107 });
      vi.advanceTimersByTime(1);
      await peer.closed;
      expect(ends).toEqual([expect.objectContaining({ ename: 'no attach in time' })]);
      expect(await other.call(stat(0))).toMatchObject({ type: 125 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('hold for messages before the first attach', async () => {
    const server = serverOf({ children: { blocked } }, { msizeBeforeAttach: 300 });
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    const peer = new RawPeer(ours);
    await peer.call(version());
    peer.send(auth(1, 'x'.repeat(300)));
    await peer.closed;
    const [mine, its] = transportPair();
    server.accept(its);
    const known = await new RawPeer(mine).open();
    expect(await known.call(walk(0, 1, ['x'.repeat(300)]))).toMatchObject({
      ename: 'file not found',
    });
  });
});

describe('a client that never reads', () => {
  it('makes the server hold little, and holds up no other', async () => {
    let made = 0;
    const big: FileBehaviour = {
      open: {
        read: (_offset, count) => {
          made += count;
          return Buffer.alloc(count);
        },
      },
    };
    const server = serverOf({ children: { big } }, { unsentBytes: 256 * 1024 });
    const [ours, theirs] = transportPair();
    const connection = server.accept(theirs)!;
    const peer = await new RawPeer(ours).open(64 * 1024);
    peer.send(walk(0, 1, ['big'], 1), open(1, 0, 2));
    await peer.answers(2);
    ours.pause();
    const count = 64 * 1024 - 24;
    const requests = 2000;
    peer.send(...Array.from({ length: requests }, (_, tag) => read(1, 0, count, tag)));
    await settled();
    expect(connection.congested).toBe(true);
    expect(made).toBeLessThan(3 * 256 * 1024);
    const [mine, its] = transportPair();
    server.accept(its);
    const other = await new RawPeer(mine).open();
    expect(await other.call(stat(0))).toMatchObject({ type: 125 });

    ours.resume();
    expect((await peer.answers(requests)).size).toBe(requests);
    expect(made).toBe(requests * count);
    expect(await peer.call(stat(0, 7))).toMatchObject({ tag: 7, type: 125 });
  });

  it('counts as a connection for as long as it has its socket, which is not long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const big: FileBehaviour = { open: { read: (_offset, count) => Buffer.alloc(count) } };
      const files = ledgerServer({ children: { big } }, new Ledger());
      const ends: unknown[] = [];
      const server = new Server(files, {
        limits: { connections: 1 },
        closed: (_, reason) => ends.push(reason),
      });
      const connect = () => {
        const [ours, theirs] = transportPair();
        return { peer: new RawPeer(ours), accepted: server.accept(theirs) };
      };
      const { peer, accepted } = connect();
      await peer.open();
      peer.send(walk(0, 1, ['big'], 1), open(1, 0, 2));
      await peer.answers(2);
      peer.transport.pause();
      // More than a stream holds by itself.
      peer.send(...Array.from({ length: 8 }, (_, tag) => read(1, 0, 60_000, tag)));
      await settled();
      accepted!.close(new NinePError('enough'));
      expect(ends).toMatchObject([{ ename: 'enough' }]);
      expect(server.connections.size).toBe(1);
      expect(connect().accepted).toBeUndefined();
      server.close();
      vi.advanceTimersByTime(MAX_CLOSING_MS - 1);
      await settled();
      expect(server.connections.size).toBe(1);
      vi.advanceTimersByTime(1);
      await settled();
      expect(server.connections.size).toBe(0);
      expect(ends).toHaveLength(1);

      const other = connect();
      await other.peer.open();
      other.accepted!.close();
      expect(vi.getTimerCount()).toBe(1);
      await other.peer.closed;
      await settled();
      expect(server.connections.size).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is seen by streams, which go on when it has read', async () => {
    let waits = 0;
    let turn = Promise.resolve();
    const stream: FileBehaviour = {
      open: {
        stream: true,
        read: (_offset, count, request) => {
          const answer = turn.then(async () => {
            while (request.congested) {
              waits++;
              await new Promise<void>((resolve) => request.connection.onDrain(resolve));
            }
            return Buffer.alloc(count);
          });
          turn = answer.then(settled);
          return answer;
        },
      },
    };
    const server = serverOf({ children: { stream } }, { unsentBytes: 64 * 1024 });
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    const peer = await new RawPeer(ours).open(64 * 1024);
    peer.send(walk(0, 1, ['stream'], 1), open(1, 0, 2));
    await peer.answers(2);
    ours.pause();
    peer.send(...Array.from({ length: 20 }, (_, tag) => read(1, 0, 60_000, tag)));
    await vi.waitUntil(() => waits > 0);
    ours.resume();
    expect((await peer.answers(20)).size).toBe(20);
  });
});

function serverOf(root: FileBehaviour, limits: Partial<ServerLimits>): Server<string> {
  const files: FileServer<string> = ledgerServer(root, new Ledger());
  return new Server(files, { limits });
}

async function served(root: FileBehaviour, limits: Partial<ServerLimits>): Promise<RawPeer> {
  const [ours, theirs] = transportPair();
  serverOf(root, limits).accept(theirs);
  return new RawPeer(ours).open();
}

/** A pair of which the server's end says that it comes from `peer`. */
function pairOf(peer: PeerIdentity): [Transport, Transport] {
  const [ours, theirs] = transportPair();
  return [ours, Object.defineProperty(theirs, 'peer', { value: peer })];
}
