import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mount } from '../../src/client/index.js';
import { type MessageSocket, messageTransport, type Transport } from '../../src/index.js';
import { clientLimits } from '../../src/limits.js';
import { memoryServer } from '../../src/memory/index.js';
import { Server } from '../../src/server/index.js';
import { settled } from '../support/ledger.js';
import { directory, opens } from '../support/linux-files.js';
import { open, RawPeer, read, stat, walk } from '../support/raw-peer.js';

/** What a browser's WebSocket looks like, joined to another. */
class BrowserSocket extends EventTarget {
  other!: BrowserSocket;
  binaryType = 'blob';
  readyState = 1;
  bufferedAmount = 0;
  /** Whether what is sent goes out by itself. */
  flowing = true;
  readonly sizes: number[] = [];

  send(data: Uint8Array): void {
    if (this.readyState !== 1) throw new Error('not open');
    this.sizes.push(data.length);
    const copy = new Uint8Array(data).buffer;
    this.bufferedAmount += data.length;
    if (!this.flowing) return;
    queueMicrotask(() => {
      this.bufferedAmount -= copy.byteLength;
      this.other.receive(copy);
    });
  }

  receive(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  close(code = 1000): void {
    for (const end of [this, this.other]) {
      if (end.readyState === 3) continue;
      end.readyState = 3;
      setImmediate(() => end.dispatchEvent(Object.assign(new Event('close'), { code })));
    }
  }
}

/** What a socket of the package ws looks like. */
class EmitterSocket extends EventEmitter {
  other!: EmitterSocket;
  paused = false;
  readonly waiting: (() => void)[] = [];
  send(data: Uint8Array, sent: () => void): void {
    this.waiting.push(() => {
      this.other.emit('message', Buffer.from(data), true);
      sent();
    });
  }
  flow(): void {
    for (const deliver of this.waiting.splice(0)) deliver();
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  close(): void {
    this.terminate();
  }
  terminate(): void {
    for (const end of [this, this.other]) setImmediate(() => end.emit('close', 1006));
  }
}

function joined<S extends { other: S }>(make: () => S): [S, S] {
  const [a, b] = [make(), make()];
  a.other = b;
  b.other = a;
  return [a, b];
}

function watch(transport: Transport) {
  const seen = { data: [] as Buffer[], drains: 0, closes: [] as (Error | undefined)[] };
  transport.start({
    data: (chunk) => void seen.data.push(chunk),
    drain: () => void seen.drains++,
    close: (error) => void seen.closes.push(error),
  });
  return seen;
}

const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();

describe('a stream of messages', () => {
  it('carries 9P between sockets as browsers have them', async () => {
    const [a, b] = joined(() => new BrowserSocket());
    const peer = { address: 'browser', group: 'web' };
    const server = new Server(memoryServer());
    server.accept(messageTransport(b as MessageSocket, { peer, maxMessage: 1000 }));
    const ours = messageTransport(a as MessageSocket, { maxMessage: 1000 });
    expect(a.binaryType).toBe('arraybuffer');
    expect(ours).toMatchObject({ peer: { address: 'message' }, localAddress: 'local' });
    const files = await mount(ours, { uname: 'root', nUname: 0 });
    const contents = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    await files.writeFile('/f', contents);
    expect((await files.readFile('/f')).equals(contents)).toBe(true);
    expect(Math.max(...a.sizes, ...b.sizes)).toBe(1000);
    files.close();
    await files.closed;
    await settled();
    expect(server.connections.size).toBe(0);
  });

  it('carries 9P between the ports of a channel', async () => {
    const { port1, port2 } = new MessageChannel();
    const server = new Server(memoryServer());
    server.accept(messageTransport(port2 as unknown as MessageSocket));
    const files = await mount(messageTransport(port1 as unknown as MessageSocket), {
      uname: 'root',
      nUname: 0,
    });
    await files.writeFile('/f', 'text');
    expect(await files.readFile('/f', 'utf8')).toBe('text');
    files.close();
    await files.closed;
  });

  it('of an emitter tells when what was sent has gone out, and pauses', async () => {
    const [a, b] = joined(() => new EmitterSocket());
    const [ours, theirs] = [a, b].map((socket) => messageTransport(socket as MessageSocket));
    const [seen, heard] = [watch(ours!), watch(theirs!)];
    ours!.send([Buffer.from('one'), Buffer.from('two')]);
    expect(seen.drains).toBe(0);
    a.flow();
    expect(seen.drains).toBe(1);
    expect(text(heard.data)).toBe('onetwo');
    theirs!.pause();
    expect(b.paused).toBe(true);
    theirs!.resume();
    expect(b.paused).toBe(false);
    ours!.destroy(new Error('broken'));
    await settled();
    expect(seen.closes).toMatchObject([{ message: 'broken' }]);
    expect(heard.closes).toMatchObject([{ message: 'connection lost' }]);
    ours!.send([Buffer.from('to nobody')]);
    expect(a.waiting).toEqual([]);
  });

  it('holds no more messages than a bound either, and none that are empty', async () => {
    for (const [size, ends] of [
      [0, 0],
      [1, 1],
    ] as const) {
      const [a] = joined(() => new BrowserSocket());
      const transport = messageTransport(a as MessageSocket);
      const seen = watch(transport);
      await settled();
      transport.pause();
      for (let count = 0; count <= clientLimits.pausedMessages; count++) {
        a.receive(new ArrayBuffer(size));
      }
      await settled();
      expect(seen.closes).toHaveLength(ends);
    }
  });

  it('holds what arrives for one that paused, in order, up to a bound', async () => {
    const [a] = joined(() => new BrowserSocket());
    const transport = messageTransport(a as MessageSocket, { maxPaused: 10 });
    a.receive(Buffer.from('early '));
    const seen = watch(transport);
    await settled();
    expect(text(seen.data)).toBe('early ');
    transport.pause();
    a.receive(new Uint8Array(Buffer.from('abc')));
    a.receive(Buffer.from('def').buffer.slice(0, 0));
    a.receive([Buffer.from('d'), Buffer.from('ef')]);
    await settled();
    expect(text(seen.data)).toBe('early ');
    transport.resume();
    await settled();
    expect(text(seen.data)).toBe('early abcdef');
    transport.pause();
    a.receive(Buffer.alloc(11));
    await settled();
    expect(seen.closes).toMatchObject([{ kind: 'protocol' }]);
    expect(a.readyState).toBe(3);
  });

  it('stops at the piece at which its receiver pauses', async () => {
    const [a] = joined(() => new BrowserSocket());
    const transport = messageTransport(a as MessageSocket);
    const seen: string[] = [];
    transport.start({
      data: (chunk) => {
        seen.push(chunk.toString());
        transport.pause();
      },
      drain() {},
      close() {},
    });
    await settled();
    a.receive(Buffer.from('1'));
    a.receive(Buffer.from('2'));
    a.receive(Buffer.from('3'));
    expect(seen).toEqual(['1']);
    transport.resume();
    await settled();
    expect(seen).toEqual(['1', '2']);
  });

  it.each([
    ['text', 'hello'],
    ['a blob', {}],
    ['nothing', null],
  ])('with %s is broken', async (_, data) => {
    const [a] = joined(() => new BrowserSocket());
    const seen = watch(messageTransport(a as MessageSocket));
    a.receive(data);
    await settled();
    expect(seen.closes).toMatchObject([{ kind: 'protocol' }]);
    expect(a.readyState).toBe(3);
    const [b] = joined(() => new EmitterSocket());
    const heard = watch(messageTransport(b as MessageSocket));
    b.emit('message', Buffer.from('text'), false);
    await settled();
    expect(heard.closes).toMatchObject([{ kind: 'protocol' }]);
  });

  it('delivers what came before the end, then the end, once', async () => {
    const [a, b] = joined(() => new BrowserSocket());
    const transport = messageTransport(b as MessageSocket);
    const ours = messageTransport(a as MessageSocket);
    watch(ours);
    const seen = watch(transport);
    await settled();
    transport.pause();
    ours.send([Buffer.from('last words')]);
    await settled();
    ours.close();
    await settled();
    expect(seen.closes).toEqual([]);
    transport.resume();
    await settled();
    expect(text(seen.data)).toBe('last words');
    expect(seen.closes).toEqual([undefined]);
    const late = watch(messageTransport(a as MessageSocket));
    await settled();
    expect(late.closes).toEqual([undefined]);
  });

  it('tells a server of the end that waits for its replies to go out, and whoever ends it himself', async () => {
    const [a, b] = joined(() => new BrowserSocket());
    const root = directory();
    root.add(opens('f', { read: (_offset, count) => Buffer.alloc(count) }));
    const server = new Server<string>(
      { attach: ({ uname }) => ({ root, user: uname }) },
      { limits: { unsentBytes: 64 * 1024 } },
    );
    server.accept(messageTransport(b as MessageSocket));
    const peer = await new RawPeer(messageTransport(a as MessageSocket)).open();
    peer.send(walk(0, 1, ['f'], 1), open(1, 0, 2));
    await peer.answers(2);
    b.flowing = false;
    peer.send(read(1, 0, 60_000, 1), read(1, 0, 60_000, 2));
    await settled();
    peer.send(stat(0));
    await settled();
    expect(b.bufferedAmount).toBeGreaterThan(2 * 60_000);
    a.close();
    await settled();
    expect(server.connections.size).toBe(0);
    expect(root.held).toBe(0);

    const [c] = joined(() => new BrowserSocket());
    const transport = messageTransport(c as MessageSocket);
    const seen = watch(transport);
    await settled();
    transport.pause();
    c.receive(Buffer.from('unread'));
    c.close();
    await settled();
    expect(seen.closes).toEqual([]);
    transport.destroy();
    await settled();
    expect(seen).toMatchObject({ data: [], closes: [undefined] });
  });

  it('sends what it was given before it was connected', async () => {
    const [a, b] = joined(() => new BrowserSocket());
    a.readyState = 0;
    const transport = messageTransport(a as MessageSocket);
    const heard = watch(messageTransport(b as MessageSocket));
    watch(transport);
    await settled();
    transport.send([Buffer.from('early')]);
    expect(transport.unsent).toBe(5);
    a.readyState = 1;
    a.dispatchEvent(new Event('open'));
    await settled();
    expect(text(heard.data)).toBe('early');
    expect(transport.unsent).toBe(0);
  });

  it('tells of an error that the socket tells of', async () => {
    const [a] = joined(() => new BrowserSocket());
    const seen = watch(messageTransport(a as MessageSocket));
    a.dispatchEvent(Object.assign(new Event('error'), { message: 'certificate expired' }));
    a.close(1006);
    await settled();
    expect(seen.closes).toMatchObject([{ message: 'certificate expired' }]);
    const [b] = joined(() => new BrowserSocket());
    const transport = messageTransport(b as MessageSocket);
    const heard = watch(transport);
    b.readyState = 2;
    transport.send([Buffer.from('x')]);
    await settled();
    expect(heard.closes).toMatchObject([{ message: 'not open' }]);
  });
});

describe('a browser socket that takes no more', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  it('is asked now and then whether it does again, for as long as needed', () => {
    const [a] = joined(() => new BrowserSocket());
    a.flowing = false;
    const transport = messageTransport(a as MessageSocket);
    const seen = watch(transport);
    transport.send([Buffer.alloc(1000)]);
    expect(vi.getTimerCount()).toBe(0);
    transport.send([Buffer.alloc(100_000)]);
    expect(transport.unsent).toBe(101_000);
    vi.advanceTimersByTime(1000);
    expect(seen.drains).toBe(0);
    a.bufferedAmount = 0;
    vi.advanceTimersByTime(1000);
    expect(seen.drains).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    transport.send([Buffer.alloc(100_000)]);
    expect(vi.getTimerCount()).toBe(1);
    transport.destroy();
    expect(vi.getTimerCount()).toBe(0);
  });
});
