import { describe, expect, it } from 'vitest';
import { Errno, MessageType, NinePError, type TMessage, transportPair } from '../../src/index.js';
import { type Intercept, Server } from '../../src/server/index.js';
import { deferred, settled } from '../support/ledger.js';
import { directory, opens, regular, served, type TestFile } from '../support/linux-files.js';
import { attach, auth, clunk, RawPeer, read, remove, version, walk } from '../support/raw-peer.js';

const T = MessageType;

describe('an interceptor', () => {
  it('stands around every request, and sees user, files, reply and error', async () => {
    const log: unknown[] = [];
    const intercept: Intercept<string> = async (request, message, next) => {
      const about = [request.file, request.directory].map((file) => (file as TestFile)?.name);
      try {
        const reply = await next();
        log.push([message.type, about, request.user, 'pieces' in reply ? reply.count : reply.type]);
        return reply;
      } catch (error) {
        log.push([message.type, about, request.user, (error as NinePError).errno]);
        throw error;
      }
    };
    const root = directory('/', { link: () => {} });
    root.add(opens('f', { read: () => Buffer.from('four') }));
    const { call } = await served(root, { intercept });
    await call(walk(0, 1, ['f']));
    await call({ type: T.Tlink, dfid: 0, fid: 1, name: 'g' });
    await call({ type: T.Trename, dfid: 0, fid: 1, name: 'g' });
    await call({ type: T.Tlopen, fid: 1, flags: 0 });
    await call(read(1, 0, 4));
    await call(clunk(1));
    await call(clunk(9));
    expect(log).toEqual([
      [T.Tattach, [undefined, undefined], 'me', T.Rattach],
      [T.Twalk, ['/', undefined], 'me', T.Rwalk],
      [T.Tlink, ['f', '/'], 'me', T.Rlink],
      [T.Trename, ['f', '/'], 'me', Errno.EPERM],
      [T.Tlopen, ['f', undefined], 'me', T.Rlopen],
      [T.Tread, ['f', undefined], 'me', 4],
      [T.Tclunk, ['f', undefined], 'me', T.Rclunk],
    ]);
  });

  it('may refuse; a refused clunk or remove ends the fid all the same', async () => {
    const allowed = new Set<number>([T.Tattach, T.Twalk]);
    const intercept: Intercept = (_request, message, next) => {
      if (!allowed.has(message.type)) throw new NinePError('not now', Errno.EACCES);
      return next();
    };
    const root = directory();
    const f = root.add(regular('f', { remove: () => {} }));
    const { call, errno } = await served(root, { intercept });
    for (const fid of [1, 2]) await call(walk(0, fid, ['f']));
    expect(await errno({ type: T.Tgetattr, fid: 1, requestMask: 1 })).toBe(Errno.EACCES);
    expect(await errno(remove(1))).toBe(Errno.EACCES);
    expect(await errno(clunk(2))).toBe(Errno.EACCES);
    expect(f.held).toBe(0);
    expect(await errno(walk(0, 1, ['f']))).toBe(0);
    allowed.delete(T.Tattach);
    allowed.delete(T.Twalk);
    expect(await errno(attach(5))).toBe(Errno.EACCES);
    expect(await errno(walk(0, 5, []))).toBe(Errno.EACCES);
    allowed.add(T.Twalk);
    expect(await errno(walk(0, 5, []))).toBe(0);
  });

  it('that refuses what was done already has everything that it made taken back', async () => {
    let late = false;
    const intercept: Intercept<string> = async (_request, _message, next) => {
      const reply = await next();
      if (late) throw new NinePError('on second thoughts', Errno.EACCES);
      return reply;
    };
    const none = () => {};
    const xattrs = { get: () => Buffer.alloc(5), list: () => [], set: none, remove: none };
    const root = directory('/', { xattrs });
    let proofs = 0;
    const proof = () => {
      proofs++;
      return { qid: { type: 8, version: 0, path: 1 }, close: () => void proofs-- };
    };
    const options = { intercept, limits: { xattrBytes: 5 } };
    const { errno, faults } = await served(root, options, { auth: proof });
    const attribute = { type: T.Txattrwalk, fid: 0, newfid: 1, name: 'user.a' } as const;
    late = true;
    for (const message of [walk(0, 1, []), attach(1), auth(1), attribute, attribute]) {
      expect(await errno(message)).toBe(Errno.EACCES);
      await settled();
      expect(root.held).toBe(1);
      expect(proofs).toBe(0);
    }
    late = false;
    expect(await errno(attribute)).toBe(0);
    expect(faults).toEqual([]);
  });

  it('that refuses an attach, even late, or answers it by itself leaves a stranger his limits', async () => {
    const answers: Intercept<string>[] = [
      async (_request, _message, next) => {
        await next();
        throw new NinePError('on second thoughts', Errno.EACCES);
      },
      () => ({ type: T.Rattach, tag: 0, qid: { type: 0x80, version: 0, path: 1 } }),
    ];
    for (const answer of answers) {
      const root = directory();
      const [ours, theirs] = transportPair();
      const proof = () => ({ qid: { type: 8, version: 0, path: 1 } });
      new Server<string>(
        { attach: ({ uname }) => ({ root, user: uname }), auth: proof },
        {
          limits: { fidsBeforeAttach: 1 },
          intercept: (request, message, next) =>
            message.type === T.Tattach ? answer(request, message, next) : next(),
        },
      ).accept(theirs);
      const peer = new RawPeer(ours);
      await peer.call(version());
      await peer.call(attach(0));
      await peer.call(auth(1));
      expect(await peer.call(auth(2))).toMatchObject({ ename: 'too many fids (limit 1)' });
    }
  });

  it('that answers by itself leaves no fid behind', async () => {
    let lies = false;
    const intercept: Intercept = (_request, message, next) => {
      if (!lies) return next();
      if (message.type === T.Twalk) return { type: T.Rwalk, tag: 0, qids: [] };
      return { type: T.Rclunk, tag: 0 };
    };
    const root = directory();
    const { call, errno } = await served(root, { intercept });
    lies = true;
    expect(await call(walk(0, 1, []))).toMatchObject({ type: T.Rwalk });
    expect(await call(clunk(0))).toMatchObject({ type: T.Rclunk });
    lies = false;
    await settled();
    expect(root.held).toBe(0);
    expect(await errno(clunk(1))).toBe(Errno.EIO);
  });

  it('may wait, and the requests about a fid in the making with it', async () => {
    const gate = deferred();
    const seen: number[] = [];
    const intercept: Intercept = async (_request, message, next) => {
      seen.push(message.type);
      if (message.type === T.Tlopen) await gate.promise;
      return next();
    };
    const root = directory();
    root.add(opens('f', { read: () => Buffer.from('x') }));
    const { peer } = await served(root, { intercept });
    peer.send(
      walk(0, 1, ['f'], 1),
      { type: T.Tlopen, tag: 2, fid: 1, flags: 0 } as TMessage,
      read(1, 0, 1, 3),
      clunk(1, 4),
    );
    await settled();
    expect(seen).toEqual([T.Tattach, T.Twalk, T.Tlopen]);
    gate.resolve();
    const answers = await peer.answers(4);
    expect(answers.get(4)?.type).toBe(T.Rclunk);
    expect(seen).toEqual([T.Tattach, T.Twalk, T.Tlopen, T.Tread, T.Tclunk]);
  });

  it('is one of several, the first outermost', async () => {
    const log: string[] = [];
    const named =
      (name: string): Intercept =>
      async (_request, _message, next) => {
        log.push(`${name} in`);
        const reply = await next();
        log.push(`${name} out`);
        return reply;
      };
    await served(directory(), { intercept: [named('a'), named('b'), named('c')] });
    expect(log).toEqual(['a in', 'b in', 'c in', 'c out', 'b out', 'a out']);
    const { errno } = await served(directory(), { intercept: [] });
    expect(await errno({ type: T.Tstatfs, fid: 0 })).toBe(0);
  });
});
