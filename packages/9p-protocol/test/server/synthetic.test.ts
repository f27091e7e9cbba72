import { describe, expect, it } from 'vitest';
import { attach, Client } from '../../src/client/index.js';
import { connectTcp, listenTcp, OpenMode, transportPair } from '../../src/index.js';
import { Server, serveTree } from '../../src/server/index.js';

describe('a synthetic tree', () => {
  it('is walked, listed, read and written over memory', async () => {
    const written: string[] = [];
    const server = new Server(
      serveTree({
        hello: 'hi\n',
        sub: { log: { write: (data) => void written.push(Buffer.from(data).toString()) } },
      }),
    );
    const [ours, theirs] = transportPair();
    server.accept(theirs);
    const client = await Client.connect(ours);
    const root = await attach(client, { uname: 'me' });
    const hello = await root.walkOpen('hello', OpenMode.READ);
    expect((await hello.readAll()).toString()).toBe('hi\n');
    await hello.clunk();
    const directory = await root.walkOpen('', OpenMode.READ);
    expect((await directory.readDirectory()).map((entry) => entry.name)).toEqual(['hello', 'sub']);
    const log = await root.walkOpen('sub/log', OpenMode.WRITE);
    await log.writeAll(Buffer.from('x'));
    expect(written).toEqual(['x']);
    await expect(root.walkOpen('sub/nothing', OpenMode.READ)).rejects.toThrow('file not found');
    client.close();
  });

  it('is served over TCP', async () => {
    const server = new Server(serveTree({ big: 'x'.repeat(3_000_000) }));
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (t) => server.accept(t));
    const port = Number(listener.address.split('!')[1]);
    const client = await Client.connect(await connectTcp({ host: '127.0.0.1', port }));
    const root = await attach(client, { uname: 'me' });
    const big = await root.walkOpen('big', OpenMode.READ);
    let length = 0;
    for await (const chunk of big.chunks()) length += chunk.length;
    expect(length).toBe(3_000_000);
    client.close();
    await listener.close();
    server.close();
  });
});
