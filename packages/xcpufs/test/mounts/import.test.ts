import { type AddressInfo, connect, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { DuplexTransport, listenTcp } from '@xcpu/9p-protocol';
import { mount } from '@xcpu/9p-protocol/client';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountImport } from '../../src/mounts/import.js';
import {
  type Connect,
  MountError,
  type Mounted,
  type Mounter,
  type MountRequest,
  StreamMounted,
} from '../../src/mounts/mounter.js';
import { relay } from '../../src/mounts/relay.js';

/** A mounter whose mounts are clients in this process, which ask for a file. */
class TestMounter {
  readonly dialects: Mounter['dialects'];
  readonly asked: MountRequest[] = [];
  text = '';

  constructor(dialects: Mounter['dialects'] = ['9P2000.L']) {
    this.dialects = dialects;
  }

  async mount(request: MountRequest, join: Connect): Promise<Mounted> {
    this.asked.push(request);
    const [near, far] = await duplexPair();
    join(far, { neverStall: false });
    const transport = new DuplexTransport(near, { address: 'test', group: 'test' });
    const files = await mount(transport, { version: '9P2000.u' });
    if (request.dialect === '9P2000.L' && this.dialects.length > 1) {
      throw new MountError('does not know that dialect');
    }
    this.text = await files.readFile('file', 'utf8');
    return new StreamMounted(near);
  }
}

const REQUEST = {
  ...{ pid: 1, directory: '/mnt', readOnly: false, msize: 8192 },
  user: { uid: 1, gid: 1, name: 'alice' },
};

describe('mountImport', () => {
  async function server() {
    const nine = new Server(serveTree({ file: 'imported' }));
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) => {
      nine.accept(transport);
    });
    onTestFinished(async () => {
      nine.close();
      await listener.close();
    });
    return { nine, address: listener.address };
  }

  const attempt = (address: string, mounter = new TestMounter()) =>
    mountImport(mounter as unknown as Mounter, REQUEST, address);

  test('joins the mount to a server at a TCP address, until either ends', async () => {
    const [{ nine, address }, mounter] = [await server(), new TestMounter()];
    const mounted = await attempt(address, mounter);
    expect(mounter.text).toBe('imported');
    expect(mounter.asked[0]?.source).toBe(address);
    for (const connection of nine.connections) connection.transport.destroy();
    await mounted.ended;
  });

  test('tries every dialect, each on a connection of its own', async () => {
    const { address } = await server();
    const mounter = new TestMounter(['9P2000.L', '9P2000.u']);
    await attempt(address, mounter);
    expect(mounter.asked.map(({ dialect }) => dialect)).toEqual(['9P2000.L', '9P2000.u']);
  });

  test('refuses what is no TCP address: the daemon may open more sockets than the user', async () => {
    for (const address of ['unix!/run/files', '/run/files', '*', 'a!b!c!d', '']) {
      await expect(attempt(address)).rejects.toThrow(MountError);
    }
  });

  test('says what the network says', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as AddressInfo).port));
    });
    await new Promise((resolve) => taken.close(resolve));
    await expect(attempt(`127.0.0.1!${port}`)).rejects.toThrow(
      `127.0.0.1!${port}: connection refused`,
    );
  });
});

describe('relay', () => {
  test('passes what was sent before an end, and ends', async () => {
    const [[a, x], [y, b]] = [await duplexPair(), await duplexPair()];
    relay(x, y, { neverStall: false });
    a.end('last words');
    expect(await textOf(b)).toBe('last words');
    await closed(x, y);
  });

  test('ends both when one is destroyed', async () => {
    const [[, x], [y]] = [await duplexPair(), await duplexPair()];
    relay(x, y, { neverStall: true });
    x.destroy(new Error('lost'));
    await closed(x, y);
  });

  test('stops reading while the other end takes nothing', async () => {
    const { source, sink } = stuck();
    relay(source, sink, { neverStall: false });
    await turns();
    expect(sink.writableLength).toBeLessThan(1024 * 1024);
    expect(source.destroyed).toBe(false);
  });

  test('never stops reading where it must not stall, and gives up beyond its limit', async () => {
    const { source, sink } = stuck();
    relay(source, sink, { neverStall: true });
    await closed(source, sink);
    expect(sink.writableLength).toBeLessThan(70 * 1024 * 1024);
  });

  /** A stream of which more can be read than fits anywhere, and one that takes nothing. */
  function stuck() {
    const piece = Buffer.alloc(256 * 1024);
    let left = 1000;
    const source = new Duplex({
      read() {
        this.push(left-- > 0 ? piece : null);
      },
      write: (_chunk, _encoding, done) => done(),
    });
    const sink = new Duplex({ read() {}, write() {} });
    return { source, sink };
  }
});

/** Two streams: what one is written the other reads. */
function duplexPair(): Promise<[Duplex, Duplex]> {
  return new Promise((resolve) => {
    const server = createServer((far) => {
      server.close();
      for (const end of [near, far]) end.on('error', () => {});
      resolve([near, far]);
    });
    let near: Duplex;
    server.listen(0, '127.0.0.1', () => {
      near = connect((server.address() as AddressInfo).port, '127.0.0.1');
    });
  });
}

async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
}

async function closed(...streams: Duplex[]): Promise<void> {
  for (const stream of streams) {
    if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}
