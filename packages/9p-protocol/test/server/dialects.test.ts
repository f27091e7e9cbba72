import { describe, expect, it } from 'vitest';
import {
  type Dialect,
  decodeDirents,
  encode,
  FileMode,
  MessageType,
  NONUNAME,
  type Rgetattr,
  type Rreaddir,
  transportPair,
} from '../../src/index.js';
import { type FileServer, Server, serveTree } from '../../src/server/index.js';
import { directory, regular, served } from '../support/linux-files.js';
import { attach, RawPeer, read, version, walk } from '../support/raw-peer.js';

const T = MessageType;

describe('the dialect', () => {
  const all: Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];
  it.each<[string, Dialect[], string]>([
    ['9P2000.L', all, '9P2000.L'],
    ['9P2000.L', ['9P2000', '9P2000.u'], '9P2000.u'],
    ['9P2000.L', ['9P2000'], '9P2000'],
    ['9P2000.u', ['9P2000', '9P2000.L'], '9P2000'],
    ['9P2000.u', ['9P2000.L'], 'unknown'],
    ['9P2000', all, '9P2000'],
    ['9P2000', ['9P2000.u', '9P2000.L'], 'unknown'],
    ['9P2000.xyz', all, '9P2000'],
    ['9P3000', all, 'unknown'],
  ])('asked for is %s, served are %j: %s', async (asked, dialects, answered) => {
    const { peer } = connect({ ...serveTree({}), dialects });
    expect(await peer.call(version(8192, asked))).toMatchObject({ version: answered });
  });

  it('decides how errors are said, and Tversion decides anew', async () => {
    const { peer } = connect(serveTree({}));
    peer.dialect = '9P2000';
    expect(await peer.call(attach(0))).toMatchObject({ type: T.Rerror });
    await peer.call(version(8192, '9P2000.L'));
    peer.dialect = '9P2000.L';
    expect(await peer.call(walk(7, 8, []))).toEqual({ type: T.Rlerror, tag: 1, ecode: 5 });
    await peer.call(version(8192, '9P2000.u'));
    peer.dialect = '9P2000.u';
    expect(await peer.call(walk(7, 8, []))).toMatchObject({ type: T.Rerror, ename: 'unknown fid' });
  });
});

describe('names that are not UTF-8', () => {
  const name = 'caf\udce9';

  it('reach a file server whose names are bytes, and no other', async () => {
    for (const byteNames of [true, false]) {
      const root = directory();
      root.add(regular(name));
      const { errno } = await served(root, {}, { byteNames });
      expect(await errno(walk(0, 1, [name]))).toBe(byteNames ? 0 : 71);
    }
  });

  it('are nobody: who somebody is, is text', async () => {
    const { peer } = await served(directory(), {}, { byteNames: true });
    const login = { type: T.Tattach, tag: 1, fid: 5, afid: 0xffffffff, nUname: NONUNAME } as const;
    for (const who of [
      { uname: name, aname: '' },
      { uname: 'me', aname: name },
    ]) {
      peer.bytes(encode({ ...login, ...who }, '9P2000.L'));
      expect(await peer.next()).toMatchObject({ ecode: 71 });
    }
  });
});

describe('a synthetic tree in 9P2000.L', () => {
  it('is listed, described, read and written by derivation', async () => {
    const written: string[] = [];
    const { peer } = connect(
      serveTree({
        motd: 'hello\n',
        sub: { ctl: { write: (data) => void written.push(Buffer.from(data).toString()) } },
      }),
    );
    peer.dialect = '9P2000.L';
    await peer.call(version(8192, '9P2000.L'));
    await peer.call(attach(0));
    for (const [fid, names] of [
      [1, []],
      [2, ['motd']],
      [3, ['sub', 'ctl']],
    ] as const) {
      await peer.call(walk(0, fid, names));
      const flags = fid === 3 ? 1 : 0;
      expect(await peer.call({ type: T.Tlopen, tag: 1, fid, flags })).toMatchObject({ type: 13 });
    }
    const listed = await peer.call({ type: T.Treaddir, tag: 1, fid: 1, offset: 0, count: 4000 });
    expect(decodeDirents((listed as Rreaddir).data)).toMatchObject([
      { name: '.', type: 4 },
      { name: '..', type: 4 },
      { name: 'motd', type: 8 },
      { name: 'sub', type: 4 },
    ]);
    const told = await peer.call({ type: T.Tgetattr, tag: 1, fid: 2, requestMask: 0x7ff });
    expect((told as Rgetattr).attributes.mode).toBe(FileMode.REGULAR | 0o444);
    expect(await peer.call(read(2, 0, 99))).toMatchObject({ data: Buffer.from('hello\n') });
    const data = Buffer.from('go');
    const answer = await peer.call({ type: T.Twrite, tag: 1, fid: 3, offset: 0, data });
    expect(answer).toMatchObject({ count: 2 });
    expect(written).toEqual(['go']);
    const mkdir = { type: T.Tmkdir, tag: 1, fid: 0, name: 'd', mode: 0, gid: 0 } as const;
    expect(await peer.call(mkdir)).toMatchObject({ ecode: 1 });
  });
});

function connect(files: FileServer<string>) {
  const [ours, theirs] = transportPair();
  new Server(files).accept(theirs);
  return { peer: new RawPeer(ours) };
}
