import { MessageType } from '../../constants.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux } from '../behaviour.js';
import { expect, refused, same, unknown } from '../expect.js';

const { EISDIR } = Errno;
const M = MessageType;

export const read: readonly Behaviour[] = about('read', [
  {
    name: 'at the end yields nothing',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.read(await s.open('f'), 4)).length, 0, 'bytes');
    },
  },
  {
    name: 'beyond the end yields nothing',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.read(await s.open('f'), 1000)).length, 0, 'bytes');
    },
  },
  {
    name: 'far beyond the end yields nothing',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.read(await s.open('f'), 2 ** 40)).length, 0, 'bytes');
    },
  },
  {
    name: 'across the end yields what there is',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.read(await s.open('f'), 2, 100)).toString(), 'xt', 'contents');
    },
  },
  {
    name: 'a count of 0 yields nothing',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.read(await s.open('f'), 0, 0)).length, 0, 'bytes');
    },
  },
  {
    name: 'yields no more than was asked for',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.read(await s.open('f'), 0, 3)).toString(), 'tex', 'contents');
    },
  },
  {
    name: 'takes the offset, not where the last one ended',
    run: async (s) => {
      await s.file('f', '0123456789');
      const fid = await s.open('f');
      const pieces = [];
      for (const offset of [8, 4, 0, 4]) pieces.push((await s.read(fid, offset, 2)).toString());
      same(pieces, ['89', '45', '01', '45'], 'pieces');
    },
  },
  {
    name: 'of several in flight each has its own offset',
    run: async (s) => {
      await s.file('f', '0123456789');
      const fid = await s.open('f');
      const reads = [6, 0, 3, 9].map((offset) => s.read(fid, offset, 1));
      same((await Promise.all(reads)).map(String), ['6', '0', '3', '9'], 'pieces');
    },
  },
  {
    name: 'what another connection wrote is seen',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f');
      const other = await s.another();
      await other.write(await other.open('f', 1), 0, 'n');
      same((await s.read(fid)).toString(), 'next', 'contents');
    },
  },
  {
    name: 'a file that was cut ends where it was cut',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f');
      await s.change(await s.walk('f'), { size: 2 });
      same((await s.read(fid)).toString(), 'te', 'contents');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.read(54_321), 'a read of an unknown fid'),
  },
  {
    name: 'a directory is read by Treaddir alone',
    dialects: linux,
    run: async (s) => refused(s.read(await s.open()), 'Tread of a directory', EISDIR),
  },
]);

export const write: readonly Behaviour[] = about('write', [
  {
    name: 'every byte comes back as it was',
    run: async (s) => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
      const fid = await s.create('f');
      await s.write(fid, 0, bytes);
      same(await s.read(fid), bytes, 'contents');
    },
  },
  {
    name: 'answers how many bytes were taken',
    run: async (s) => same(await s.write(await s.create('f'), 0, 'text'), 4, 'count'),
  },
  {
    name: 'nothing is written by no bytes',
    run: async (s) => {
      const fid = await s.create('f');
      same(await s.write(fid, 100, ''), 0, 'count');
      same((await s.info(fid)).size, 0, 'size');
    },
  },
  {
    name: 'makes the file longer',
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 0, 'one');
      await s.write(fid, 3, 'two');
      same((await s.info(fid)).size, 6, 'size');
    },
  },
  {
    name: 'in the middle leaves the rest',
    run: async (s) => {
      await s.file('f', '0123456789');
      await s.write(await s.open('f', 1), 4, 'xx');
      same(await s.text('f'), '0123xx6789', 'contents');
    },
  },
  {
    name: 'the last one counts',
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 0, 'first');
      await s.write(fid, 0, 'final');
      same((await s.read(fid)).toString(), 'final', 'contents');
    },
  },
  {
    name: 'beyond the end leaves zeros in between',
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 4, 'x');
      same(await s.read(fid), Buffer.from('\0\0\0\0x'), 'contents');
    },
  },
  {
    name: 'beyond 2^32 is where it says',
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 2 ** 32 + 5, 'far');
      same((await s.info(fid)).size, 2 ** 32 + 8, 'size');
      same((await s.read(fid, 2 ** 32 + 5)).toString(), 'far', 'contents');
      same(await s.read(fid, 5, 3), Buffer.alloc(3), 'contents 2^32 bytes before');
    },
  },
  {
    name: 'a hole of a terabyte reads as zeros',
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 2 ** 40, 'far');
      same(await s.read(fid, 2 ** 39, 16), Buffer.alloc(16), 'contents of the hole');
    },
  },
  {
    name: 'the largest message fits',
    run: async (s) => {
      const fid = await s.create('f');
      const data = Buffer.alloc(s.client.maxCount, 'large');
      const taken = await s.write(fid, 0, data);
      expect(taken > 0 && taken <= data.length, `count ${taken} of ${data.length}`);
      const back = await s.read(fid, 0, taken);
      same(back, data.subarray(0, back.length), 'contents');
    },
  },
  {
    name: 'of several in flight each has its own offset',
    run: async (s) => {
      const fid = await s.create('f');
      await Promise.all([3, 0, 2, 1].map((offset) => s.write(fid, offset, String(offset))));
      same((await s.read(fid)).toString(), '0123', 'contents');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.write(54_321, 0, 'x'), 'a write to an unknown fid'),
  },
  {
    name: 'a directory is not written',
    run: async (s) => {
      await refused(s.write(await s.open(), 0, 'x'), 'a write to a directory');
    },
  },
]);

export const fsync: readonly Behaviour[] = about('fsync', [
  {
    name: 'an open file is brought to the disk',
    dialects: linux,
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 0, 'text');
      await s.call({ type: M.Tfsync, fid, datasync: 0 });
      same((await s.read(fid)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'its data alone can be',
    dialects: linux,
    run: async (s) => {
      const fid = await s.create('f');
      await s.call({ type: M.Tfsync, fid, datasync: 1 });
    },
  },
  {
    name: 'an unknown fid is refused',
    dialects: linux,
    run: async (s) => {
      await unknown(s.call({ type: M.Tfsync, fid: 54_321, datasync: 0 }), 'fsync');
    },
  },
]);
