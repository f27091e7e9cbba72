import { describe, expect, it } from 'vitest';
import {
  dontTouch,
  MessageType,
  NOFID,
  type RMessage,
  type Rwalk,
  type Stat,
  transportPair,
} from '../../src/index.js';
import { Server, type StatChanges } from '../../src/server/index.js';
import { type FileBehaviour, Ledger, ledgerServer } from '../support/ledger.js';
import {
  attach,
  clunk,
  create,
  open,
  RawPeer,
  read,
  remove,
  stat,
  walk,
  write,
} from '../support/raw-peer.js';

const contents = Buffer.from('0123456789');
const seen: { offset: number; data: string }[] = [];
const plain: FileBehaviour = {
  open: {
    read: (offset, count) => contents.subarray(offset, offset + count),
    write: (offset, data) => {
      seen.push({ offset, data: Buffer.from(data).toString() });
      return data.length;
    },
  },
};

describe('fids', () => {
  it('exist once, and never as NOFID', async () => {
    const { peer } = await served({ children: { plain } });
    await expectError(peer, attach(0), 'fid already exists', 5);
    await expectError(peer, walk(0, 1, []), undefined);
    await expectError(peer, walk(0, 1, []), 'fid already exists', 5);
    await expectError(peer, walk(0, NOFID, []), 'invalid fid', 22);
    await expectError(peer, attach(NOFID), 'invalid fid', 22);
    await expectError(peer, walk(NOFID, 3, []), 'unknown fid', 5);
    for (const message of [stat(9), open(9), read(9, 0, 1), write(9, 0, ''), clunk(9), remove(9)]) {
      await expectError(peer, message, 'unknown fid', 5);
    }
    await expectError(peer, attach(5, 'me', 1), 'unknown fid');
    await expectError(peer, attach(5, 'me', 9), 'unknown fid');
    await expectError(peer, attach(5), undefined);
  });

  it('that failed to be made are free', async () => {
    const { peer } = await served({ children: { plain } });
    await expectError(peer, walk(0, 1, ['nothing']), 'file not found', 2);
    await expectError(peer, walk(0, 1, ['plain']), undefined);
    await expectError(peer, clunk(1), undefined);
    await expectError(peer, walk(0, 1, ['plain', 'x']), undefined);
    await expectError(peer, stat(1), 'unknown fid');
  });
});

describe('walk', () => {
  it.each(['', '.', 'a/b', '/', 'a\0b', '\0'])('refuses the name %j', async (name) => {
    const { peer } = await served({ children: { dir: { children: {} } } });
    await expectError(peer, walk(0, 1, [name]), 'invalid file name', 22);
    const partial = await peer.call(walk(0, 1, ['dir', name]));
    expect(partial).toMatchObject({ qids: [{ type: 0x80 }] });
    await expectError(peer, stat(1), 'unknown fid');
  });

  it('goes up with .., and at the root stays there', async () => {
    const { peer } = await served({ children: { dir: { children: { plain } } } });
    await peer.call(walk(0, 1, ['dir', '..', '..', 'dir', 'plain']));
    expect(await peer.call(stat(1))).toMatchObject({ stat: { name: 'plain' } });
    await expectError(peer, walk(1, 2, ['..']), 'not a directory', 20);
    await expectError(peer, walk(1, 2, ['x']), 'not a directory', 20);
  });

  it('takes 16 names and refuses more', async () => {
    const { peer } = await served({ children: { dir: { children: {} } } });
    const up = Array.from({ length: 16 }, (_, index) => (index % 2 ? '..' : 'dir'));
    const walked = await peer.call(walk(0, 1, up));
    expect(walked).toMatchObject({ type: 111 });
    expect((walked as Rwalk).qids).toHaveLength(16);
    await expectError(peer, walk(0, 2, [...up, '..']), 'walk of more than 16 names', 71);
  });
});

describe('open, read and write', () => {
  it('check the mode', async () => {
    const { peer } = await served({ children: { plain, dir: { children: {} }, closed: {} } });
    await peer.call(walk(0, 1, ['plain']));
    await expectError(peer, read(1, 0, 1), 'file not open', 9);
    await expectError(peer, write(1, 0, 'x'), 'file not open', 9);
    await expectError(peer, open(1, 1), undefined);
    await expectError(peer, open(1, 1), 'fid is open already', 16);
    await expectError(peer, read(1, 0, 1), 'file not open for reading', 9);
    await peer.call(walk(0, 2, ['plain']));
    await expectError(peer, open(2, 3), undefined);
    await expectError(peer, write(2, 0, 'x'), 'file not open for writing', 9);
    await peer.call(walk(0, 3, ['dir']));
    for (const mode of [1, 2, 3, 0x10, 0x40]) {
      await expectError(peer, open(3, mode), 'is a directory', 21);
    }
    await peer.call(walk(0, 4, ['closed']));
    await expectError(peer, open(4), 'permission denied', 1);
    await expectError(peer, clunk(4), undefined);
  });

  it('take offsets up to 2^64 − 1', async () => {
    const { peer } = await served({ children: { plain } });
    await peer.call(walk(0, 1, ['plain']));
    await peer.call(open(1, 2));
    for (const offset of [2 ** 53 - 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(await peer.call(read(1, offset, 5))).toMatchObject({ data: Buffer.alloc(0) });
      expect(await peer.call(write(1, offset, 'far'))).toMatchObject({ count: 3 });
      expect(seen.at(-1)).toEqual({ offset: Number.MAX_SAFE_INTEGER, data: 'far' });
    }
  });

  it('refuse counts above msize − 24, and take up to that', async () => {
    const { peer } = await served({ children: { plain } }, 1000);
    await peer.call(walk(0, 1, ['plain']));
    await peer.call(open(1, 2));
    await expectError(peer, read(1, 0, 977), 'i/o count too large', 5);
    await expectError(peer, read(1, 0, 0xffffffff), 'i/o count too large', 5);
    await expectError(peer, write(1, 0, 'x'.repeat(977)), 'i/o count too large', 5);
    await expectError(peer, read(1, 0, 976), undefined);
    expect(await peer.call(write(1, 0, 'x'.repeat(976)))).toMatchObject({ count: 976 });
    expect(await peer.call(read(1, 0, 0))).toMatchObject({ data: Buffer.alloc(0) });
    expect(await peer.call(write(1, 0, ''))).toMatchObject({ count: 0 });
  });
});

describe('reading a directory', () => {
  const children = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, {}]));

  it('yields whole entries, in order, from the beginning whenever that is asked for', async () => {
    const { peer } = await served({ children });
    await peer.call(open(0));
    const all = await data(peer, read(0, 0, 8000));
    const size = all.length / 3;
    expect(await data(peer, read(0, all.length, 8000))).toHaveLength(0);
    const first = await data(peer, read(0, 0, size + 1));
    const second = await data(peer, read(0, size, size));
    const third = await data(peer, read(0, 2 * size, 8000));
    expect(Buffer.concat([first, second, third])).toEqual(all);
    expect(await data(peer, read(0, 0, 8000))).toEqual(all);
  });

  it('yields nothing where the next entry does not fit, and keeps it', async () => {
    const { peer } = await served({ children });
    await peer.call(open(0));
    expect(await data(peer, read(0, 0, 10))).toHaveLength(0);
    const size = (await data(peer, read(0, 0, 8000))).length / 3;
    expect(await data(peer, read(0, 0, size))).toHaveLength(size);
    expect(await data(peer, read(0, size, size - 1))).toHaveLength(0);
    expect(await data(peer, read(0, size, size))).toHaveLength(size);
  });

  it('refuses any other offset', async () => {
    const { peer } = await served({ children });
    await peer.call(open(0));
    await expectError(peer, read(0, 5, 8000), 'directories are read in order', 22);
    const { length } = await data(peer, read(0, 0, 8000));
    for (const offset of [1, length - 1, length + 1, 2n ** 64n - 1n]) {
      await expectError(peer, read(0, offset, 8000), 'directories are read in order', 22);
    }
    expect(await data(peer, read(0, length, 8000))).toHaveLength(0);
  });
});

describe('create', () => {
  it('opens the new file on the same fid', async () => {
    const made: string[] = [];
    const root: FileBehaviour = {
      children: {},
      create: ({ name, perm, mode }) => {
        made.push(`${name} ${perm.toString(8)} ${mode}`);
        return plain;
      },
    };
    const { peer, ledger } = await served(root);
    await peer.call(walk(0, 1, []));
    expect(await peer.call(create(1, 'new', 0o640, 2))).toMatchObject({
      type: 115,
      qid: { type: 0 },
    });
    expect(await peer.call(write(1, 0, 'x'))).toMatchObject({ count: 1 });
    await expectError(peer, create(1, 'again'), 'fid is open already');
    for (const name of ['', '.', '..', 'a/b', 'a\0']) {
      await expectError(peer, create(0, name), 'invalid file name', 22);
    }
    expect(made).toEqual(['new 640 2']);
    expect(ledger.held.get('new')).toBe(1);
  });

  it('is refused where it cannot be', async () => {
    const { peer } = await served({ children: { plain } });
    await expectError(peer, create(0, 'new'), 'permission denied', 1);
    await peer.call(walk(0, 1, ['plain']));
    await expectError(peer, create(1, 'new'), 'not a directory', 20);
  });
});

describe('wstat', () => {
  it('hands on only what is to change', async () => {
    const changes: StatChanges[] = [];
    const { peer } = await served({
      children: { file: { wstat: (asked) => void changes.push(asked) } },
    });
    await peer.call(walk(0, 1, ['file']));
    expect(await peer.call(wstat(1, dontTouch))).toEqual({ type: 127, tag: 1 });
    expect(changes).toEqual([]);
    await peer.call(wstat(1, { ...dontTouch, mode: 0o600, nUid: 7 }));
    await peer.call(wstat(1, { ...dontTouch, name: 'x', uid: 'u', gid: 'g', length: 0, mtime: 0 }));
    expect(changes).toEqual([
      { mode: 0o600, nUid: 7 },
      { name: 'x', uid: 'u', gid: 'g', length: 0, mtime: 0 },
    ]);
  });

  it('refuses to change what a client cannot, and names that are none', async () => {
    const { peer } = await served({ children: { file: { wstat: () => {} } } });
    await peer.call(walk(0, 1, ['file']));
    const refused = 'type, dev and qid cannot be changed';
    await expectError(peer, wstat(1, { ...dontTouch, dev: 3 }), refused, 1);
    const qid = { type: 0xff, version: 0xffffffff, path: 9 };
    await expectError(peer, wstat(1, { ...dontTouch, qid }), refused, 1);
    await expectError(peer, wstat(1, { ...dontTouch, name: '../x' }), 'invalid file name', 22);
    await expectError(peer, wstat(0, { ...dontTouch, mode: 0 }), 'permission denied', 1);
    await expectError(peer, wstat(0, dontTouch), undefined);
  });
});

async function served(root: FileBehaviour, msize?: number) {
  const ledger = new Ledger();
  const [ours, theirs] = transportPair();
  new Server(ledgerServer(root, ledger)).accept(theirs);
  return { peer: await new RawPeer(ours).open(msize), ledger };
}

function wstat(fid: number, stat: Stat) {
  return { type: MessageType.Twstat, tag: 1, fid, stat } as const;
}

/** `ename` undefined: it must succeed. */
async function expectError(
  peer: RawPeer,
  message: Parameters<RawPeer['call']>[0],
  ename: string | undefined,
  errno?: number,
): Promise<void> {
  const reply: RMessage = await peer.call(message);
  if (ename === undefined) expect(reply.type).toBe(message.type + 1);
  else expect(reply).toMatchObject({ type: 107, ename, ...(errno && { errno }) });
}

async function data(peer: RawPeer, message: Parameters<RawPeer['call']>[0]): Promise<Buffer> {
  const reply = await peer.call(message);
  if (reply.type !== MessageType.Rread) throw new Error(`answered ${reply.type}`);
  return Buffer.from(reply.data);
}
