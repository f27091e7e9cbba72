import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToName, formatMessage } from '../src/index.js';
import { anyMessage } from './arbitraries.js';

describe('formatMessage', () => {
  it('says what a message says', () => {
    const walk = { type: 110, tag: 3, fid: 0, newfid: 5, names: ['clone', 'a b'] } as const;
    expect(formatMessage(walk)).toBe('Twalk tag 3 fid 0 newfid 5 names ["clone" "a b"]');
    const qid = { type: 0x80, version: 2, path: 255 };
    expect(formatMessage({ type: 105, tag: 1, qid })).toBe('Rattach tag 1 qid (ff 2 80)');
    const read = { type: 117, tag: 1, data: Buffer.from('x'.repeat(60)) } as const;
    expect(formatMessage(read)).toBe(`Rread tag 1 data 60 bytes "${'x'.repeat(48)}"…`);
  });

  it('shows the bits of 9P2000.L as the manual pages do', () => {
    const create = { type: 14, tag: 1, fid: 2, name: 'a', flags: 0x8241, mode: 0o100644 } as const;
    expect(formatMessage({ ...create, gid: 500 })).toBe(
      'Tlcreate tag 1 fid 2 name "a" flags 0x8241 mode 0100644 gid 500',
    );
    expect(formatMessage({ type: 24, tag: 1, fid: 2, requestMask: 0x7ff })).toBe(
      'Tgetattr tag 1 fid 2 requestMask 0x7ff',
    );
    expect(formatMessage({ type: 7, tag: 1, ecode: 2 })).toBe('Rlerror tag 1 ecode 2');
    const qid = { type: 0, version: 1, path: 0x2cn };
    const times = {
      atimeSec: 4,
      atimeNsec: 5,
      mtimeSec: 6,
      mtimeNsec: 7,
      ctimeSec: 8,
      ctimeNsec: 9,
    };
    const rest = { btimeSec: 0, btimeNsec: 0, gen: 0, dataVersion: 2n ** 60n };
    const sizes = { nlink: 1, rdev: 0, size: 12, blksize: 4096, blocks: 8 };
    const attributes = { mode: 0o100644, uid: 1, gid: 2, ...sizes, ...times, ...rest };
    expect(formatMessage({ type: 25, tag: 1, valid: 0x7ff, qid, attributes })).toBe(
      'Rgetattr tag 1 valid 0x7ff qid (2c 1 0) attributes {mode 0100644 uid 1 gid 2 nlink 1 rdev 0 size 12 ' +
        'blksize 4096 blocks 8 atimeSec 4 atimeNsec 5 mtimeSec 6 mtimeNsec 7 ctimeSec 8 ctimeNsec 9 ' +
        'btimeSec 0 btimeNsec 0 gen 0 dataVersion 1152921504606846976}',
    );
    const space = { blocks: 5, bfree: 4, bavail: 3, files: 2, ffree: 1, fsid: 0 };
    const statistics = { type: 0xef53, bsize: 4096, ...space, namelen: 255 };
    expect(formatMessage({ type: 9, tag: 1, statistics })).toBe(
      'Rstatfs tag 1 statistics {type 0xef53 bsize 4096 blocks 5 bfree 4 bavail 3 files 2 ffree 1 fsid 0 namelen 255}',
    );
  });

  it('shows the bytes of a name that are not UTF-8', () => {
    const name = bytesToName(Buffer.from([0x61, 0xff]));
    expect(formatMessage({ type: 30, tag: 1, fid: 2, newfid: 3, name })).toBe(
      'Txattrwalk tag 1 fid 2 newfid 3 name "a\\udcff"',
    );
  });

  it('is one line without anything that a terminal obeys', () => {
    fc.assert(
      fc.property(fc.oneof(anyMessage('9P2000.u'), anyMessage('9P2000.L')), (message) => {
        expect(formatMessage(message)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      }),
      { numRuns: 500 },
    );
  });
});
