import { MessageType, ModeBit, OpenMode } from '../../constants.js';
import { GetattrMask, LinuxOpen } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux, plan9 } from '../behaviour.js';
import { different, expect, refused, same, unknown } from '../expect.js';
import { namesIn } from '../listing.js';
import type { Subject } from '../subject.js';

const { EACCES, EEXIST, ENOENT, ENOTDIR } = Errno;
const M = MessageType;

export const create: readonly Behaviour[] = about('create', [
  {
    name: 'makes a file and opens it',
    run: async (s) => {
      same(await s.write(await s.create('f'), 0, 'text'), 4, 'count of the write');
      same(await s.text('f'), 'text', 'contents');
    },
  },
  {
    name: 'a new file is empty',
    run: async (s) => {
      same((await s.read(await s.create('f'))).length, 0, 'bytes in it');
      same((await s.infoOf('f')).size, 0, 'size');
    },
  },
  {
    name: 'fid is the new file afterwards',
    run: async (s) => {
      const fid = await s.create('f');
      same((await s.info(fid)).qid.path, (await s.qid('f')).path, 'qid.path of the fid');
    },
  },
  {
    name: 'the qid is that of the file',
    run: async (s) => {
      const qid = await s.createFid(await s.walk(), 'f');
      same(qid.path, (await s.qid('f')).path, 'qid.path');
    },
  },
  {
    name: 'other fids of the directory stay directories',
    run: async (s) => {
      await s.create('f');
      expect((await s.info(s.dir)).directory, 'the directory is none any more');
    },
  },
  {
    name: 'the permissions are those asked for',
    run: async (s) => {
      await s.create('f', 0o640);
      const wanted = 0o640 & (await mask(s, 0o666));
      same((await s.infoOf('f')).permissions, wanted, 'permissions');
    },
  },
  {
    name: 'the permissions are no more than the directory has',
    dialects: ['9P2000'],
    run: async (s) => {
      await s.mkdir('d', 0o700);
      await s.create('f', 0o666, await s.walk('d'));
      same((await s.infoOf(['d', 'f'])).permissions, 0o600, 'permissions');
    },
  },
  {
    name: 'a file that nobody may write is written by who makes it',
    run: async (s) => {
      await s.write(await s.create('f', 0o444), 0, 'text');
      same(await s.text('f'), 'text', 'contents');
    },
  },
  {
    name: 'for reading alone lets read nothing',
    run: async (s) => {
      const fid = await s.walk();
      await s.createFid(fid, 'f', 0o644, OpenMode.READ);
      same((await s.read(fid)).length, 0, 'bytes in it');
      await refused(s.write(fid, 0, 'x'), 'a write on a fid for reading');
    },
  },
  {
    name: 'the new file is in the directory',
    run: async (s) => {
      await s.file('f');
      same(await namesIn(s), ['f'], 'names');
    },
  },
  {
    name: 'a name that is there is refused',
    run: async (s) => {
      await s.file('f', 'text');
      await refused(s.create('f'), 'a name that is there', EEXIST);
      same(await s.text('f'), 'text', 'contents');
    },
  },
  {
    name: 'a name that a directory has is refused',
    run: async (s) => {
      await s.mkdir('d');
      await refused(s.create('d'), 'a name that a directory has', EEXIST);
    },
  },
  {
    name: 'a refused create leaves fid the directory',
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk();
      await refused(s.createFid(fid, 'f'), 'a name that is there', EEXIST);
      await s.createFid(fid, 'g');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.createFid(54_321, 'f'), 'create from an unknown fid'),
  },
  {
    name: 'nothing is made below a file',
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk('f');
      await refused(s.createFid(fid, 'x'), 'create below a file', ENOTDIR);
    },
  },
  {
    name: 'a fid that is open is refused',
    run: async (s) => {
      await refused(s.createFid(await s.open(), 'f'), 'create from an open fid');
    },
  },
  {
    name: 'nothing is made in a directory that is gone',
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      await s.remove('d');
      await refused(s.createFid(fid, 'f'), 'create in a removed directory', ENOENT);
    },
  },
  {
    name: 'nothing is made in a directory that its mode closes',
    needs: ['permissions'],
    run: async (s) => {
      await s.mkdir('d', 0o555);
      const fid = await s.walk('d');
      await refused(s.createFid(fid, 'f'), 'create in a directory of mode 555', EACCES);
    },
  },
  {
    name: 'without O_EXCL a file that is there is opened',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.walk();
      await tlcreate(s, fid, 'f', LinuxOpen.RDWR | LinuxOpen.CREATE);
      same((await s.read(fid)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'with O_TRUNC a file that is there is emptied',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'text');
      await tlcreate(s, await s.walk(), 'f', LinuxOpen.RDWR | LinuxOpen.CREATE | LinuxOpen.TRUNC);
      same((await s.infoOf('f')).size, 0, 'size');
    },
  },
  {
    name: 'a file for appending grows at its end',
    dialects: plan9,
    needs: ['append-only'],
    run: async (s) => {
      const fid = await s.walk();
      await s.createFid(fid, 'f', ModeBit.APPEND | 0o644);
      await s.write(fid, 0, 'one');
      await s.write(fid, 0, 'two');
      same(await s.text('f'), 'onetwo', 'contents');
    },
  },
  {
    name: 'two files of one name, one after the other, have two qid.paths',
    run: async (s) => {
      const fid = await s.create('f');
      const { path } = (await s.info(fid)).qid;
      await s.remove('f');
      await s.create('f');
      different((await s.qid('f')).path, path, 'qid.path while the first is open');
    },
  },
]);

export const mkdir: readonly Behaviour[] = about('mkdir', [
  {
    name: 'makes an empty directory',
    run: async (s) => {
      await s.mkdir('d');
      expect((await s.infoOf('d')).directory, 'it is no directory');
      same(await namesIn(s, 'd'), [], 'names in it');
    },
  },
  {
    name: 'the qid is that of the directory',
    run: async (s) => same((await s.mkdir('d')).path, (await s.qid('d')).path, 'qid.path'),
  },
  {
    name: 'the permissions are those asked for',
    run: async (s) => {
      await s.mkdir('d', 0o750);
      const wanted = 0o750 & (await mask(s, 0o777));
      same((await s.infoOf('d')).permissions, wanted, 'permissions');
    },
  },
  {
    name: 'a name that is there is refused',
    run: async (s) => {
      await s.file('f');
      await s.mkdir('d');
      await refused(s.mkdir('f'), 'a name that a file has', EEXIST);
      await refused(s.mkdir('d'), 'a name that a directory has', EEXIST);
    },
  },
  {
    name: 'files can be made in it',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', 'text', await s.walk('d'));
      same(await s.text(['d', 'f']), 'text', 'contents');
    },
  },
  {
    name: 'nothing is made below a file',
    run: async (s) => {
      await s.file('f');
      await refused(s.mkdir('d', 0o755, await s.walk('f')), 'mkdir below a file', ENOTDIR);
    },
  },
  {
    name: 'fid is the new directory, open for reading',
    dialects: plan9,
    run: async (s) => {
      const fid = await s.walk();
      await s.createFid(fid, 'd', (ModeBit.DIR | 0o755) >>> 0, OpenMode.READ);
      same((await s.read(fid)).length, 0, 'bytes in it');
      same((await s.info(fid)).qid.path, (await s.qid('d')).path, 'qid.path of the fid');
    },
  },
  {
    name: 'fid stays the parent',
    dialects: linux,
    run: async (s) => {
      const fid = await s.walk();
      await s.mkdir('d', 0o755, fid);
      await s.mkdir('e', 0o755, fid);
      same(await namesIn(s), ['d', 'e'], 'names');
    },
  },
  {
    name: 'a directory has a sticky bit if it is asked for',
    dialects: linux,
    run: async (s) => {
      await s.mkdir('d', 0o1755);
      const fid = await s.walk('d');
      const requestMask = GetattrMask.BASIC;
      const { attributes } = await s.call({ type: M.Tgetattr, fid, requestMask });
      same(attributes.mode, 0o41755, 'mode');
    },
  },
  {
    name: 'nothing is made in a directory that its mode closes',
    needs: ['permissions'],
    run: async (s) => {
      await s.mkdir('d', 0o555);
      const fid = await s.walk('d');
      await refused(s.mkdir('e', 0o755, fid), 'mkdir in a directory of mode 555', EACCES);
    },
  },
]);

/** In 9P2000 a directory hands on no more of `bits` than it has itself: open(5). */
async function mask(s: Subject, bits: number): Promise<number> {
  if (s.dialect !== '9P2000') return -1;
  return ~bits | ((await s.info(s.dir)).permissions & bits);
}

function tlcreate(s: Subject, fid: number, name: string, flags: number) {
  return s.call({ type: M.Tlcreate, fid, name, flags, mode: 0o644, gid: s.gid });
}
