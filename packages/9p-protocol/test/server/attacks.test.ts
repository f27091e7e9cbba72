import { describe, expect, it } from 'vitest';
import {
  type AnyMessage,
  decodeDirents,
  decodeStats,
  Errno,
  encode,
  FrameReader,
  LockStatus,
  LockType,
  MessageType,
  ModeBit,
  NONUNAME,
  OpenMode,
  type TMessage,
  transportPair,
} from '../../src/index.js';
import { memoryServer } from '../../src/memory/index.js';
import {
  type Connection,
  defaultServerLimits,
  type FileServer,
  type Intercept,
  Server,
  type ServerLimits,
} from '../../src/server/index.js';
import {
  type FileBehaviour,
  Ledger,
  ledgerServer,
  settled,
  untilCancelled,
} from '../support/ledger.js';
import { directory, regular, served as servedFiles } from '../support/linux-files.js';
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

const T = MessageType;

describe('a million', () => {
  it('fids are refused beyond the limit, and leave nothing behind', async () => {
    const ledger = new Ledger();
    const [ours, theirs] = transportPair();
    new Server(ledgerServer({}, ledger)).accept(theirs);
    const counts = new Map<number, number>();
    let answers = 0;
    const frames = new FrameReader(1 << 20);
    ours.start({
      data: (chunk) =>
        frames.push(chunk, (frame) => {
          answers++;
          counts.set(frame[4]!, (counts.get(frame[4]!) ?? 0) + 1);
        }),
      drain: () => {},
      close: () => {},
    });
    const until = async (count: number) => {
      while (answers < count) await new Promise(setImmediate);
    };
    ours.send([encode(version(), '9P2000.u'), encode(attach(0), '9P2000.u')]);
    await until(2);
    const [batches, size] = [100, 10_000];
    const frame = encode(walk(0, 1, []), '9P2000.u');
    const batch = Buffer.concat(Array.from({ length: size }, () => frame));
    for (let round = 0; round < batches; round++) {
      for (let index = 0; index < size; index++) {
        batch.writeUInt32LE(1 + round * size + index, index * frame.length + 11);
      }
      ours.send([Buffer.from(batch)]);
      await until(2 + (round + 1) * size);
    }
    const limit = defaultServerLimits.fids;
    expect(counts.get(T.Rwalk)).toBe(limit - 1);
    expect(counts.get(T.Rerror)).toBe(batches * size - (limit - 1));
    expect(ledger.acquired).toBe(limit);
    ours.destroy();
    await settled();
    expect(ledger.balanced).toBe(true);
  }, 60_000);

  it('bytes that come one at a time are one conversation', async () => {
    const { peer } = await served(ledgerServer({}, new Ledger()));
    const bytes = encode(stat(0, 5), peer.dialect);
    for (const byte of bytes) peer.bytes(Buffer.of(byte));
    expect(await peer.next()).toMatchObject({ type: T.Rstat, tag: 5 });
  });
});

describe('cancelling', () => {
  const waiting = (cancelled: { count: number }): FileBehaviour => ({
    open: {
      read: async (_offset, _count, request) => {
        try {
          return await untilCancelled(request);
        } finally {
          cancelled.count++;
        }
      },
    },
  });
  const REQUESTS = 500;
  const reads = Array.from({ length: REQUESTS }, (_, index) => read(1, 0, 10, index));

  const reading = async (cancelled: { count: number }) => {
    const ledger = new Ledger();
    const files = ledgerServer({ children: { f: waiting(cancelled) } }, ledger);
    const { peer } = await served(files, { readBytes: 10 * REQUESTS });
    peer.send(walk(0, 1, ['f'], 1), open(1, 0, 2));
    await peer.answers(2);
    peer.send(...reads);
    await settled();
    return { peer, ledger };
  };

  it('500 requests at once by flushes answers the flushes alone, twice', async () => {
    const cancelled = { count: 0 };
    const { peer } = await reading(cancelled);
    for (let round = 1; round <= 2; round++) {
      peer.send(...reads.map(({ tag }) => flush(tag, 1000 + tag)));
      const answers = await peer.answers(REQUESTS);
      expect([...answers.values()].every(({ type }) => type === T.Rflush)).toBe(true);
      expect(cancelled.count).toBe(round * REQUESTS);
      // What they were charged is given back, and their tags are free.
      peer.send(...reads);
      await settled();
      expect(peer.unread).toEqual([]);
    }
  });

  it('500 flushes of each of 500 requests ends them all', async () => {
    const cancelled = { count: 0 };
    const { peer } = await reading(cancelled);
    const both = reads.flatMap(({ tag }) => [
      flush(tag, 1000 + tag),
      flush(1000 + tag, 2000 + tag),
    ]);
    peer.send(...both);
    const answers = await peer.answers(2 * REQUESTS);
    expect([...answers.values()].every(({ type }) => type === T.Rflush)).toBe(true);
    expect(cancelled.count).toBe(REQUESTS);
    expect(await peer.call(stat(0, 3))).toMatchObject({ type: T.Rstat });
  });

  it('500 requests at once by a clunk answers each, and then the clunk', async () => {
    const cancelled = { count: 0 };
    const { peer, ledger } = await reading(cancelled);
    peer.send(clunk(1, 2000));
    const answers = [...(await peer.answers(REQUESTS + 1)).values()];
    expect(answers.filter(({ type }) => type === T.Rerror)).toHaveLength(REQUESTS);
    expect(answers.at(-1)).toMatchObject({ type: T.Rclunk });
    expect(ledger).toMatchObject({ opened: 1, closed: 1 });
  });

  it('500 requests at once by leaving gives all back', async () => {
    const cancelled = { count: 0 };
    const { peer, ledger } = await reading(cancelled);
    peer.transport.destroy();
    await settled();
    expect(cancelled.count).toBe(REQUESTS);
    expect(ledger.balanced).toBe(true);
  });
});

describe('a fid', () => {
  it('that is being made cannot be made again, nor counted twice', async () => {
    let go = () => {};
    const delay = (what: string) =>
      what === 'walk' ? new Promise<void>((resolve) => (go = resolve)) : undefined;
    const ledger = new Ledger();
    const { peer } = await served(ledgerServer({ children: { slow: { delay } } }, ledger));
    peer.send(walk(0, 1, ['slow'], 1), walk(0, 1, [], 2), attach(1, 'me', undefined, 3));
    const refused = await peer.answers(2);
    expect(refused.get(2)).toMatchObject({ ename: 'fid already exists' });
    expect(refused.get(3)).toMatchObject({ ename: 'fid already exists' });
    go();
    expect(await peer.next()).toMatchObject({ type: T.Rwalk, tag: 1 });
    peer.transport.destroy();
    await settled();
    expect(ledger.balanced).toBe(true);
  });
});

describe('a fid that is clunked twice before it is there', () => {
  it.each([clunk(1, 3), { type: T.Tremove, tag: 3, fid: 1 }])(
    'is let go of once',
    async (again) => {
      const ledger = new Ledger();
      const [ours, theirs] = transportPair();
      // Whoever looks at requests in between may take his time.
      const intercept: Intercept = async (_request, _message, next) => {
        await settled();
        return next();
      };
      new Server(ledgerServer({ children: { f: {} } }, ledger), { intercept }).accept(theirs);
      const peer = await new RawPeer(ours).open();
      peer.send(walk(0, 1, ['f'], 1), clunk(1, 2), again as TMessage);
      const answers = await peer.answers(3);
      expect(answers.get(2)).toMatchObject({ type: T.Rclunk });
      expect(answers.get(3)).toMatchObject({ ename: 'unknown fid' });
      expect(ledger).toMatchObject({ acquired: ledger.released + 1 });
    },
  );
});

describe('counts', () => {
  it('beyond all bounds are refused, or cut to what a message holds', async () => {
    const { peer } = await served(memoryServer(), {}, '9P2000.L');
    await peer.call(walk(0, 1, []));
    await peer.call({ type: T.Tlopen, tag: 1, fid: 1, flags: 0 });
    const listed = { type: T.Treaddir, tag: 1, fid: 1, offset: 0 } as const;
    for (const count of [0xffffffff, 0x80000000, 65_536 - 23]) {
      expect(await peer.call({ ...listed, count })).toMatchObject({ type: T.Rreaddir });
    }
    for (const count of [0, 1, 23]) {
      expect(await peer.call({ ...listed, count })).toMatchObject({ ecode: Errno.EINVAL });
    }
    expect(await peer.call(read(1, 0, 0xffffffff))).toMatchObject({ type: T.Rlerror });
  });

  it('of a write that are not the message’s are an error of protocol', async () => {
    const { peer } = await served(memoryServer());
    const frame = Buffer.from(encode(write(0, 0, 'four', 7), peer.dialect));
    for (const count of [5, 3, 0, 0xffffffff]) {
      frame.writeUInt32LE(count, 19);
      peer.bytes(Buffer.from(frame));
      expect(await peer.next()).toMatchObject({ tag: 7, errno: Errno.EPROTO });
    }
  });
});

describe('names that would be kept', () => {
  it('of users are no longer than those of Linux', async () => {
    const { peer } = await served(memoryServer());
    const long = 'ü'.repeat(129);
    expect(await peer.call(attach(1, long))).toMatchObject({ errno: Errno.ENAMETOOLONG });
    expect(await peer.call(auth(1, long))).toMatchObject({ errno: Errno.ENAMETOOLONG });
    expect(await peer.call(attach(1, long.slice(1)))).toMatchObject({ type: T.Rattach });
  });

  it('of clients that lock neither', async () => {
    const { peer } = await lockers();
    const long = lock(10, 0, 'x'.repeat(257));
    expect(await peer.call(long)).toMatchObject({ ecode: Errno.ENAMETOOLONG });
    expect(await peer.call({ ...long, type: T.Tgetlock } as TMessage)).toMatchObject({
      ecode: Errno.ENAMETOOLONG,
    });
    expect(await peer.call(lock(10, 0, 'x'.repeat(256)))).toMatchObject({
      status: LockStatus.SUCCESS,
    });
  });
});

describe('locks', () => {
  it('of one client leave room for those of others', async () => {
    const { peer, other } = await lockers();
    const statuses = new Map<string, number>();
    for (let round = 0; round < 3; round++) {
      for (let first = 0; first < 4096; first += 512) {
        const starts = Array.from({ length: 512 }, (_, index) => 2 * (first + index));
        peer.send(...starts.map((start, tag) => ({ ...lock(10 + round, start), tag })));
        for (const reply of (await peer.answers(512)).values()) {
          const came =
            'ecode' in reply
              ? `error ${reply.ecode}`
              : `status ${'status' in reply && reply.status}`;
          statuses.set(came, (statuses.get(came) ?? 0) + 1);
        }
      }
    }
    expect(Object.fromEntries(statuses)).toEqual({
      [`status ${LockStatus.SUCCESS}`]: 8192,
      [`error ${Errno.ENOLCK}`]: 4096,
    });
    expect(await other.call(lock(12, 0))).toMatchObject({ status: LockStatus.SUCCESS });
    // What it gives up it may take again.
    await peer.call(clunk(10));
    expect(await peer.call(lock(12, 100))).toMatchObject({ status: LockStatus.SUCCESS });
  });
});

describe('a directory of many files that are all gone', () => {
  const GONE = 5000;
  const last = { name: 'last', qid: { type: 0, version: 0, path: 7 } };

  it('keeps nobody waiting while it is listed in 9P2000.L', async () => {
    const at = (index: number) => (index < GONE ? undefined : last);
    const root = directory('/', { open: () => ({ list: () => ({ length: GONE + 1, at }) }) });
    const { peer, call } = await servedFiles(root);
    await call({ type: T.Tlopen, fid: 0, flags: 0 });
    peer.send({ type: T.Treaddir, tag: 1, fid: 0, offset: 2, count: 4096 });
    peer.send({ type: T.Tgetattr, tag: 2, fid: 0, requestMask: 0 });
    expect(await peer.next()).toMatchObject({ tag: 2 });
    const { data } = (await peer.next()) as Extract<AnyMessage, { type: 41 }>;
    expect(decodeDirents(data)).toMatchObject([{ name: 'last', offset: GONE + 3 }]);
  });

  it('nor in 9P2000, nor when nobody wants it any more', async () => {
    let looked = 0;
    const one = regular('last').stat();
    const entries = function* () {
      for (; looked < GONE; looked++) yield undefined;
      yield one;
    };
    const root = directory('/', { open: () => ({ entries }) });
    const { peer, call } = await servedFiles(root, { dialect: '9P2000' });
    await call({ type: T.Topen, fid: 0, mode: 0 });
    peer.send(read(0, 0, 4096, 1), stat(0, 2), flush(1, 3));
    expect(await peer.next()).toMatchObject({ tag: 2 });
    expect(await peer.next()).toMatchObject({ tag: 3 });
    expect(looked).toBeLessThan(GONE);
    const { data } = (await peer.call(read(0, 0, 4096, 1))) as Extract<AnyMessage, { type: 117 }>;
    expect(decodeStats(Buffer.from(data), '9P2000')).toMatchObject([{ name: 'last' }]);
  });
});

describe('directories', () => {
  it('cannot be moved below themselves', async () => {
    const { peer } = await served(memoryServer(), {}, '9P2000.L');
    for (const [fid, name] of ['a', 'b', 'c'].entries()) {
      await peer.call({ type: T.Tmkdir, tag: 1, fid, name, mode: 0o755, gid: NONUNAME });
      await peer.call(walk(fid, fid + 1, [name]));
    }
    const rename = { type: T.Trename, tag: 1, fid: 1, name: 'x' } as const;
    for (const dfid of [1, 2, 3]) {
      expect(await peer.call({ ...rename, dfid })).toMatchObject({ ecode: Errno.EINVAL });
    }
    expect(await peer.call(walk(3, 4, ['..', '..', '..', '..', 'a', 'b', 'c']))).toMatchObject({
      type: T.Rwalk,
      qids: Array(7).fill(expect.anything()),
    });
  });

  it.each([OpenMode.WRITE, OpenMode.READ_WRITE, OpenMode.READ | OpenMode.TRUNCATE])(
    'that could not be opened in mode %i are not made',
    async (mode) => {
      const { peer } = await served(memoryServer());
      const perm = (ModeBit.DIR | 0o755) >>> 0;
      await peer.call(walk(0, 1, []));
      expect(await peer.call(create(1, 'd', perm, mode))).toMatchObject({ errno: Errno.EISDIR });
      expect(await peer.call(walk(0, 2, ['d']))).toMatchObject({ errno: Errno.ENOENT });
      expect(await peer.call(create(1, 'd', perm, OpenMode.READ))).toMatchObject({
        type: T.Rcreate,
      });
    },
  );
});

/** Asks for one byte of a file for writing. */
function lock(fid: number, start: number, clientId = 'c') {
  const range = { lockType: LockType.WRLCK, start, length: 1, procId: 1 };
  return { type: T.Tlock, tag: 1, fid, ...range, flags: 0, clientId } as const;
}

/** Two clients of a server in memory that have three files open for writing, as fids 10, 11 and 12. */
async function lockers(): Promise<{ peer: RawPeer; other: RawPeer }> {
  const files = memoryServer();
  const clients = [await served(files, {}, '9P2000.L'), await served(files, {}, '9P2000.L')];
  for (const { peer } of clients) {
    for (const fid of [10, 11, 12]) {
      await peer.call(walk(0, fid, []));
      const made = { type: T.Tlcreate, tag: 1, fid, name: `f${fid}`, mode: 0o666 } as const;
      const reply: AnyMessage = await peer.call({ ...made, flags: 2, gid: NONUNAME });
      expect(reply.type).toBe(T.Rlcreate);
    }
  }
  return { peer: clients[0]!.peer, other: clients[1]!.peer };
}

async function served<User>(
  files: FileServer<User>,
  limits: Partial<ServerLimits> = {},
  dialect: RawPeer['dialect'] = '9P2000.u',
): Promise<{ peer: RawPeer; connection: Connection }> {
  const [ours, theirs] = transportPair();
  const connection = new Server(files, { limits }).accept(theirs)!;
  const peer = new RawPeer(ours);
  peer.dialect = dialect;
  await peer.call(version(65_536, dialect));
  await peer.call({ ...attach(0, 'root'), nUname: 0 } as TMessage);
  return { peer, connection };
}
