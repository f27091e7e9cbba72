import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnyMessage,
  type Dialect,
  decode,
  decodeStats,
  encode,
  encodeStat,
  FrameWriter,
  MessageType,
  NinePError,
  type Rstat,
} from '../../src/index.js';
import { anyMessage, messageOf, messageTypes } from '../arbitraries.js';
import { referenceDecode, referenceEncode } from '../reference-codec.js';

const dialects: readonly Dialect[] = ['9P2000', '9P2000.u'];

describe.each(dialects)('the codec in %s', (dialect) => {
  it.each(messageTypes)('writes and reads type %i as the tables say', (type) => {
    fc.assert(
      fc.property(messageOf(type, dialect), (message) => {
        const expected = referenceEncode(message, dialect);
        expect(encode(message, dialect).equals(expected)).toBe(true);
        expect(plain(decode(expected, dialect))).toEqual(plain(message));
        expect(plain(referenceDecode(expected, dialect))).toEqual(plain(message));
      }),
      { numRuns: 60 },
    );
  });

  it('collects messages in pieces that are together what each is alone', () => {
    const writer = new FrameWriter();
    fc.assert(
      fc.property(fc.array(anyMessage(dialect), { maxLength: 20 }), (messages) => {
        for (const message of messages) writer.message(message, dialect);
        const expected = Buffer.concat(messages.map((message) => encode(message, dialect)));
        expect(writer.byteLength).toBe(expected.length);
        expect(Buffer.concat(writer.take()).equals(expected)).toBe(true);
        expect(writer.byteLength).toBe(0);
      }),
    );
  });

  it('refuses every message that was cut short', () => {
    fc.assert(
      fc.property(anyMessage(dialect), (message) => {
        const frame = encode(message, dialect);
        for (let length = 0; length < frame.length; length++) {
          expectRefusal(() => decode(frame.subarray(0, length), dialect));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with the tables on every damaged message, and reads nothing beside its frame', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 });
    const cut = fc.option(fc.nat(), { nil: undefined });
    fc.assert(
      fc.property(anyMessage(dialect), damage, cut, fc.nat(255), (message, bytes, at, poison) => {
        const frame = damaged(encode(message, dialect), bytes, at);
        const around = Buffer.alloc(frame.length + 64, poison);
        frame.copy(around, 32);
        const inside = around.subarray(32, 32 + frame.length);
        const expected = attempt(() => plain(referenceDecode(frame, dialect)));
        const actual = attempt(() => plain(decode(inside, dialect)));
        if (expected.error) {
          expect(actual.error).toBeInstanceOf(NinePError);
          expect((actual.error as NinePError).kind).toBe('protocol');
        } else {
          expect(actual.value).toEqual(expected.value);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('never throws anything else at random bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messageTypes),
        fc.uint8Array({ minLength: 7 }),
        (type, bytes) => {
          const frame = Buffer.from(bytes);
          frame.writeUInt32LE(frame.length, 0);
          frame[4] = type;
          const { error } = attempt(() => decode(frame, dialect));
          if (error) expect(error).toMatchObject({ name: 'NinePError', kind: 'protocol' });
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['overlong', [0xc0, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['cut short', [0x61, 0xe2, 0x82]],
    ['a stray continuation', [0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['wrong after many good letters', [...Buffer.from('x'.repeat(40)), 0xff]],
  ])('refuses UTF-8 that is %s', (_, bytes) => {
    const good = 'y'.repeat(bytes.length);
    const frame = encode({ type: 110, tag: 1, fid: 1, newfid: 2, names: ['ok', good] }, dialect);
    Buffer.from(bytes).copy(frame, frame.length - bytes.length);
    expectRefusal(() => decode(frame, dialect));
  });

  it('refuses a walk of more than 16 names or qids', () => {
    const names = Array<string>(17).fill('a');
    expectRefusal(() =>
      decode(encode({ type: 110, tag: 1, fid: 1, newfid: 2, names }, dialect), dialect),
    );
    const qids = names.map(() => ({ type: 0, version: 0, path: 1 }));
    expectRefusal(() => decode(encode({ type: 111, tag: 1, qids }, dialect), dialect));
  });

  it('refuses counts that do not fit the frame', () => {
    const frame = encode(
      { type: 118, tag: 1, fid: 1, offset: 0, data: Buffer.from('abc') },
      dialect,
    );
    for (const count of [0, 2, 4, 0x7fffffff, 0xffffffff]) {
      frame.writeUInt32LE(count, 19);
      expectRefusal(() => decode(frame, dialect));
    }
  });

  it('refuses Terror, numbers in between and beyond', () => {
    for (const type of [0, 99, 106, 128, 255]) {
      expectRefusal(() => decode(Buffer.from([7, 0, 0, 0, type, 1, 0]), dialect));
    }
  });

  it('reads directory entries one after the other', () => {
    fc.assert(
      fc.property(fc.array(messageOf(MessageType.Rstat, dialect)), (messages) => {
        const stats = messages.map((message) => (message as Rstat).stat);
        const bytes = Buffer.concat(stats.map((stat) => encodeStat(stat, dialect)));
        expect(decodeStats(bytes, dialect)).toEqual(stats);
        if (bytes.length > 0) expectRefusal(() => decodeStats(bytes.subarray(0, -1), dialect));
      }),
      { numRuns: 30 },
    );
  });

  it('refuses to write strings and stats that are longer than their length can say', () => {
    const long = 'é'.repeat(0x8000);
    const version = { type: 100, tag: 0xffff, msize: 8192, version: long } as const;
    expect(() => encode(version, dialect)).toThrow('string too long for 9P');
    const half = 'x'.repeat(0x8000);
    const stat = { ...emptyStat, name: half, uid: half };
    expect(() => encodeStat(stat, dialect)).toThrow('string too long for 9P');
    const writer = new FrameWriter();
    writer.message({ type: 120, tag: 1, fid: 7 }, dialect);
    expect(() => writer.message({ type: 125, tag: 1, stat }, dialect)).toThrow(NinePError);
    writer.message({ type: 121, tag: 1 }, dialect);
    const sent = Buffer.concat(writer.take());
    expect(sent.toString('hex')).toBe('0b0000007801000700000007000000790100');
  });
});

describe('9P2000.u', () => {
  it('reads a Tauth and a Tattach without n_uname', () => {
    const auth = {
      type: 102,
      tag: 3,
      afid: 1,
      uname: 'u',
      aname: 'a',
      nUname: 0xffffffff,
    } as const;
    const attach = { ...auth, type: 104, fid: 1, afid: 2 } as const;
    expect(decode(encode(auth, '9P2000'), '9P2000.u')).toEqual(auth);
    expect(decode(encode(attach, '9P2000'), '9P2000.u')).toEqual(attach);
  });

  it('fills in what a stat leaves out', () => {
    const frame = encode({ type: 125, tag: 1, stat: emptyStat }, '9P2000.u');
    const none = 0xffffffff;
    const stat = { ...emptyStat, extension: '', nUid: none, nGid: none, nMuid: none };
    expect(decode(frame, '9P2000.u')).toEqual({ type: 125, tag: 1, stat });
  });
});

const emptyStat = {
  type: 0,
  dev: 0,
  qid: { type: 0, version: 0, path: 0 },
  mode: 0,
  atime: 0,
  mtime: 0,
  length: 0,
  name: '',
  uid: '',
  gid: '',
  muid: '',
};

/** Payloads compare by content whatever kind of byte array they are in. */
function plain(message: AnyMessage): unknown {
  return 'data' in message ? { ...message, data: Buffer.from(message.data) } : message;
}

function expectRefusal(act: () => unknown): void {
  const { error } = attempt(act);
  expect(error).toBeInstanceOf(NinePError);
  expect((error as NinePError).kind).toBe('protocol');
}

function attempt<T>(act: () => T): { value?: T; error?: unknown } {
  try {
    return { value: act() };
  } catch (error) {
    return { error };
  }
}

/** With some bytes changed and possibly cut, the size in front corrected to reach what is behind it. */
function damaged(
  original: Buffer,
  bytes: readonly (readonly [number, number])[],
  cut: number | undefined,
): Buffer {
  const length = cut === undefined ? original.length : 7 + (cut % (original.length - 6));
  const frame = Buffer.from(original.subarray(0, length));
  for (const [at, value] of bytes)
    if (frame.length > 7) frame[7 + (at % (frame.length - 7))] = value;
  frame.writeUInt32LE(frame.length, 0);
  return frame;
}
