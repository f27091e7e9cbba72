import { describe, expect, it } from 'vitest';
import { attach, Client } from '../../src/client/index.js';
import { connectTcp, encode, listenTcp, MessageType, NOFID } from '../../src/index.js';
import {
  type FileServer,
  type OpenFile,
  Server,
  type ServerOptions,
  SyntheticDirectory,
  SyntheticFile,
} from '../../src/server/index.js';
import { liesIn, Wire } from '../support/wire.js';

const M = MessageType;
const LENGTH = 200_000;
const CHUNK = 64 * 1024;

describe('data that is written', () => {
  it('reaches the file in the very pieces that were received', async () => {
    const written: (readonly Uint8Array[])[] = [];
    const wire = opened({
      write: unexpected,
      writePieces(offset, pieces) {
        expect(offset).toBe(7);
        written.push(pieces);
        return LENGTH;
      },
    });
    const chunks = chunksOf(writeOf(data), CHUNK);
    wire.receive(...chunks);
    expect(written[0]).toHaveLength(chunks.length);
    expect(written[0]!.every((piece, index) => liesIn(piece, chunks[index]!))).toBe(true);
    expect(Buffer.concat(written[0]!).equals(data)).toBe(true);
    await endOfTurn();
    expect(wire.take()).toEqual(encode({ type: M.Rwrite, tag: 1, count: LENGTH }, '9P2000.u'));
  });

  it('reaches it in one piece where it came in one chunk', () => {
    let written: Uint8Array | undefined;
    const wire = opened({
      write(_, bytes) {
        written = bytes;
        return bytes.length;
      },
      writePieces: unexpected,
    });
    const chunk = writeOf(data);
    wire.receive(chunk);
    expect(liesIn(written!, chunk)).toBe(true);
  });

  it.each([1, 700, CHUNK])('is whole for a file that knows no pieces, in chunks of %i', (size) => {
    let written: Uint8Array | undefined;
    const wire = opened({
      write(_, bytes) {
        written = bytes;
        return bytes.length;
      },
    });
    for (const chunk of chunksOf(writeOf(data), size)) wire.receive(chunk);
    expect(Buffer.from(written!).equals(data)).toBe(true);
  });

  it('is put together after all when it comes in crumbs', () => {
    let written: readonly Uint8Array[] = [];
    const wire = opened({
      write(_, bytes) {
        written = [bytes];
        return bytes.length;
      },
      writePieces: unexpected,
    });
    wire.receive(...chunksOf(writeOf(data), 500));
    expect(Buffer.concat(written).equals(data)).toBe(true);
  });

  it('is where interceptors and traces look for it', () => {
    const seen: number[] = [];
    const options: ServerOptions[] = [
      {
        intercept(_, message, next) {
          if (message.type === M.Twrite) seen.push(message.data.length);
          return next();
        },
      },
      {
        trace(_, __, message) {
          if (message.type === M.Twrite) seen.push(message.data.length);
        },
      },
    ];
    for (const option of options) {
      const wire = opened({ write: (_, { length }) => length, writePieces: unexpected }, option);
      wire.receive(...chunksOf(writeOf(data), CHUNK));
    }
    expect(seen).toEqual([LENGTH, LENGTH]);
  });

  it('is answered together with what else came in this turn of the loop', async () => {
    const wire = opened({ write: unexpected, writePieces: () => LENGTH });
    wire.receive(...chunksOf(writeOf(data), CHUNK), ...chunksOf(writeOf(data), CHUNK));
    expect(wire.sent).toEqual([]);
    await endOfTurn();
    expect(wire.sent).toHaveLength(1);
    const answer = Buffer.from(encode({ type: M.Rwrite, tag: 1, count: LENGTH }, '9P2000.u'));
    expect(wire.take()).toEqual(Buffer.concat([answer, answer]));
  });

  it('is refused when its count is not that of the message', async () => {
    const wire = opened({ write: unexpected, writePieces: unexpected });
    const frame = writeOf(data);
    frame.writeUInt32LE(LENGTH - 1, 19);
    wire.receive(...chunksOf(frame, CHUNK));
    await endOfTurn();
    expect(wire.take()[4]).toBe(M.Rerror);
  });
});

describe('data that is read', () => {
  it("leaves in the file's own pieces", () => {
    const wire = opened({ read: () => [data.subarray(0, 5000), data.subarray(9000)] });
    wire.receive(readOf(LENGTH));
    const [{ pieces }] = wire.sent as [Wire['sent'][0]];
    expect(pieces.slice(1).every((piece) => liesIn(piece, data))).toBe(true);
    expect(pieces[0]!.length).toBe(11);
  });

  it('leaves in the buffer that the file filled, which is filled again once it was sent', () => {
    const filled: ArrayBufferLike[] = [];
    const wire = opened({
      readInto(_, buffer) {
        filled.push(buffer.buffer);
        data.copy(buffer);
        return LENGTH;
      },
    });
    const read = () => {
      wire.receive(readOf(LENGTH));
      return wire.sent.at(-1)!;
    };
    const [first, second] = [read(), read()];
    expect(first.pieces[1]!.buffer).toBe(filled[0]);
    // It is on its way.
    expect(filled[1]).not.toBe(filled[0]);
    first.taken!();
    read();
    expect(filled[2]).toBe(filled[0]);
    second.taken!();
    expect(Buffer.concat(second.pieces).subarray(11).equals(data)).toBe(true);
  });

  it('does not keep a large buffer for a small rest', () => {
    const filled: ArrayBufferLike[] = [];
    const wire = opened({
      readInto(_, buffer) {
        filled.push(buffer.buffer);
        return data.copy(buffer, 0, 0, 3000);
      },
    });
    wire.receive(readOf(LENGTH), readOf(LENGTH));
    expect(filled[1]).toBe(filled[0]);
    expect(wire.sent[0]!.pieces[1]!.buffer).not.toBe(filled[0]);
    expect(wire.take().subarray(11, 3011).equals(data.subarray(0, 3000))).toBe(true);
  });

  it('is refused when a file says that it filled more than there was', () => {
    const wire = opened({ readInto: (_, buffer) => buffer.length + 1 });
    wire.receive(readOf(LENGTH));
    expect(wire.take()[4]).toBe(M.Rerror);
  });

  it('is right when many clients read at once through sockets, some of them slowly', async () => {
    const server = new Server(
      filesWith({
        readInto(offset, buffer) {
          buffer.fill(offset % 251);
          return buffer.length;
        },
      }),
    );
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (it) => server.accept(it));
    const port = Number(listener.address.split('!')[1]);
    const run = async (slow: boolean) => {
      const client = await Client.connect(await connectTcp({ host: '127.0.0.1', port }));
      const file = await (await attach(client, { uname: 'u' })).walkOpen('file', 0);
      for (let round = 0; round < 12; round++) {
        if (slow) client.transport.pause();
        const offsets = Array.from({ length: 6 }, (_, index) => round * 17 + index);
        const reads = offsets.map((offset) => file.read(offset, 150_000 + offset));
        if (slow) setTimeout(() => client.transport.resume(), 5);
        (await Promise.all(reads)).forEach((bytes, index) => {
          const offset = offsets[index]!;
          expect(bytes.length).toBe(150_000 + offset);
          expect(bytes.every((byte) => byte === offset % 251)).toBe(true);
        });
      }
      client.close();
    };
    await Promise.all([run(false), run(true), run(false), run(true)]);
    server.close();
    await listener.close();
  });
});

const data = Buffer.from(Uint8Array.from({ length: LENGTH }, (_, index) => index % 253));

/** A connection whose fid 1 is open, the answers until there taken. */
function opened(file: OpenFile, options: ServerOptions = {}): Wire {
  const wire = new Wire();
  new Server(filesWith(file), options as ServerOptions<string>).accept(wire);
  const who = { uname: 'u', aname: '', nUname: 0 };
  for (const message of [
    { type: M.Tversion, tag: 0xffff, msize: 2 ** 20, version: '9P2000.u' },
    { type: M.Tattach, tag: 1, fid: 0, afid: NOFID, ...who },
    { type: M.Twalk, tag: 1, fid: 0, newfid: 1, names: ['file'] },
    { type: M.Topen, tag: 1, fid: 1, mode: 2 },
  ] as const) {
    wire.receive(encode(message, '9P2000.u'));
  }
  expect(wire.sent.at(-1)?.pieces[0]?.[4]).toBe(M.Ropen);
  wire.take();
  return wire;
}

function filesWith(file: OpenFile): FileServer<string> {
  const owner = { uid: 'u', gid: 'u' };
  const root = new SyntheticDirectory<string>({ name: '/', mode: 0o777, ...owner });
  root.add(new Fixed({ name: 'file', mode: 0o666, ...owner }, file));
  return { attach: () => ({ root, user: 'u' }) };
}

class Fixed extends SyntheticFile<string> {
  readonly #opened: OpenFile;

  constructor(attributes: SyntheticFile['attributes'], opened: OpenFile) {
    super(attributes);
    this.#opened = opened;
  }

  override open(): OpenFile<string> {
    return this.#opened as OpenFile<string>;
  }
}

function writeOf(bytes: Buffer): Buffer {
  return encode({ type: M.Twrite, tag: 1, fid: 1, offset: 7, data: bytes }, '9P2000.u');
}

function readOf(count: number): Buffer {
  return encode({ type: M.Tread, tag: 1, fid: 1, offset: 0, count }, '9P2000.u');
}

/** Copies, as from a socket: they do not lie side by side. */
function chunksOf(frame: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < frame.length; at += size) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(size, frame.length - at));
    frame.copy(chunk, 0, at);
    chunks.push(chunk);
  }
  return chunks;
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function unexpected(): never {
  throw new Error('not expected to be called');
}
