import { MessageType, OpenMode } from '../../constants.js';
import { LinuxOpen } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux, plan9, unix } from '../behaviour.js';
import { expect, refused, same, unknown } from '../expect.js';
import { makeSymlink } from '../links.js';
import type { Subject } from '../subject.js';

const { READ, WRITE, READ_WRITE, EXECUTE, TRUNCATE, APPEND, REMOVE_ON_CLOSE } = OpenMode;
const { EACCES, EBADF, EISDIR, ELOOP, ENOTDIR, EPERM } = Errno;
const M = MessageType;

export const open: readonly Behaviour[] = about('open', [
  {
    name: 'for reading lets read',
    run: async (s) => {
      await s.file('f', 'text');
      same(await s.read(await s.open('f', READ)), Buffer.from('text'), 'contents');
    },
  },
  {
    name: 'for reading does not let write',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f', READ);
      await refused(s.write(fid, 0, 'x'), 'a write on a fid for reading', EBADF, EACCES, EPERM);
    },
  },
  {
    name: 'for writing does not let read',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f', WRITE);
      await refused(s.read(fid), 'a read on a fid for writing', EBADF, EACCES, EPERM);
    },
  },
  {
    name: 'for both lets do both',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f', READ_WRITE);
      await s.write(fid, 0, 'n');
      same((await s.read(fid)).toString(), 'next', 'contents');
    },
  },
  {
    name: 'for executing lets read',
    dialects: plan9,
    run: async (s) => {
      const fid = await s.create('f', 0o755);
      await s.write(fid, 0, 'text');
      same((await s.read(await s.open('f', EXECUTE))).toString(), 'text', 'contents');
    },
  },
  {
    name: 'what is not open cannot be read',
    run: async (s) => {
      await s.file('f', 'text');
      await refused(s.read(await s.walk('f')), 'a read before the open', EBADF, EACCES, EPERM);
    },
  },
  {
    name: 'what is not open cannot be written',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.walk('f');
      await refused(s.write(fid, 0, 'x'), 'a write before the open', EBADF, EACCES, EPERM);
    },
  },
  {
    name: 'a fid is opened once',
    run: async (s) => {
      await s.file('f', 'text');
      await refused(s.openFid(await s.open('f')), 'a second open of a fid');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.openFid(54_321), 'open of an unknown fid'),
  },
  {
    name: 'the qid is that of the walk',
    run: async (s) => {
      await s.file('f');
      const { qid } = await s.openFid(await s.walk('f'));
      same(qid, await s.qid('f'), 'qid');
    },
  },
  {
    name: 'iounit fits into a message',
    run: async (s) => {
      await s.file('f');
      const { iounit } = await s.openFid(await s.walk('f'));
      expect(iounit <= s.client.msize - 11, `iounit ${iounit} at msize ${s.client.msize}`);
    },
  },
  {
    name: 'a directory is not opened for writing',
    run: async (s) => {
      await s.mkdir('d');
      await refused(s.open('d', WRITE), 'open of a directory for writing', EISDIR);
      await refused(s.open('d', READ_WRITE), 'open of a directory for both', EISDIR);
    },
  },
  {
    name: 'truncation empties the file',
    run: async (s) => {
      await s.file('f', 'text');
      await s.open('f', WRITE | TRUNCATE);
      same((await s.infoOf('f')).size, 0, 'size');
    },
  },
  {
    name: 'without truncation the file stays as it is',
    run: async (s) => {
      await s.file('f', 'text');
      await s.open('f', WRITE);
      same(await s.text('f'), 'text', 'contents');
    },
  },
  {
    name: 'two fids see what each writes',
    run: async (s) => {
      await s.file('f', 'text');
      const [one, two] = [await s.open('f', READ_WRITE), await s.open('f', READ_WRITE)];
      await s.write(one, 0, 'n');
      same((await s.read(two)).toString(), 'next', 'contents');
    },
  },
  {
    name: 'appending writes go to the end whatever their offset',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'one');
      await s.write(await s.open('f', WRITE | APPEND), 0, 'two');
      same(await s.text('f'), 'onetwo', 'contents');
    },
  },
  {
    name: 'O_DIRECTORY refuses what is none',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await refused(tlopen(s, await s.walk('f'), LinuxOpen.DIRECTORY), 'open', ENOTDIR);
    },
  },
  {
    name: 'O_DIRECTORY lets open a directory',
    dialects: linux,
    run: async (s) => {
      await tlopen(s, await s.walk(), LinuxOpen.DIRECTORY);
    },
  },
  {
    name: 'a symbolic link is not opened',
    dialects: unix,
    needs: ['symlink'],
    run: async (s) => {
      await s.file('f', 'text');
      await makeSymlink(s, 'link', 'f');
      await refused(s.open('link'), 'open of a symbolic link', ELOOP, EPERM, EACCES);
    },
  },
  {
    name: 'a file that its mode closes is refused',
    needs: ['permissions'],
    run: async (s) => {
      await s.clunk(await s.create('f', 0o000));
      await refused(s.open('f', READ), 'open of a file of mode 000', EACCES);
    },
  },
  {
    name: 'a read-only file is not opened for writing',
    needs: ['permissions'],
    run: async (s) => {
      await s.clunk(await s.create('f', 0o444));
      await refused(s.open('f', WRITE), 'open of a file of mode 444', EACCES);
    },
  },
  {
    name: 'a read-only file is not truncated by an open',
    needs: ['permissions'],
    run: async (s) => {
      const fid = await s.create('f', 0o444);
      await s.write(fid, 0, 'text');
      await refused(s.open('f', WRITE | TRUNCATE), 'truncation of a file of mode 444', EACCES);
      same((await s.infoOf('f')).size, 4, 'size');
    },
  },
  {
    name: 'whoever has a file open goes on when its mode changes',
    run: async (s) => {
      const fid = await s.create('f');
      await s.change(await s.walk('f'), { permissions: 0 });
      await s.write(fid, 0, 'text');
      same((await s.read(fid)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'remove on close removes at the clunk',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      await s.clunk(await s.open('f', READ | REMOVE_ON_CLOSE));
      expect(!(await s.exists('f')), 'the file is still there');
    },
  },
  {
    name: 'remove on close leaves the file until then',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f', READ | REMOVE_ON_CLOSE);
      same((await s.read(fid)).toString(), 'text', 'contents');
      expect(await s.exists('f'), 'the file is gone already');
    },
  },
  {
    name: 'remove on close works for a file just made',
    dialects: plan9,
    run: async (s) => {
      const fid = await s.walk();
      await s.createFid(fid, 'f', 0o644, READ_WRITE | REMOVE_ON_CLOSE);
      await s.clunk(fid);
      expect(!(await s.exists('f')), 'the file is still there');
    },
  },
  {
    name: 'a file for one at a time is refused to a second',
    dialects: plan9,
    needs: ['exclusive-use'],
    run: async (s) => {
      const fid = await s.walk();
      await s.createFid(fid, 'f', 0x2000_0000 | 0o644);
      await refused(s.open('f'), 'a second open of a file of exclusive use');
      await s.clunk(fid);
      await s.open('f');
    },
  },
]);

function tlopen(s: Subject, fid: number, flags: number) {
  return s.call({ type: M.Tlopen, fid, flags });
}
