import { describe, expect, it } from 'vitest';
import { attach, Client, mount } from '../../src/client/index.js';
import { connectTcp, listenTcp, OpenMode, transportPair } from '../../src/index.js';
import { Server, SyntheticDirectory, SyntheticFile, serveTree } from '../../src/server/index.js';
import { connected } from '../support/pair.js';

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

  it('shows each open the same snapshot, and refuses what a file has not', async () => {
    let opened = 0;
    const files = serveTree({
      counter: { read: async () => `${++opened}` },
      sink: { write: () => {} },
      both: { read: () => 'r', write: () => {} },
    });
    const { client } = await connected(files);
    const root = await attach(client, { uname: 'me' });
    const [one, two] = [await root.walkOpen('counter', 0), await root.walkOpen('counter', 0)];
    const texts = [one, two, one].map(async (fid) => (await fid.readAll()).toString());
    expect(await Promise.all(texts)).toEqual(['1', '2', '1']);
    await expect(root.walkOpen('counter', OpenMode.WRITE)).rejects.toThrow('permission denied');
    await expect(root.walkOpen('counter', OpenMode.READ_WRITE)).rejects.toThrow(
      'permission denied',
    );
    await expect(root.walkOpen('sink', OpenMode.READ)).rejects.toThrow('permission denied');
    const both = await root.walkOpen('both', OpenMode.READ_WRITE);
    expect((await both.readAll()).toString()).toBe('r');
    expect(await both.write(0, Buffer.from('four'))).toBe(4);
    const modes = (await (await root.walkOpen([], 0)).readDirectory()).map(({ mode }) => mode);
    expect(modes).toEqual([0o444, 0o222, 0o666]);
    client.close();
  });

  it('lets what can be written be cut off, as a shell does first, and changes nothing else', async () => {
    const files = serveTree({ log: { write: () => {} }, text: 'fixed' });
    for (const version of ['9P2000', '9P2000.u', '9P2000.L'] as const) {
      const [ours, theirs] = transportPair();
      new Server(files).accept(theirs);
      const mounted = await mount(ours, { version });
      await mounted.truncate('log');
      await expect(mounted.chmod('log', 0o600)).rejects.toThrow('log: ');
      await expect(mounted.truncate('text')).rejects.toThrow('text: ');
      mounted.close();
    }
  });

  it('is made of files whose owners and numbers may be told', async () => {
    const root = new SyntheticDirectory<string>({
      name: '/',
      mode: 0o755,
      uid: 'root',
      gid: 'wheel',
    });
    const attributes = { name: 'file', mode: 0o600, uid: 'u', gid: 'g', nUid: 7, nGid: 8 };
    const file = root.add(new SyntheticFile<string>(attributes));
    const { client } = await connected({ attach: ({ uname }) => ({ root, user: uname }) });
    const top = await attach(client, { uname: 'me' });
    const found = await top.walk('file');
    const none = 0xffffffff;
    expect(await found.stat()).toMatchObject({ uid: 'u', nUid: 7, nGid: 8, nMuid: 7, mode: 0o600 });
    expect(await top.stat()).toMatchObject({ uid: 'root', gid: 'wheel', nUid: none, nGid: none });
    expect(found.qid.path).toBe(file.qid.path);
    expect(found.qid.path).not.toBe(top.qid.path);
    await expect(found.open(OpenMode.READ)).rejects.toThrow('permission denied');
    expect((await (await found.walk([])).stat()).name).toBe('file');
    client.close();
  });
});
