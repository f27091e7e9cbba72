import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyMessage, MessageType, transportPair } from '../../src/index.js';
import { Server } from '../../src/server/index.js';
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
  clunk,
  create,
  flush,
  open,
  RawPeer,
  read,
  remove,
  stat,
  version,
  walk,
  write,
} from '../support/raw-peer.js';

const text: FileBehaviour = {
  open: { read: (offset, count) => Buffer.from('some text').subarray(offset, offset + count) },
};

describe('walk, open and read in one packet', () => {
  it.each(['none', 'walk', 'open', 'all'])(
    'work when the file server takes its time: %s',
    async (slow) => {
      const file = { ...text, delay: slowIn(slow) };
      const { peer } = await served({ children: { file } });
      peer.send(
        walk(0, 1, ['file'], 1),
        open(1, 0, 2),
        read(1, 5, 100, 3),
        stat(1, 4),
        clunk(1, 5),
      );
      const answers = await peer.answers(5);
      expect(types(answers)).toEqual([111, 113, 117, 125, 121]);
      expect(answers.get(3)).toMatchObject({ data: Buffer.from('text') });
      peer.send(walk(0, 1, ['file'], 1), clunk(1, 2));
      expect(types(await peer.answers(2))).toEqual([111, 121]);
    },
  );

  it.each(['none', 'all'])('fail together when there is no such file: %s', async (slow) => {
    const { peer, ledger } = await served({
      children: { dir: { children: {}, delay: slowIn(slow) } },
    });
    for (const names of [['nothing'], ['dir', 'nothing']]) {
      peer.send(walk(0, 1, names, 1), open(1, 0, 2), read(1, 0, 100, 3), clunk(1, 4));
      const answers = await peer.answers(4);
      const first = names.length === 1 ? 'file not found' : undefined;
      expect(answers.get(1)).toMatchObject(first ? { ename: first } : { qids: [{ type: 0x80 }] });
      for (const tag of [2, 3, 4]) expect(answers.get(tag)).toMatchObject({ ename: 'unknown fid' });
    }
    expect(await peer.call(walk(0, 1, ['dir']))).toMatchObject({ type: 111 });
    await gone(peer, ledger);
  });

  it('walk on from a fid that is being made, and clunk it', async () => {
    const { peer, ledger } = await served({
      children: {
        dir: { children: { file: { ...text, delay: slowIn('all') } }, delay: slowIn('all') },
      },
    });
    peer.send(
      walk(0, 1, ['dir'], 1),
      walk(1, 2, ['file'], 2),
      clunk(1, 3),
      open(2, 0, 4),
      read(2, 0, 4, 5),
      clunk(2, 6),
    );
    const answers = await peer.answers(6);
    expect(types(answers)).toEqual([111, 111, 121, 113, 117, 121]);
    expect(answers.get(5)).toMatchObject({ data: Buffer.from('some') });
    await gone(peer, ledger);
  });

  it('keeps a file held while a walk goes on from it, although its fid is clunked', async () => {
    const gate = deferred();
    const { peer, ledger } = await served({
      children: { dir: { children: { file: { ...text, delay: () => gate.promise } } } },
    });
    await peer.call(walk(0, 1, ['dir']));
    peer.send(walk(1, 2, ['file'], 1), clunk(1, 2));
    expect(await peer.next()).toMatchObject({ type: 121, tag: 2 });
    expect(ledger.held.get('dir')).toBe(1);
    gate.resolve();
    expect(await peer.next()).toMatchObject({ type: 111, tag: 1 });
    await settled();
    expect(ledger.held.get('dir')).toBe(0);
    await gone(peer, ledger);
  });

  it('lets a fid move itself, in turn', async () => {
    const { peer, ledger } = await served({
      children: { dir: { children: { file: text }, delay: slowIn('all') } },
    });
    peer.send(walk(0, 1, ['dir'], 1), walk(1, 1, ['file'], 2), open(1, 0, 3), read(1, 0, 4, 4));
    const answers = await peer.answers(4);
    expect(types(answers)).toEqual([111, 111, 113, 117]);
    peer.send(walk(0, 5, [], 1), walk(5, 5, ['dir', 'nothing'], 2), stat(5, 3));
    const failed = await peer.answers(3);
    expect(failed.get(2)).toMatchObject({ qids: [{ type: 0x80 }] });
    expect(failed.get(3)).toMatchObject({ stat: { name: '/' } });
    await gone(peer, ledger);
  });

  it('open a fid once, whatever comes at the same time', async () => {
    const { peer, ledger } = await served({
      children: { file: { ...text, delay: slowIn('open') } },
    });
    await peer.call(walk(0, 1, ['file']));
    peer.send(open(1, 0, 1), open(1, 0, 2), walk(1, 2, [], 3), walk(1, 1, [], 4), read(1, 0, 4, 5));
    const answers = await peer.answers(5);
    expect(answers.get(1)).toMatchObject({ type: 113 });
    expect(answers.get(2)).toMatchObject({ ename: 'fid is open already' });
    expect(answers.get(3)).toMatchObject({ ename: 'cannot walk from an open fid' });
    expect(answers.get(4)).toMatchObject({ ename: 'cannot walk from an open fid' });
    expect(answers.get(5)).toMatchObject({ type: 117 });
    expect(ledger.opened).toBe(1);
    await gone(peer, ledger);
  });
});

describe('clunk', () => {
  it('ends reads and writes that wait, and closes the file after them', async () => {
    const order: string[] = [];
    const blocked: FileBehaviour = {
      open: {
        read: (_offset, _count, request) =>
          untilCancelled(request).finally(() => order.push('read')),
        write: (_offset, _data, request) =>
          untilCancelled(request).finally(() => order.push('write')),
        close: () => void order.push('close'),
      },
    };
    const { peer, ledger } = await served({ children: { blocked } });
    await peer.call(walk(0, 1, ['blocked']));
    await peer.call(open(1, 2));
    peer.send(read(1, 0, 10, 3), write(1, 0, 'x', 4), clunk(1, 5), walk(0, 1, ['blocked'], 6));
    const answers = await peer.answers(4);
    expect(answers.get(3)).toMatchObject({ ename: 'fid clunked', errno: 4 });
    expect(answers.get(4)).toMatchObject({ ename: 'fid clunked', errno: 4 });
    expect(answers.get(5)).toMatchObject({ type: 121 });
    expect(answers.get(6)).toMatchObject({ type: 111 });
    expect(order).toEqual(['read', 'write', 'close']);
    await gone(peer, ledger);
  });

  it('leaves other fids of the same file alone', async () => {
    const blocked: FileBehaviour = { open: { read: (_o, _c, request) => untilCancelled(request) } };
    const { peer } = await served({ children: { blocked } });
    peer.send(walk(0, 1, ['blocked'], 1), walk(0, 2, ['blocked'], 2), open(1, 0, 3), open(2, 0, 4));
    await peer.answers(4);
    peer.send(read(1, 0, 1, 5), read(2, 0, 1, 6), clunk(1, 7));
    expect([...(await peer.answers(2)).keys()].sort()).toEqual([5, 7]);
    await settled();
    expect(peer.unread).toEqual([]);
  });

  it('with REMOVE_ON_CLOSE closes, removes, then lets go', async () => {
    const { peer, ledger } = await served({
      children: { file: { ...text, remove: async () => {} } },
    });
    peer.send(walk(0, 1, ['file'], 1), open(1, 0x40, 2), clunk(1, 3));
    expect(types(await peer.answers(3))).toEqual([111, 113, 121]);
    expect(ledger.events).toEqual(['close file', 'remove file', 'release file']);
  });

  it('with REMOVE_ON_CLOSE removes at the end of the connection too', async () => {
    const { peer, ledger } = await served({ children: { file: { ...text, remove: () => {} } } });
    peer.send(walk(0, 1, ['file'], 1), open(1, 0x40, 2));
    await peer.answers(2);
    await gone(peer, ledger);
    expect(ledger.events).toContain('remove file');
  });
});

describe('remove', () => {
  it('gives the fid up whether or not it succeeds', async () => {
    const refuse: FileBehaviour = { ...text, remove: () => Promise.reject(new Error()) };
    const { peer, ledger } = await served({
      children: { ok: { ...text, remove: () => {} }, no: text, refuse },
    });
    peer.send(
      walk(0, 1, ['ok'], 1),
      open(1, 0x40, 2),
      walk(0, 2, ['no'], 3),
      walk(0, 3, ['refuse'], 4),
    );
    await peer.answers(4);
    expect(await peer.call(remove(1))).toMatchObject({ type: 123 });
    expect(await peer.call(remove(2))).toMatchObject({ ename: 'permission denied', errno: 1 });
    expect(await peer.call(remove(3))).toMatchObject({ ename: 'internal error' });
    for (const fid of [1, 2, 3]) {
      expect(await peer.call(stat(fid))).toMatchObject({ ename: 'unknown fid' });
    }
    expect(ledger.events.filter((event) => event === 'remove ok')).toHaveLength(1);
    await gone(peer, ledger);
  });
});

describe('flush', () => {
  const pipe = () => {
    const taken: string[] = [];
    const bytes = ['one', 'two'];
    const waiting: (() => void)[] = [];
    const behaviour: FileBehaviour = {
      open: {
        stream: true,
        read: async (_offset, _count, request) => {
          await new Promise<void>((resolve, reject) => {
            request.signal.addEventListener('abort', () => reject(request.signal.reason));
            waiting.push(resolve);
          });
          if (request.cancelled) throw request.signal.reason;
          taken.push(bytes[0]!);
          return Buffer.from(bytes.shift()!);
        },
      },
    };
    return { behaviour, taken, feed: () => waiting.shift()?.() };
  };

  it('of a read that waits: nothing is consumed, Rflush alone answers', async () => {
    const { behaviour, taken, feed } = pipe();
    const { peer } = await served({ children: { pipe: behaviour } });
    peer.send(walk(0, 1, ['pipe'], 1), open(1, 0, 2));
    await peer.answers(2);
    peer.send(read(1, 0, 10, 3));
    expect(await peer.call(flush(3, 4))).toEqual({ type: 109, tag: 4 });
    feed();
    await settled();
    expect(taken).toEqual([]);
    expect(peer.unread).toEqual([]);
    peer.send(read(1, 0, 10, 3));
    await settled();
    feed();
    expect(await peer.next()).toEqual({ type: 117, tag: 3, data: Buffer.from('one') });
  });

  it('of a tag that is not in use, or of itself, is answered at once', async () => {
    const { peer } = await served({ children: {} });
    expect(await peer.call(flush(77, 4))).toEqual({ type: 109, tag: 4 });
    expect(await peer.call(flush(4, 4))).toEqual({ type: 109, tag: 4 });
    expect(await peer.call(flush(0xffff, 0xffff))).toEqual({ type: 109, tag: 0xffff });
  });

  it('by several, and of flushes, is answered in order once the request is over', async () => {
    const end = deferred<Buffer>();
    const stubborn: FileBehaviour = { open: { read: () => end.promise } };
    const { peer } = await served({ children: { stubborn } });
    peer.send(walk(0, 1, ['stubborn'], 1), open(1, 0, 2));
    await peer.answers(2);
    peer.send(read(1, 0, 10, 3), flush(3, 4), flush(3, 5), flush(4, 6), flush(6, 7), stat(0, 8));
    expect(await peer.next()).toMatchObject({ type: 125, tag: 8 });
    end.resolve(Buffer.from('late'));
    // An answer that was on its way is delivered, in front of Rflush.
    expect(await peer.next()).toMatchObject({ type: 117, tag: 3 });
    expect([...(await peer.answers(4)).keys()]).toEqual([4, 5, 6, 7]);
    expect(await peer.call(stat(0, 3))).toMatchObject({ type: 125 });
  });

  it('of a request that waits for its fid is answered before the fid is there', async () => {
    const gate = deferred();
    const { peer, ledger } = await served({
      children: {
        file: { ...text, delay: (what) => (what === 'walk' ? gate.promise : undefined) },
      },
    });
    peer.send(
      walk(0, 1, ['file'], 1),
      open(1, 0, 2),
      walk(1, 5, [], 3),
      read(1, 0, 4, 4),
      clunk(1, 6),
    );
    peer.send(flush(2, 12), flush(3, 13), flush(6, 16));
    expect([...(await peer.answers(3)).keys()].sort()).toEqual([12, 13, 16]);
    expect(await peer.call(stat(5, 7))).toMatchObject({ ename: 'unknown fid' });
    gate.resolve();
    const answers = await peer.answers(2);
    expect(answers.get(1)).toMatchObject({ type: 111 });
    expect(answers.get(4)).toMatchObject({ ename: 'file not open' });
    expect(ledger.opened).toBe(0);
    expect(await peer.call(stat(1, 2))).toMatchObject({ type: 125 });
    await gone(peer, ledger);
  });

  it("takes Node's own AbortError for what it is", async () => {
    const faults: unknown[] = [];
    const file: FileBehaviour = {
      open: {
        read: (_offset, _count, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new DOMException('x', 'AbortError')));
          }),
      },
    };
    const { peer } = await served({ children: { file } }, faults);
    peer.send(walk(0, 1, ['file'], 1), open(1, 0, 2), read(1, 0, 9, 3), flush(3, 4));
    expect([...(await peer.answers(3)).keys()]).toEqual([1, 2, 4]);
    expect(faults).toEqual([]);
  });

  it('chains of any length end without exhausting the stack', async () => {
    const end = deferred<Buffer>();
    const { peer } = await served({
      children: { stubborn: { open: { read: () => end.promise } } },
    });
    peer.send(walk(0, 1, ['stubborn'], 1), open(1, 0, 2), read(1, 0, 10, 3));
    await peer.answers(2);
    const length = 8000;
    peer.send(...Array.from({ length }, (_, index) => flush(index + 3, index + 4)));
    await settled();
    end.resolve(Buffer.alloc(1));
    expect((await peer.answers(length + 1)).size).toBe(length + 1);
  });
});

describe('a client that goes while its request is under way', () => {
  it.each([
    ['walk', walk(0, 2, ['dir', 'file'])],
    ['open', open(1)],
    ['create', create(3, 'new')],
    ['stat', stat(1)],
    ['attach', attach(4)],
  ])('leaves nothing behind: %s', async (what, message) => {
    const gate = deferred();
    let slow = false;
    const delay: FileBehaviour['delay'] = (operation) =>
      slow && operation === what ? gate.promise : undefined;
    const file = { ...text, delay };
    const dir = { delay, children: { file }, create: () => text };
    const { peer, ledger } = await served({ delay, children: { dir, file } });
    peer.send(walk(0, 1, ['file'], 1), walk(0, 3, ['dir'], 2));
    await peer.answers(2);
    slow = true;
    peer.send(message);
    await settled();
    peer.transport.destroy();
    await settled();
    // The file it works on stays named until it has ended.
    expect(ledger.acquired - ledger.released).toBe(what === 'attach' ? 0 : 1);
    gate.resolve();
    await gone(peer, ledger);
    expect(ledger.opened).toBe(what === 'open' || what === 'create' ? 1 : 0);
  });
});

describe('whatever is asked, and whenever the client goes', () => {
  it('all that was taken is given back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.nat(),
        async (steps, seed) => {
          const random = generator(seed);
          const { peer, ledger, server, faults } = await served(randomTree(random));
          let tag = 10;
          for (const [message, pause] of steps) {
            peer.send({ ...message, tag: tag++ });
            for (let turn = 0; turn < pause; turn++)
              await new Promise((resolve) => setImmediate(resolve));
          }
          await gone(peer, ledger);
          expect(server.connections.size).toBe(0);
          expect(faults).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

const fids = fc.integer({ min: 0, max: 4 });
const names = fc.array(fc.constantFrom('a', 'b', 'c', '..', 'nothing'), { maxLength: 3 });
const step: fc.Arbitrary<[AnyMessage, number]> = fc.tuple(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fids, fids, names).map((args) => walk(...args)) },
    {
      weight: 3,
      arbitrary: fc.tuple(fids, fc.constantFrom(0, 1, 2, 0x40, 0x42)).map((args) => open(...args)),
    },
    { weight: 2, arbitrary: fids.map((fid) => read(fid, 0, 10)) },
    { weight: 1, arbitrary: fids.map((fid) => write(fid, 0, 'data')) },
    { weight: 1, arbitrary: fc.constant(version()) },
    { weight: 3, arbitrary: fids.map((fid) => clunk(fid)) },
    { weight: 1, arbitrary: fids.map((fid) => remove(fid)) },
    { weight: 1, arbitrary: fids.map((fid) => stat(fid)) },
    {
      weight: 1,
      arbitrary: fids.map(
        (fid) =>
          ({
            type: MessageType.Tcreate,
            tag: 1,
            fid,
            name: 'new',
            perm: 0o644,
            mode: 2,
            extension: '',
          }) as const,
      ),
    },
    { weight: 2, arbitrary: fc.integer({ min: 10, max: 50 }).map((oldtag) => flush(oldtag)) },
    {
      weight: 1,
      arbitrary: fids.map(
        (fid) =>
          ({
            type: MessageType.Tattach,
            tag: 1,
            fid,
            afid: 0xffffffff,
            uname: 'u',
            aname: '',
            nUname: 5,
          }) as const,
      ),
    },
  ),
  fc.constantFrom(0, 0, 1, 3),
);

function randomTree(random: () => number): FileBehaviour {
  const pause = async (turns: number) => {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const delay = () => (random() < 0.5 ? undefined : pause(Math.floor(random() * 6)));
  const file: FileBehaviour = {
    delay,
    remove: () => pause(2),
    open: {
      read: (_offset, _count, request) =>
        random() < 0.3 ? untilCancelled(request) : pause(3).then(() => Buffer.from('x')),
      write: (_offset, data) => pause(1).then(() => data.length),
      close: () => (random() < 0.5 ? undefined : pause(2)),
    },
  };
  const directory: FileBehaviour = { delay, children: { a: file, c: file }, create: () => file };
  return {
    delay,
    children: { a: file, b: directory, c: { ...directory, children: { b: directory } } },
  };
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function served(root: FileBehaviour, faults: unknown[] = []) {
  const ledger = new Ledger();
  const server = new Server(ledgerServer(root, ledger), {
    fault: (_, error) => faults.push(error),
  });
  const [ours, theirs] = transportPair();
  server.accept(theirs);
  const peer = await new RawPeer(ours).open();
  return { peer, ledger, server, faults };
}

/** The client goes away; afterwards nothing may be left. */
async function gone(peer: RawPeer, ledger: Ledger): Promise<void> {
  peer.transport.destroy();
  await settled();
  expect(ledger).toMatchObject({ released: ledger.acquired, closed: ledger.opened });
}

function slowIn(what: string): NonNullable<FileBehaviour['delay']> {
  return (operation) =>
    what === 'all' || what === operation
      ? new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      : undefined;
}

/** The types of answers, in the order of their tags. */
function types(answers: Map<number, AnyMessage>): number[] {
  return [...answers].sort(([a], [b]) => a - b).map(([, { type }]) => type);
}
