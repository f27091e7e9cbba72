import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesToName,
  decode,
  decodeStats,
  encode,
  encodeStat,
  FrameWriter,
  NinePError,
  nameToBytes,
  type Rreadlink,
  type Twalk,
} from '../../src/index.js';
import { nameBytes } from '../arbitraries.js';

/** Bytes that are not UTF-8, and what Python's surrogateescape makes of them. */
const invalid: [string, number[], string][] = [
  ['overlong', [0xc0, 0x80], '\udcc0\udc80'],
  ['overlong in three bytes', [0xe0, 0x9f, 0xbf], '\udce0\udc9f\udcbf'],
  ['overlong in four bytes', [0xf0, 0x8f, 0xbf, 0xbf], '\udcf0\udc8f\udcbf\udcbf'],
  ['a surrogate', [0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
  ['an escape itself', [0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
  [
    'a pair of surrogates',
    [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
    '\udced\udca0\udcbd\udced\udcb8\udc80',
  ],
  ['cut short', [0x61, 0xe2, 0x82], 'a\udce2\udc82'],
  ['cut short before a letter', [0xf0, 0x9f, 0x98, 0x61], '\udcf0\udc9f\udc98a'],
  ['cut short before a whole letter', [0xe2, 0x82, 0xc3, 0xa9], '\udce2\udc82é'],
  ['a stray continuation', [0xc3, 0xa9, 0x80], 'é\udc80'],
  ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], '\udcf4\udc90\udc80\udc80'],
  ['never a first byte', [0xf5, 0xff, 0xfe], '\udcf5\udcff\udcfe'],
  ['behind a letter of two units', [0xf0, 0x9f, 0x98, 0x80, 0xff], '😀\udcff'],
];

describe('names as bytes', () => {
  it.each(invalid)('keep what is %s', (_, bytes, name) => {
    expect(bytesToName(Uint8Array.from(bytes))).toBe(name);
    expect([...nameToBytes(name)]).toEqual(bytes);
  });

  it('come back as they were, whatever they are, and read as PEP 383 says', () => {
    fc.assert(
      fc.property(nameBytes, (bytes) => {
        const name = bytesToName(bytes);
        expect(name).toBe(surrogateEscape(bytes));
        expect(nameToBytes(name).equals(bytes)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('are the usual conversion where they are UTF-8, the other way too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(nameToBytes(text).equals(Buffer.from(text))).toBe(true);
        expect(bytesToName(Buffer.from(text))).toBe(text);
      }),
    );
  });

  it('make U+FFFD of surrogates that escape no byte', () => {
    for (const half of ['\ud800', '\udbff', '\udc00', '\udc7f', '\udd00', '\udfff']) {
      expect(nameToBytes(`a${half}b\udc80`).toString('hex')).toBe('61efbfbd6280');
    }
    // A high surrogate makes a letter of what would be an escape.
    expect(nameToBytes('\ud83d\udc80').toString()).toBe('💀');
    expect(nameToBytes('\udcff\ud83d\udc80\udcff').toString('hex')).toBe('fff09f9280ff');
  });

  it('hide no byte of ASCII', () => {
    for (let byte = 0; byte < 0x80; byte++) {
      expect(nameToBytes(String.fromCharCode(0xdc00 + byte)).toString()).toBe('\ufffd');
    }
  });
});

describe('messages with names that are not UTF-8', () => {
  it('come out again as they came in, where strings are bytes', () => {
    fc.assert(
      fc.property(fc.array(nameBytes, { maxLength: 16 }), (names) => {
        const frame = walkOf(names);
        const message = decode(frame, '9P2000.L', { strings: 'bytes' }) as Twalk;
        expect(message.names.map((name) => [...nameToBytes(name)])).toEqual(
          names.map((name) => [...name]),
        );
        expect(encode(message, '9P2000.L').equals(frame)).toBe(true);
        const writer = new FrameWriter();
        writer.message(message, '9P2000.L');
        expect(Buffer.concat(writer.take()).equals(frame)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused exactly where the bytes are not UTF-8, unless asked otherwise', () => {
    fc.assert(
      fc.property(
        nameBytes,
        fc.constantFrom(undefined, {}, { strings: 'utf8' } as const),
        (name, options) => {
          const read = () => decode(walkOf([name]), '9P2000.u', options) as Twalk;
          if (isUtf8(name)) expect(read().names).toEqual([name.toString()]);
          else expect(read).toThrow(NinePError);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('do not change how the next message is read', () => {
    const frame = walkOf([Buffer.from([0xff])]);
    expect(decode(frame, '9P2000', { strings: 'bytes' })).toMatchObject({ names: ['\udcff'] });
    expect(() => decode(frame, '9P2000')).toThrow('string is not valid UTF-8');
  });

  it('count bytes against the longest string', () => {
    const target = '\udcff'.repeat(0xffff);
    const frame = encode({ type: 23, tag: 1, target }, '9P2000.L');
    expect(frame.length).toBe(7 + 2 + 0xffff);
    const message = decode(frame, '9P2000.L', { strings: 'bytes' }) as Rreadlink;
    expect(message.target === target).toBe(true);
    expect(() => encode({ type: 23, tag: 1, target: `${target}x` }, '9P2000.L')).toThrow(
      'string too long for 9P',
    );
  });

  it('have a counterpart in directory entries of 9P2000 and 9P2000.u', () => {
    const qid = { type: 0, version: 0, path: 1 };
    const plain = { type: 0, dev: 0, qid, mode: 0, atime: 0, mtime: 0, length: 0 };
    const stat = { ...plain, name: 'a\udcff', uid: '\udc80', gid: 'é', muid: '' };
    const bytes = encodeStat(stat, '9P2000');
    expect(bytes.includes(Buffer.from([2, 0, 0x61, 0xff, 1, 0, 0x80]))).toBe(true);
    expect(decodeStats(bytes, '9P2000', { strings: 'bytes' })).toEqual([stat]);
    expect(() => decodeStats(bytes, '9P2000')).toThrow('string is not valid UTF-8');
  });
});

function walkOf(names: readonly Buffer[]): Buffer {
  const parts = names.flatMap((name) => [
    Buffer.from([name.length & 0xff, name.length >> 8]),
    name,
  ]);
  const body = Buffer.concat([Buffer.from([1, 0, 0, 0, 2, 0, 0, 0, names.length, 0]), ...parts]);
  const header = Buffer.from([0, 0, 0, 0, 110, 3, 0]);
  header.writeUInt32LE(header.length + body.length);
  return Buffer.concat([header, body]);
}

/** PEP 383 to the letter: a byte at which no letter begins, as the platform's own decoder sees it, is escaped. */
function surrogateEscape(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(
      (size) => at + size <= bytes.length && isUtf8(bytes.subarray(at, at + size)),
    );
    text +=
      length === undefined
        ? String.fromCharCode(0xdc00 + bytes[at]!)
        : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(at, at + length));
    at += length ?? 1;
  }
  return text;
}
