import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client } from '../../src/client/index.js';
import { encode, MessageType, type NinePError, transportPair } from '../../src/index.js';
import { settled } from '../support/ledger.js';
import { scripted } from '../support/pair.js';
import { RawPeer } from '../support/raw-peer.js';

const statOf = (fid: number) => ({ type: MessageType.Tstat, fid }) as const;
const clunkOf = (fid: number) => ({ type: MessageType.Tclunk, fid }) as const;

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('connecting', () => {
  const connect = async (version: string, msize: number, asked?: number) => {
    const [ours, theirs] = transportPair();
    const server = new RawPeer(theirs);
    const connecting = Client.connect(ours, asked ? { msize: asked } : {});
    connecting.catch(() => {});
    const { tag } = await server.next();
    server.send({ type: 101, tag, msize, version });
    return connecting;
  };

  it('asks for 9P2000.u, 1 MiB and NOTAG', async () => {
    const [ours, theirs] = transportPair();
    const server = new RawPeer(theirs);
    Client.connect(ours).catch(() => {});
    const msize = 1024 * 1024 + 24;
    expect(await server.next()).toEqual({ type: 100, tag: 0xffff, msize, version: '9P2000.u' });
    theirs.destroy();
  });

  it('takes what the server chooses, within what was asked for', async () => {
    expect(await connect('9P2000', 4096)).toMatchObject({ dialect: '9P2000', msize: 4096 });
    expect(await connect('9P2000.u', 256)).toMatchObject({ dialect: '9P2000.u', maxCount: 232 });
    await expect(connect('unknown', 4096)).rejects.toThrow('server speaks "unknown", not 9P2000');
    await expect(connect('9P2000.L', 4096)).rejects.toThrow('not 9P2000');
    await expect(connect('9P2000', 255)).rejects.toThrow('server answers msize 255');
    await expect(connect('9P2000', 8193, 8192)).rejects.toThrow('when asked for 8192');
    await expect(connect('9P2000', 0xffffffff)).rejects.toMatchObject({ kind: 'protocol' });
  });

  it('gives up when the signal aborts, with its reason', async () => {
    const [ours, theirs] = transportPair();
    const server = new RawPeer(theirs);
    const controller = new AbortController();
    const connecting = Client.connect(ours, { signal: controller.signal });
    await server.next();
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    await server.closed;
  });

  it('fails when the server goes away, or refuses', async () => {
    const [ours, theirs] = transportPair();
    const connecting = Client.connect(ours);
    theirs.destroy();
    await expect(connecting).rejects.toMatchObject({ kind: 'closed' });
    const pair = transportPair();
    const server = new RawPeer(pair[1]);
    server.dialect = '9P2000';
    const refused = Client.connect(pair[0]);
    refused.catch(() => {});
    const { tag } = await server.next();
    server.send({ type: 107, tag, ename: 'msize too small', errno: 0 });
    await expect(refused).rejects.toThrow('msize too small');
  });
});

describe('requests', () => {
  it('are many at once, in one packet, answered in any order', async () => {
    const { client, server } = await scripted();
    const answers = Array.from({ length: 200 }, (_, fid) => client.request(clunkOf(fid)));
    const asked = [...(await server.answers(200)).values()] as { tag: number; fid: number }[];
    expect(new Set(asked.map(({ tag }) => tag)).size).toBe(200);
    for (const { tag, fid } of asked.reverse()) {
      if (fid % 2) server.send({ type: 121, tag });
      else server.send({ type: 107, tag, ename: `no ${fid}`, errno: 2 });
    }
    const settledAnswers = await Promise.allSettled(answers);
    for (const [fid, answer] of settledAnswers.entries()) {
      if (fid % 2) expect(answer.status).toBe('fulfilled');
      else expect(answer).toMatchObject({ reason: { ename: `no ${fid}`, errno: 2, kind: 'file' } });
    }
  });

  it('use a tag again once it was answered, and never the same for two', async () => {
    const { client, server } = await scripted();
    const tags: number[] = [];
    for (let fid = 0; fid < 5; fid++) {
      const answer = client.request(clunkOf(fid));
      const { tag } = await server.next();
      tags.push(tag);
      server.send({ type: 121, tag });
      await answer;
    }
    expect(new Set(tags).size).toBe(1);
  });

  it('are refused when all tags are in use', async () => {
    const { client } = await scripted();
    const all = Array.from({ length: 0xffff }, () => client.request(clunkOf(0)));
    for (const request of all) request.catch(() => {});
    await expect(client.request(clunkOf(0))).rejects.toThrow('too many requests in flight');
    client.destroy();
  });

  it('whose strings are too long fail alone and give their tag back', async () => {
    const { client, server } = await scripted();
    const names = ['x'.repeat(70_000)];
    const walk = { type: MessageType.Twalk, fid: 0, newfid: 1, names } as const;
    await expect(client.request(walk)).rejects.toMatchObject({ errno: 36 });
    const answer = client.request(clunkOf(7));
    expect(await server.next()).toMatchObject({ type: 120, tag: 0, fid: 7 });
    server.send({ type: 121, tag: 0 });
    await answer;
  });

  it('reject when the conversation is closed, before and after', async () => {
    const { client, server } = await scripted();
    const waiting = client.request(clunkOf(1));
    const reasons: NinePError[] = [];
    client.onClose((reason) => reasons.push(reason));
    client.onClose((reason) => reasons.push(reason))();
    client.close();
    await expect(waiting).rejects.toMatchObject({ kind: 'closed', ename: 'connection closed' });
    await expect(client.request(clunkOf(1))).rejects.toMatchObject({ kind: 'closed' });
    expect(await server.next()).toMatchObject({ type: 120 });
    await server.closed;
    client.onClose((reason) => reasons.push(reason));
    await settled();
    expect(reasons).toHaveLength(2);
    expect(client.closed).toBe(reasons[0]);
  });

  it('reject with the reason when the connection breaks', async () => {
    const { client, server } = await scripted();
    const waiting = client.request(clunkOf(1));
    await server.next();
    server.transport.destroy();
    await expect(waiting).rejects.toMatchObject({ kind: 'closed' });
  });
});

describe('an AbortSignal', () => {
  it('flushes: without an answer the reason is thrown, after Rflush', async () => {
    const { client, server } = await scripted();
    const controller = new AbortController();
    const ended = vi.fn();
    const answer = client.request(statOf(1), controller.signal);
    answer.catch(ended);
    const { tag } = await server.next();
    controller.abort(new Error('enough'));
    const flush = await server.next();
    expect(flush).toMatchObject({ type: 108, oldtag: tag });
    await settled();
    expect(ended).not.toHaveBeenCalled();
    const others = [client.request(clunkOf(1)), client.request(clunkOf(2))];
    const asked = [await server.next(), await server.next()];
    expect(asked.map((message) => message.tag)).not.toContain(tag);
    server.send({ type: 109, tag: flush.tag });
    await expect(answer).rejects.toThrow('enough');
    const next = client.request(clunkOf(3));
    const reused = await server.next();
    expect([tag, flush.tag]).toContain(reused.tag);
    for (const message of [...asked, reused]) server.send({ type: 121, tag: message.tag });
    await Promise.all([...others, next]);
  });

  it('does not lose an answer that was on its way', async () => {
    const { client, server } = await scripted();
    const controller = new AbortController();
    const request = { type: MessageType.Tread, fid: 1, offset: 0, count: 10 } as const;
    const answer = client.request(request, controller.signal);
    const { tag } = await server.next();
    controller.abort();
    const flush = await server.next();
    server.send({ type: 117, tag, data: Buffer.from('late') });
    expect(Buffer.from((await answer).data).toString()).toBe('late');
    // The tag may not be used again before Rflush: the flush might hit the next request.
    const next = client.request(clunkOf(1));
    expect((await server.next()).tag).not.toBe(tag);
    server.send({ type: 109, tag: flush.tag });
    await settled();
    const more = [client.request(clunkOf(2)), client.request(clunkOf(3))];
    const tags = [(await server.next()).tag, (await server.next()).tag];
    expect(tags.sort()).toEqual([tag, flush.tag].sort());
    client.destroy();
    await Promise.allSettled([next, ...more]);
  });

  it('that aborted before sends nothing; one that aborts after the answer does nothing', async () => {
    const { client, server } = await scripted();
    await expect(client.request(statOf(1), AbortSignal.abort('no'))).rejects.toBe('no');
    const controller = new AbortController();
    const answer = client.request(clunkOf(1), controller.signal);
    const { tag } = await server.next();
    server.send({ type: 121, tag });
    await answer;
    controller.abort();
    await settled();
    expect(server.unread).toEqual([]);
  });

  it('aborting when the connection ends meanwhile rejects once', async () => {
    const { client, server } = await scripted();
    const controller = new AbortController();
    const answer = client.request(clunkOf(1), controller.signal);
    await server.next();
    controller.abort();
    await server.next();
    server.transport.destroy();
    await expect(answer).rejects.toMatchObject({ kind: 'closed' });
  });

  it('leaves the request waiting where the server refuses to flush', async () => {
    const { client, server } = await scripted();
    const controller = new AbortController();
    const answer = client.request(clunkOf(1), controller.signal);
    const { tag } = await server.next();
    controller.abort();
    const flush = await server.next();
    server.send({ type: 107, tag: flush.tag, ename: 'no flush here', errno: 38 });
    await expect(answer).rejects.toThrow('no flush here');
    server.send({ type: 121, tag });
    await settled();
    const next = [client.request(clunkOf(2)), client.request(clunkOf(3))];
    const tags = [(await server.next()).tag, (await server.next()).tag];
    expect(tags.sort()).toEqual([tag, flush.tag].sort());
    client.destroy();
    await Promise.allSettled(next);
  });
});

describe('a server that breaks the protocol', () => {
  it.each([
    ['answers a tag that is not in use', Buffer.from([7, 0, 0, 0, 121, 55, 0])],
    ['answers with another type', Buffer.from([7, 0, 0, 0, 123, 0, 0])],
    ['answers with a request', encode({ type: 120, tag: 0, fid: 1 }, '9P2000.u')],
    ['sends a message that is none', Buffer.from([7, 0, 0, 0, 200, 0, 0])],
    ['sends a malformed message', Buffer.from([8, 0, 0, 0, 121, 0, 0, 0])],
    ['sends a size below a header', Buffer.from([6, 0, 0, 0, 121, 0, 0])],
    ['sends a size above msize', Buffer.from([1, 32, 0, 0, 121, 0, 0])],
  ])('%s: the conversation ends', async (_, bytes) => {
    const { client, server } = await scripted();
    const answer = client.request(clunkOf(1));
    await server.next();
    server.bytes(bytes);
    await expect(answer).rejects.toMatchObject({ kind: 'protocol' });
    expect(client.closed).toMatchObject({ kind: 'protocol' });
    await server.closed;
  });
});

describe('the heartbeat', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  it('asks a silent server for a sign of life, then gives it up', async () => {
    const { client, server } = await scripted({ heartbeat: 1000 });
    const answer = client.request(clunkOf(1));
    answer.catch(() => {});
    await server.next();
    vi.advanceTimersByTime(2000);
    expect(await server.next()).toMatchObject({ type: 108, oldtag: 0xffff });
    expect(client.closed).toBe(undefined);
    vi.advanceTimersByTime(1000);
    await expect(answer).rejects.toMatchObject({
      ename: 'no sign of life for 2 seconds',
      errno: 110,
      kind: 'closed',
    });
  });

  it('is content with any sign, for as long as it comes', async () => {
    const { client, server } = await scripted({ heartbeat: 1000 });
    const answer = client.request(clunkOf(1));
    const { tag } = await server.next();
    for (let time = 0; time < 5; time++) {
      await vi.advanceTimersByTimeAsync(2000);
      const beat = await server.next();
      server.send({ type: 109, tag: beat.tag });
      await settled();
    }
    server.send({ type: 121, tag });
    await answer;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.unread).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    client.close();
  });

  it('can be left out', async () => {
    const { client, server } = await scripted({ heartbeat: 0 });
    const answer = client.request(clunkOf(1));
    answer.catch(() => {});
    expect(vi.getTimerCount()).toBe(0);
    client.destroy();
    await server.closed;
  });
});
