import { describe, expect, it } from 'vitest';
import { attach, Client, type Fid } from '../../src/client/index.js';
import { type AnyMessage, encode, MessageType, QidType } from '../../src/index.js';
import { liesIn, Wire } from '../support/wire.js';

const M = MessageType;
const data = Buffer.alloc(150_000, 'a payload that is not copied');

describe("a client's payloads", () => {
  it('are sent as they were given', async () => {
    const { wire, file } = await opened();
    const writing = file.write(3, data);
    await sent(wire);
    const { pieces } = wire.sent.at(-1)!;
    expect(pieces).toHaveLength(2);
    expect(liesIn(pieces[1]!, data)).toBe(true);
    expect(pieces[1]!.length).toBe(data.length);
    answer(wire, (tag) => ({ type: M.Rwrite, tag, count: data.length }));
    expect(await writing).toBe(data.length);
  });

  it('in several pieces are sent one behind the other', async () => {
    const { wire, file } = await opened();
    const small = Buffer.from('a small one');
    const writing = file.writePieces(3, [small, data, data.subarray(0, 70_000)]);
    await sent(wire);
    const { pieces } = wire.sent.at(-1)!;
    expect(pieces).toHaveLength(3);
    expect(liesIn(pieces[1]!, data) && liesIn(pieces[2]!, data)).toBe(true);
    const count = small.length + data.length + 70_000;
    const frame = Buffer.concat(pieces);
    expect([frame.readUInt32LE(0), frame.readUInt32LE(19)]).toEqual([frame.length, count]);
    const expected = Buffer.concat([small, data, data.subarray(0, 70_000)]);
    expect(frame.subarray(23).equals(expected)).toBe(true);
    answer(wire, (tag) => ({ type: M.Rwrite, tag, count }));
    expect(await writing).toBe(count);
  });

  it('are given as the pieces that were received', async () => {
    const { wire, file } = await opened();
    const reading = file.readPieces(0, data.length);
    await sent(wire);
    const frame = encode({ type: M.Rread, tag: tagOf(wire), data }, '9P2000.u');
    const chunks = [0, 65_536, 131_072].map((at) => Buffer.from(frame.subarray(at, at + 65_536)));
    wire.receive(...chunks);
    const pieces = await reading;
    expect(pieces).toHaveLength(chunks.length);
    expect(pieces.every((piece, index) => liesIn(piece, chunks[index]!))).toBe(true);
    expect(Buffer.concat(pieces).equals(data)).toBe(true);
  });
});

/** A client of a server that the test plays, and a fid that it takes for a file. */
async function opened(): Promise<{ wire: Wire; file: Fid }> {
  const wire = new Wire();
  const connecting = Client.connect(wire);
  await sent(wire);
  answer(wire, (tag) => ({ type: M.Rversion, tag, msize: 2 ** 20, version: '9P2000.u' }));
  const client = await connecting;
  const attaching = attach(client, { uname: 'u' });
  await sent(wire);
  const qid = { type: QidType.FILE, version: 0, path: 1 };
  answer(wire, (tag) => ({ type: M.Rattach, tag, qid }));
  return { wire, file: await attaching };
}

/** What was asked for leaves with the end of the turn. */
async function sent(wire: Wire): Promise<void> {
  while (wire.sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

function tagOf(wire: Wire): number {
  return wire.take().readUInt16LE(5);
}

function answer(wire: Wire, make: (tag: number) => AnyMessage): void {
  const reply = encode(make(tagOf(wire)), '9P2000.u');
  wire.receive(reply);
}
