import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DuplexTransport, type Transport, transportPair } from '../../src/index.js';
import { deferred, settled } from '../support/ledger.js';

describe('two transports joined in memory', () => {
  it('hold back a sender whose receiver does not read', async () => {
    const [a, b] = transportPair();
    const received = listen(b);
    const drained = deferred();
    a.start({ data() {}, drain: drained.resolve, close() {} });
    b.pause();
    for (let index = 0; index < 100; index++) a.send([Buffer.alloc(10_000)]);
    await settled();
    expect(a.unsent).toBeGreaterThan(800_000);
    b.resume();
    await drained.promise;
    await settled();
    expect(a.unsent).toBe(0);
    expect(received.length()).toBe(1_000_000);
  });

  it('deliver what was sent before an orderly end, also to one that reads late', async () => {
    const [a, b] = transportPair();
    const received = listen(b);
    const ended = listen(a);
    b.pause();
    a.send([Buffer.alloc(100), Buffer.alloc(50_000)]);
    a.close();
    await settled();
    b.resume();
    expect(await received.closed).toBe(undefined);
    expect(await ended.closed).toBe(undefined);
    expect(received.length()).toBe(50_100);
  });

  it('end together at once when one is destroyed, whatever waits', async () => {
    const [a, b] = transportPair();
    const [atA, atB] = [listen(a), listen(b)];
    a.pause();
    b.send([Buffer.alloc(1_000_000)]);
    await settled();
    a.destroy(new Error('broken'));
    expect(await atA.closed).toMatchObject({ message: 'broken' });
    expect(await atB.closed).toBe(undefined);
    a.send([Buffer.from('to nobody')]);
    b.close();
  });

  it('end in order although one has sent what the other never read', async () => {
    const [a, b] = transportPair();
    const [atA, atB] = [listen(a), listen(b)];
    a.pause();
    b.send([Buffer.alloc(1_000_000)]);
    await settled();
    a.close();
    expect(await atA.closed).toBe(undefined);
    expect(await atB.closed).toBe(undefined);
  });

  it('know their peer', () => {
    const [a] = transportPair();
    expect(a.peer).toEqual({ address: 'memory', group: 'memory' });
    expect(a.exportKey).toBe(undefined);
  });
});

describe('a duplex stream as a transport', () => {
  it('carries whatever peer identity it was given', async () => {
    const peer = { address: 'x', group: 'g', verified: { scheme: 'tls', name: 'CN=n8' } };
    const sent: Buffer[] = [];
    const stream = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        sent.push(chunk);
        done();
      },
    });
    const transport = new DuplexTransport(stream, peer, 'here');
    expect(transport).toMatchObject({ peer, localAddress: 'here' });
    const { closed, length } = listen(transport);
    stream.push(Buffer.from('abc'));
    transport.send([Buffer.from('1'), Buffer.from('2')]);
    await settled();
    expect(length()).toBe(3);
    expect(Buffer.concat(sent).toString()).toBe('12');
    stream.push(null);
    expect(await closed).toBe(undefined);
  });

  it('that broke before it was used says so once', async () => {
    const stream = new Duplex({ read() {}, write() {} });
    const transport = new DuplexTransport(stream, { address: 'x', group: 'x' });
    stream.destroy(new Error('early'));
    let times = 0;
    transport.start({ data() {}, drain() {}, close: () => times++ });
    await settled();
    expect(times).toBe(1);
  });
});

function listen(transport: Transport) {
  const closed = deferred<Error | undefined>();
  let length = 0;
  transport.start({
    data: (chunk) => {
      length += chunk.length;
    },
    drain() {},
    close: closed.resolve,
  });
  return { closed: closed.promise, length: () => length };
}
