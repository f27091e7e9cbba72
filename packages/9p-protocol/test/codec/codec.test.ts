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
  type Rreaddir,
  type Rstat,
} from '../../src/index.js';
import { anyMessage, messageOf, messageTypes } from '../arbitraries.js';
import { referenceDecode, referenceEncode } from '../reference-codec.js';

const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];

describe.each(dialects)('the codec in %s', (dialect) => {
  it.each(messageTypes[dialect])('writes and reads type %i as the tables say', (type) => {
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

  it.each(messageTypes[dialect])('refuses type %i when it was cut short', (type) => {
    fc.assert(
      fc.property(messageOf(type, dialect), (message) => {
        const frame = encode(message, dialect);
        for (let length = 0; length < frame.length; length++) {
          expectRefusal(() => decode(frame.subarray(0, length), dialect));
        }
      }),
      { numRuns: 3 },
    );
  });

  it.each(messageTypes[dialect])('agrees with the tables on every beginning of type %i', (type) => {
    fc.assert(
      fc.property(messageOf(type, dialect), (message) => {
        const frame = encode(message, dialect);
        for (let length = 7; length < frame.length; length++) {
          const beginning = Buffer.from(frame.subarray(0, length));
          beginning.writeUInt32LE(length);
          expectAgreement(beginning, beginning, dialect);
        }
      }),
      { numRuns: 2 },
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
        expectAgreement(frame, inside, dialect);
      }),
      { numRuns: 3000 },
    );
  });

  it('never throws anything else at random bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messageTypes[dialect]),
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

  it('refuses every other number', () => {
    const own = new Set<number>(messageTypes[dialect]);
    for (let type = 0; type < 256; type++) {
      if (own.has(type)) continue;
      const text =
        dialect === '9P2000.L' && plainTypes.has(type)
          ? `message type ${type} is not part of 9P2000.L`
          : `unknown message type ${type}`;
      for (const body of [[], Array<number>(40).fill(0)]) {
        const frame = Buffer.from([7 + body.length, 0, 0, 0, type, 1, 0, ...body]);
        expectRefusal(() => decode(frame, dialect), text);
      }
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

describe('9P2000.L', () => {
  it('has 39 messages of its own', () => {
    expect(messageTypes['9P2000.L'].filter((type) => type < 100)).toHaveLength(39);
  });

  it('reads what older peers leave out', () => {
    const login = { uname: 'u', aname: 'a', nUname: 0xffffffff };
    const auth = { type: 102, tag: 3, afid: 1, ...login } as const;
    const attach = { type: 104, tag: 3, fid: 1, afid: 2, ...login } as const;
    const error = { type: 107, tag: 3, ename: 'no', errno: 0 } as const;
    for (const message of [auth, attach, error]) {
      expect(decode(encode(message, '9P2000'), '9P2000.L')).toEqual(message);
    }
    const sync = Buffer.from([11, 0, 0, 0, 50, 1, 0, 7, 0, 0, 0]);
    expect(decode(sync, '9P2000.L')).toEqual({ type: 50, tag: 1, fid: 7, datasync: 0 });
  });

  it('reads nanoseconds that are none as the largest number of 32 bits', () => {
    const fields = { fid: 1, valid: 8, mode: 0, uid: 0, gid: 0, size: 5, atimeSec: 0, mtimeSec: 1 };
    const message = { type: 26, tag: 1, ...fields, atimeNsec: 0, mtimeNsec: 999_999_999 } as const;
    const frame = encode(message, '9P2000.L');
    frame.writeBigUInt64LE(0xfedcba9876543210n, frame.length - 24);
    expect(decode(frame, '9P2000.L')).toEqual({ ...message, atimeNsec: 0xffffffff });
  });

  it('leaves the data of an Rreaddir where it is', () => {
    const data = Buffer.alloc(5000, 'd');
    const writer = new FrameWriter();
    writer.message({ type: 41, tag: 1, data }, '9P2000.L');
    const pieces = writer.take();
    expect(pieces.some((piece) => piece.buffer === data.buffer)).toBe(true);
    const frame = Buffer.concat(pieces);
    const message = decode(frame, '9P2000.L') as Rreaddir;
    expect(message.data.buffer).toBe(frame.buffer);
    expect(message.data.byteOffset).toBe(frame.byteOffset + 11);
  });

  it('writes what the Linux kernel and diod write', () => {
    const frames: [AnyMessage, string][] = [
      [
        { type: 24, tag: 1, fid: 2, requestMask: 0x7ff },
        '130000001801000200' + '0000ff07000000000000',
      ],
      [
        {
          type: 52,
          tag: 1,
          fid: 2,
          lockType: 1,
          flags: 1,
          start: 3,
          length: 4,
          procId: 5,
          clientId: 'h',
        },
        '27000000340100020000000101000000' +
          '0300000000000000' +
          '0400000000000000' +
          '05000000' +
          '010068',
      ],
      [
        { type: 70, tag: 1, dfid: 2, fid: 3, name: 'n' },
        '1200000046010002000000' + '03000000' + '01006e',
      ],
      [
        { type: 76, tag: 1, dirfid: 2, name: 'n', flags: 0x200 },
        '120000004c010002000000' + '01006e' + '00020000',
      ],
      [{ type: 7, tag: 1, ecode: 2 }, '0b00000007010002000000'],
    ];
    for (const [message, hex] of frames) {
      expect(encode(message, '9P2000.L').toString('hex')).toBe(hex);
    }
  });
});

const plainTypes = new Set<number>(messageTypes['9P2000']);

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

function expectRefusal(act: () => unknown, text?: string): void {
  const { error } = attempt(act);
  expect(error).toBeInstanceOf(NinePError);
  expect((error as NinePError).kind).toBe('protocol');
  if (text !== undefined) expect((error as NinePError).ename).toBe(text);
}

/** The codec reads `inside`, the same bytes elsewhere, as the tables read `frame`, or refuses it as they do. */
function expectAgreement(frame: Buffer, inside: Buffer, dialect: Dialect): void {
  const expected = attempt(() => plain(referenceDecode(frame, dialect)));
  if (expected.error) expectRefusal(() => decode(inside, dialect));
  else expect(plain(decode(inside, dialect))).toEqual(expected.value);
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
