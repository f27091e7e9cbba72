import { describe, expect, it, vi } from 'vitest';
import { encode, MessageType, NinePError, transportPair } from '../../src/index.js';
import { type FileServer, Server, type ServerOptions, serveTree } from '../../src/server/index.js';
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
  flush,
  open,
  RawPeer,
  read,
  stat,
  version,
  walk,
  write,
} from '../support/raw-peer.js';

const tree = serveTree({ hello: 'hi\n', null: { write: () => {} } });

describe('version', () => {
  it.each([
    ['9P2000.u', '9P2000.u'],
    ['9P2000', '9P2000'],
    ['9P2000.L', '9P2000.L'],
    ['9P2000.Lx', '9P2000'],
    ['9P20001', 'unknown'],
    ['9P2000.e', '9P2000'],
    ['9P1999', 'unknown'],
    ['', 'unknown'],
  ])('answers %j with %j', async (asked, answered) => {
    const { peer } = serve(tree);
    peer.send(version(8192, asked));
    expect(await peer.next()).toEqual({ type: 101, tag: 0xffff, msize: 8192, version: answered });
  });

  it('agrees on the smaller msize, by default 1 MiB and a header', async () => {
    const { peer } = serve(tree);
    expect(await peer.call(version(0xffffffff))).toMatchObject({ msize: 1024 * 1024 + 24 });
    expect(await peer.call(version(256))).toMatchObject({ msize: 256 });
    expect(await peer.call(version(255))).toMatchObject({ ename: 'msize too small' });
    expect(await peer.call(version(0))).toMatchObject({ ename: 'msize too small' });
  });

  it('comes before anything else', async () => {
    const { peer } = serve(tree);
    peer.dialect = '9P2000';
    const refused = { type: 107, ename: 'version is not negotiated yet' };
    expect(await peer.call(attach(0))).toMatchObject(refused);
    expect(await peer.call(flush(3))).toMatchObject(refused);
    await peer.call(version(8192, 'nonsense'));
    expect(await peer.call(attach(0))).toMatchObject(refused);
  });

  it('in mid-conversation ends all requests and fids, unanswered', async () => {
    const ledger = new Ledger();
    const blocked: FileBehaviour = { open: { read: (_o, _c, request) => untilCancelled(request) } };
    const { peer } = serve(ledgerServer({ children: { blocked } }, ledger));
    await peer.open();
    peer.send(walk(0, 1, ['blocked'], 1), open(1, 0, 2), read(1, 0, 10, 3));
    await peer.answers(2);
    expect(await peer.call(version())).toMatchObject({ type: 101 });
    await settled();
    expect(ledger.balanced).toBe(true);
    expect(ledger.opened).toBe(1);
    expect(await peer.call(stat(0, 3))).toMatchObject({ tag: 3, ename: 'unknown fid' });
    expect(peer.unread).toEqual([]);
  });

  it('does not let a walk from before it take away a fid from after it', async () => {
    const gate = deferred();
    const ledger = new Ledger();
    const root: FileBehaviour = { children: { slow: { delay: () => gate.promise }, fast: {} } };
    const { peer } = serve(ledgerServer(root, ledger));
    await peer.open();
    peer.send(walk(0, 1, ['slow']));
    await peer.open();
    expect(await peer.call(walk(0, 1, ['fast']))).toMatchObject({ type: 111 });
    gate.resolve();
    await settled();
    expect(await peer.call(stat(1))).toMatchObject({ stat: { name: 'fast' } });
    peer.transport.destroy();
    await settled();
    expect(ledger.balanced).toBe(true);
  });

  it('binds the frames that follow to the msize agreed on', async () => {
    const { peer } = serve(tree);
    await peer.open(65_536);
    await peer.call(version(256));
    peer.send(walk(0, 1, ['x'.repeat(300)]));
    expect(await peer.closed).toBe(undefined);
  });
});

describe('what no client should send', () => {
  it('answers R-messages, unknown types and malformed messages with Rerror', async () => {
    const { peer } = serve(tree);
    await peer.open();
    peer.send({ type: MessageType.Rclunk, tag: 7 });
    expect(await peer.next()).toMatchObject({ tag: 7, ename: 'message type 121 is an answer' });
    for (const type of [0, 106, 128, 255]) {
      peer.bytes(Buffer.from([7, 0, 0, 0, type, 9, 0]));
      expect(await peer.next()).toMatchObject({ tag: 9, ename: `unknown message type ${type}` });
    }
    const short = encode(open(0), '9P2000').subarray(0, 10);
    short.writeUInt32LE(10);
    peer.bytes(short);
    expect(await peer.next()).toMatchObject({ type: 107, tag: 1, errno: 71 });
    const bad = encode(walk(0, 1, ['ab']), '9P2000');
    bad[bad.length - 1] = 0xff;
    peer.bytes(bad);
    expect(await peer.next()).toMatchObject({ ename: 'string is not valid UTF-8' });
    expect(await peer.call(stat(0))).toMatchObject({ type: 125 });
  });

  it.each([
    ['a size below a header', 6],
    ['a size above msize', 65_537],
    ['a size beyond everything', 0xffffffff],
  ])('ends the conversation at %s', async (_, size) => {
    const { peer, ends } = serve(tree);
    await peer.open();
    const header = Buffer.alloc(7);
    header.writeUInt32LE(size);
    peer.bytes(header);
    await peer.closed;
    expect(ends).toEqual([expect.objectContaining({ kind: 'protocol' })]);
  });

  it('ends the conversation at a tag that is in use', async () => {
    const ledger = new Ledger();
    const blocked: FileBehaviour = { open: { read: (_o, _c, request) => untilCancelled(request) } };
    const { peer, ends } = serve(ledgerServer({ children: { blocked } }, ledger));
    await peer.open();
    peer.send(walk(0, 1, ['blocked'], 1), open(1, 0, 2));
    await peer.answers(2);
    peer.send(read(1, 0, 10, 3), stat(0, 3));
    await peer.closed;
    expect(ends).toEqual([expect.objectContaining({ ename: 'tag 3 is in use' })]);
    await settled();
    expect(ledger.balanced).toBe(true);
  });

  it('says so when the connection ends in the middle of a message', async () => {
    const { peer, ends } = serve(tree);
    await peer.open();
    peer.bytes(Buffer.from([100, 0, 0, 0, 110]));
    await settled();
    peer.transport.close();
    await peer.closed;
    await settled();
    expect(ends).toEqual([expect.objectContaining({ ename: 'connection ended in a message' })]);
  });
});

describe('failing file servers', () => {
  it('are told of their defects, the client only that there was one', async () => {
    const sync: FileBehaviour = {
      open: {
        read: () => {
          throw new TypeError('oops');
        },
        write: () => Promise.reject(new RangeError('async oops')),
      },
    };
    const { peer, faults } = serve(ledgerServer({ children: { sync } }, new Ledger()));
    await peer.open();
    await peer.call(walk(0, 1, ['sync']));
    await peer.call(open(1, 2));
    expect(await peer.call(read(1, 0, 5))).toMatchObject({ ename: 'internal error', errno: 5 });
    expect(await peer.call(write(1, 0, 'x'))).toMatchObject({ ename: 'internal error', errno: 5 });
    expect(faults.map((fault) => fault.cause)).toEqual([
      expect.any(TypeError),
      expect.any(RangeError),
    ]);
  });

  it('may throw system errors: their number and words reach the client, their path does not', async () => {
    const file: FileBehaviour = {
      open: {
        read: () => {
          const error = new Error("EACCES: permission denied, open '/secret'");
          throw Object.assign(error, { errno: -13, code: 'EACCES' });
        },
      },
    };
    const { peer, faults } = serve(ledgerServer({ children: { file } }, new Ledger()));
    await peer.open();
    await peer.call(walk(0, 1, ['file']));
    await peer.call(open(1));
    expect(await peer.call(read(1, 0, 5))).toMatchObject({ ename: 'permission denied', errno: 13 });
    expect(faults).toEqual([]);
  });

  it('are told when they yield more than was asked for, or texts that 9P cannot carry', async () => {
    const greedy: FileBehaviour = { open: { read: () => Buffer.alloc(11) } };
    const wordy: FileBehaviour = { name: 'x'.repeat(70_000), delay: () => Promise.resolve() };
    const { peer, faults } = serve(ledgerServer({ children: { greedy, wordy } }, new Ledger()));
    await peer.open(1 << 20);
    await peer.call(walk(0, 1, ['greedy']));
    await peer.call(open(1));
    expect(await peer.call(read(1, 0, 10))).toMatchObject({ ename: 'internal error' });
    expect(faults).toHaveLength(1);
    await peer.call(walk(0, 2, ['wordy']));
    expect(await peer.call(stat(2))).toMatchObject({ ename: 'string too long for 9P', errno: 36 });
    expect(await peer.call(stat(0))).toMatchObject({ type: 125 });
  });

  it('never make an answer larger than msize', async () => {
    const fits = { name: `${'é'.repeat(84)}x` };
    const long: FileBehaviour = {
      name: 'é'.repeat(85),
      open: { read: () => Promise.reject(new NinePError('é'.repeat(40_000))) },
    };
    const { peer } = serve(ledgerServer({ children: { long, fits } }, new Ledger()));
    await peer.open(256);
    await peer.call(walk(0, 1, ['fits']));
    expect(encode(await peer.call(stat(1)), '9P2000.u').length).toBe(256);
    await peer.call(walk(0, 2, ['long']));
    expect(await peer.call(stat(2))).toMatchObject({ ename: 'stat does not fit into msize' });
    await peer.call(open(2));
    const answer = await peer.call(read(2, 0, 10));
    expect(answer).toMatchObject({ ename: 'é'.repeat(121), errno: 5 });
    expect(encode(answer, '9P2000.u').length).toBeLessThanOrEqual(256);
  });

  it('fail to close without consequence but a fault', async () => {
    const sync: FileBehaviour = {
      open: {
        close: () => {
          throw new TypeError('close');
        },
      },
    };
    const late: FileBehaviour = { open: { close: () => Promise.reject(new TypeError('late')) } };
    const ledger = new Ledger();
    const { peer, faults } = serve(ledgerServer({ children: { sync, late } }, ledger));
    await peer.open();
    for (const [fid, name] of [
      [1, 'sync'],
      [2, 'late'],
      [3, 'sync'],
      [4, 'late'],
    ] as const) {
      await peer.call(walk(0, fid, [name]));
      await peer.call(open(fid));
    }
    expect(await peer.call(clunk(1))).toMatchObject({ ename: 'internal error' });
    expect(await peer.call(clunk(2))).toMatchObject({ ename: 'internal error' });
    peer.transport.destroy();
    await settled();
    expect(faults).toHaveLength(4);
    expect(ledger.balanced).toBe(true);
  });
});

describe('answers', () => {
  it('of one turn leave in one write', async () => {
    const { peer, sends } = serve(tree);
    await peer.open();
    const before = sends();
    peer.send(...Array.from({ length: 50 }, (_, tag) => stat(0, tag)));
    await peer.answers(50);
    expect(sends() - before).toBe(1);
  });

  it('that wait hold up no others', async () => {
    const blocked: FileBehaviour = { open: { read: (_o, _c, request) => untilCancelled(request) } };
    const { peer } = serve(ledgerServer({ children: { blocked } }, new Ledger()));
    await peer.open();
    peer.send(walk(0, 1, ['blocked'], 1), open(1, 0, 2), read(1, 0, 10, 3), stat(0, 4), stat(1, 5));
    expect([...(await peer.answers(4)).keys()]).toEqual([1, 2, 4, 5]);
  });

  it('are traced with their own tags', async () => {
    const traced: [string, unknown][] = [];
    const { peer } = serve(tree, {
      trace: (_, direction, message) => traced.push([direction, message]),
    });
    await peer.open();
    await peer.call(walk(0, 1, [], 3));
    await peer.call(walk(0, 2, [], 4));
    await peer.call(clunk(1, 5));
    await peer.call(clunk(2, 6));
    const answered = traced.filter(([direction]) => direction === 'sent');
    expect(answered.slice(-2)).toEqual([
      ['sent', { type: 121, tag: 5 }],
      ['sent', { type: 121, tag: 6 }],
    ]);
  });
});

describe('authentication files', () => {
  it('are refused where there are none, and read and written where there are', async () => {
    const { peer } = serve(tree);
    await peer.call(version());
    expect(await peer.call(auth(1))).toMatchObject({ ename: 'authentication not required' });
    expect(await peer.call(attach(0, 'me', 1))).toMatchObject({ ename: 'unknown fid' });
  });

  it('that are ready only when the client is gone are closed', async () => {
    const gate = deferred();
    const file = { qid: { type: 8, version: 0, path: 1 }, close: vi.fn() };
    const slow = () => gate.promise.then(() => file);
    const { peer } = serve(ledgerServer({}, new Ledger(), slow));
    await peer.call(version());
    peer.send(auth(9));
    await settled();
    peer.transport.destroy();
    await settled();
    gate.resolve();
    await settled();
    expect(file.close).toHaveBeenCalledOnce();
  });

  it('stay open under an attach although their clunk is on its way', async () => {
    const ledger = new Ledger();
    const proof = deferred();
    let closed = false;
    const files = ledgerServer({ children: {}, delay: () => proof.promise }, ledger, () => ({
      qid: { type: 8, version: 0, path: 1 },
      read: () => Buffer.from('challenge'),
      write: (_offset: number, data: Uint8Array) => data.length,
      close: () => {
        closed = true;
      },
    }));
    const { peer } = serve(files);
    await peer.call(version());
    expect(await peer.call(auth(9))).toMatchObject({ type: 103, aqid: { type: 8 } });
    expect(await peer.call(read(9, 0, 100))).toMatchObject({ data: Buffer.from('challenge') });
    expect(await peer.call(write(9, 0, 'response'))).toMatchObject({ count: 8 });
    expect(await peer.call(walk(9, 10, []))).toMatchObject({ ename: 'unknown fid' });
    expect(await peer.call(open(9))).toMatchObject({ ename: 'permission denied' });
    peer.send(attach(0, 'me', 9, 1), clunk(9, 2));
    await settled();
    expect(closed).toBe(false);
    proof.resolve();
    const answers = await peer.answers(2);
    expect([answers.get(1)?.type, answers.get(2)?.type]).toEqual([105, 121]);
    expect(closed).toBe(true);
  });
});

/** A server of `files` with one client; collects what the server's owner is told. */
function serve(files: FileServer<string>, options: ServerOptions = {}) {
  const faults: NinePError[] = [];
  const ends: (Error | undefined)[] = [];
  const server = new Server(files, {
    ...options,
    fault: (_, error) => faults.push(error),
    closed: (_, reason) => ends.push(reason),
  });
  const [ours, theirs] = transportPair();
  let sent = 0;
  const { send } = theirs;
  theirs.send = (pieces) => {
    sent++;
    send.call(theirs, pieces);
  };
  server.accept(theirs);
  return { server, peer: new RawPeer(ours), faults, ends, sends: () => sent };
}
