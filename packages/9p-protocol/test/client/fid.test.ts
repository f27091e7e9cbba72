import { describe, expect, it } from 'vitest';
import { attach, auth, type Client } from '../../src/client/index.js';
import { MessageType, ModeBit, type Rread, type Tread, type Twrite } from '../../src/index.js';
import { serveTree } from '../../src/server/index.js';
import { Ledger, ledgerServer, settled } from '../support/ledger.js';
import { connected, scripted } from '../support/pair.js';
import type { RawPeer } from '../support/raw-peer.js';

const deep = Array.from({ length: 20 }, (_, index) => `d${index}`);
const tree = serveTree({
  motd: 'hello\n',
  deep: deep.reduceRight<object>((inner, name) => ({ [name]: inner }), { file: 'x' }) as never,
});

describe('a path', () => {
  it('may be longer than one walk', async () => {
    const { client } = await connected(tree);
    const root = await attach(client, { uname: 'me' });
    const path = ['deep', ...deep, 'file'].join('/');
    const walked = await (await root.walk(path)).open(0);
    const opened = await root.walkOpen(path, 0);
    expect((await walked.readAll()).toString()).toBe('x');
    expect((await opened.readAll()).toString()).toBe('x');
    client.close();
  });

  it('that leads nowhere is an error naming where, and leaves no fid behind', async () => {
    const ledger = new Ledger();
    const nested = deep.reduceRight<object>((inner, name) => ({ children: { [name]: inner } }), {});
    const { client, server } = await connected(ledgerServer(nested, ledger));
    const root = await attach(client, { uname: 'me' });
    await expect(root.walk('nothing')).rejects.toThrow('file not found');
    await expect(root.walk('d0/d1/nothing/x')).rejects.toThrow('nothing: file not found');
    await expect(root.walk([...deep, 'nothing'])).rejects.toThrow('nothing: file not found');
    await expect(root.walkOpen('nothing', 0)).rejects.toThrow('file not found');
    await expect(root.walkOpen(['d0', 'nothing'], 0)).rejects.toThrow('nothing: file not found');
    await expect(root.walkOpen('d0', 1)).rejects.toThrow('is a directory');
    await expect(root.walkOpen([...deep], 0)).rejects.toThrow('permission denied');
    await expect(attach(client, { uname: 'me', afid: root })).rejects.toThrow('unknown fid');
    await expect(auth(client, { uname: 'me' })).rejects.toThrow('authentication not required');
    expect(ledger.acquired - ledger.released).toBe(1);
    expect(client.takeFid()).toBeLessThanOrEqual(2);
    client.close();
    await settled();
    expect(ledger.balanced).toBe(true);
    expect(server.connections.size).toBe(0);
  });
});

describe('a fid', () => {
  it('is clunked once, and its number used again', async () => {
    const { client } = await connected(tree);
    const root = await attach(client, { uname: 'me' });
    const motd = await root.walkOpen('motd', 0);
    await motd.clunk();
    await motd.clunk();
    expect((await root.walk('motd')).number).toBe(motd.number);
    client.close();
    await root.clunk();
  });

  it('reads directories and stats, and removes', async () => {
    const removed: string[] = [];
    const file = { open: {}, wstat: () => {}, remove: () => void removed.push('file') };
    const { client } = await connected(ledgerServer({ children: { file } }, new Ledger()));
    const root = await attach(client, { uname: 'me' });
    const directory = await root.walkOpen([], 0);
    const [entry] = await directory.readDirectory();
    expect(entry).toMatchObject({ name: 'file', mode: 0o644 });
    const found = await root.walk('file');
    expect(await found.stat()).toEqual(entry);
    expect((await root.stat()).mode & ModeBit.DIR).not.toBe(0);
    await expect(found.readDirectory()).rejects.toThrow('not a directory');
    await found.wstat({ mode: 0o600 });
    await found.remove();
    expect(removed).toEqual(['file']);
    client.close();
  });
});

describe('reading', () => {
  it('in bulk keeps several requests under way and puts short answers together', async () => {
    const contents = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));
    for (const short of [1, 7, 100, 232]) {
      const { client, server } = await scripted({}, 256);
      let most = 0;
      let asked = 0;
      void answer(server, (read) => {
        asked++;
        most = Math.max(most, server.unread.length + 1);
        const { offset, count } = read as Tread;
        const at = Number(offset);
        return {
          type: 117,
          tag: read.tag,
          data: contents.subarray(at, at + Math.min(count, short)),
        };
      });
      const fid = await fidOf(client);
      const pieces: Uint8Array[] = [];
      for await (const piece of fid.chunks()) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(contents)).toBe(true);
      expect(asked).toBeGreaterThanOrEqual(5000 / 232);
      expect(most).toBeGreaterThan(1);
      client.close();
    }
  });

  it('from a place on, up to a limit, stops at the end', async () => {
    const { client } = await connected(serveTree({ file: 'x'.repeat(100) }), { msize: 256 });
    const root = await attach(client, { uname: 'me' });
    const file = await root.walkOpen('file', 0);
    let length = 0;
    for await (const piece of file.chunks({ start: 60 })) length += piece.length;
    expect(length).toBe(40);
    await expect(file.readAll({ limit: 99 })).rejects.toMatchObject({ errno: 27 });
    expect(await file.readAll({ limit: 100 })).toHaveLength(100);
    client.close();
  });

  it('refuses more data than was asked for', async () => {
    const { client, server } = await scripted();
    void answer(server, ({ tag }) => ({ type: 117, tag, data: Buffer.alloc(11) }));
    const fid = await fidOf(client);
    await expect(fid.read(0, 10)).rejects.toMatchObject({ kind: 'protocol' });
    client.close();
  });

  it('fails with the first failing piece, and leaves nothing unhandled', async () => {
    const { client, server } = await scripted({}, 256);
    void answer(server, (read) => {
      const { offset, tag } = read as Tread;
      if (Number(offset) < 500) return { type: 117, tag, data: Buffer.alloc(232) };
      return { type: 107, tag, ename: 'bad sector', errno: 5 };
    });
    const fid = await fidOf(client);
    let length = 0;
    const reading = async () => {
      for await (const piece of fid.chunks()) length += piece.length;
    };
    await expect(reading()).rejects.toThrow('bad sector');
    expect(length).toBe(3 * 232);
    client.close();
  });

  it('as a web stream yields everything, and clunks when cancelled', async () => {
    const ledger = new Ledger();
    const file = {
      open: {
        read: (offset: number, count: number) => Buffer.alloc(500).subarray(offset, offset + count),
      },
    };
    const { client } = await connected(ledgerServer({ children: { file } }, ledger), {
      msize: 256,
    });
    const root = await attach(client, { uname: 'me' });
    let length = 0;
    for await (const piece of (await root.walkOpen('file', 0)).readable()) length += piece.length;
    expect(length).toBe(500);
    await (await root.walkOpen('file', 0)).readable().cancel();
    expect(ledger.closed).toBe(1);
    client.close();
  });
});

describe('writing', () => {
  it('in bulk keeps several requests under way and sends again what was not taken', async () => {
    const contents = Buffer.from(Array.from({ length: 3000 }, (_, index) => index % 251));
    for (const short of [3, 232]) {
      const { client, server } = await scripted({}, 256);
      const written = Buffer.alloc(contents.length + 10);
      void answer(server, (message) => {
        const { offset, data, tag } = message as Twrite;
        const count = Math.min(short, data.length);
        written.set(data.subarray(0, count), Number(offset));
        return { type: 119, tag, count };
      });
      await (await fidOf(client)).writeAll(contents, { offset: 10 });
      expect(written.subarray(10).equals(contents)).toBe(true);
      client.close();
    }
  });

  it('ends when the server takes nothing, or claims too much', async () => {
    for (const [count, text] of [
      [0, 'server takes no more data'],
      [11, 'server took more data'],
    ] as const) {
      const { client, server } = await scripted();
      void answer(server, ({ tag }) => ({ type: 119, tag, count }));
      await expect((await fidOf(client)).writeAll(Buffer.alloc(10))).rejects.toThrow(text);
      client.close();
    }
  });

  it('as a web stream goes on where the last piece ended, and clunks at the end', async () => {
    let text = '';
    let closed = 0;
    const file = {
      open: {
        write: (offset: number, data: Uint8Array) => {
          expect(offset).toBe(text.length);
          text += Buffer.from(data).toString();
          return data.length;
        },
        close: () => void closed++,
      },
    };
    const { client } = await connected(ledgerServer({ children: { file } }, new Ledger()));
    const root = await attach(client, { uname: 'me' });
    const writer = (await root.walkOpen('file', 1)).writable().getWriter();
    await writer.write(Buffer.from('one '));
    await writer.write(Buffer.from('two'));
    await writer.close();
    expect({ text, closed }).toEqual({ text: 'one two', closed: 1 });
    client.close();
  });
});

/** Plays a server that answers each message with what `reply` makes of it. */
async function answer(
  server: RawPeer,
  reply: (message: Awaited<ReturnType<RawPeer['next']>>) => Rread | Parameters<RawPeer['send']>[0],
): Promise<void> {
  for (;;) {
    const message = await server.next();
    await settled();
    if (message.type === MessageType.Tattach) {
      server.send({ type: 105, tag: message.tag, qid: { type: 0, version: 0, path: 1 } });
    } else {
      server.send(reply(message));
    }
  }
}

function fidOf(client: Client) {
  return attach(client, { uname: 'me' });
}
