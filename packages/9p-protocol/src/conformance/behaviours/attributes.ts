import { MessageType, NONUNAME } from '../../constants.js';
import { FileMode, GetattrMask } from '../../constants-linux.js';
import { about, type Behaviour, linux, plan9 } from '../behaviour.js';
import { different, expect, same, unknown } from '../expect.js';
import type { Subject } from '../subject.js';

const M = MessageType;
/** 2001, which is long ago on every server. */
const PAST = 1_000_000_000;

export const stat: readonly Behaviour[] = about('stat', [
  {
    name: 'the size is what was written',
    run: async (s) => {
      await s.file('f', 'text');
      same((await s.infoOf('f')).size, 4, 'size');
    },
  },
  {
    name: 'the qid is that of the walk',
    run: async (s) => {
      await s.file('f');
      same((await s.infoOf('f')).qid, await s.qid('f'), 'qid');
    },
  },
  {
    name: 'a directory is told from a file',
    run: async (s) => {
      await s.file('f');
      await s.mkdir('d');
      same((await s.infoOf('d')).directory, true, 'd is a directory');
      same((await s.infoOf('f')).directory, false, 'f is a directory');
    },
  },
  {
    name: 'an open file has it too',
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 0, 'text');
      same((await s.info(fid)).size, 4, 'size');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.info(54_321), 'stat of an unknown fid'),
  },
  {
    name: 'a write makes the time of the last change advance',
    run: async (s) => {
      const fid = await s.create('f');
      await s.change(await s.walk('f'), { mtime: PAST });
      await s.write(fid, 0, 'text');
      expect(Number((await s.infoOf('f')).mtime) > PAST, 'mtime does not advance');
    },
  },
  {
    name: 'a read leaves the time of the last change',
    run: async (s) => {
      await s.file('f', 'text');
      await s.change(await s.walk('f'), { mtime: PAST });
      await s.text('f');
      same((await s.infoOf('f')).mtime, PAST, 'mtime');
    },
  },
  {
    name: 'a new name makes the time of the directory advance',
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      await setMtime(s, fid, PAST);
      await s.file('f', '', fid);
      expect(Number((await s.info(fid)).mtime) > PAST, 'mtime does not advance');
    },
  },
  {
    name: 'a name that goes makes the time of the directory advance',
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      await s.file('f', '', fid);
      await setMtime(s, fid, PAST);
      await s.remove(['d', 'f']);
      expect(Number((await s.info(fid)).mtime) > PAST, 'mtime does not advance');
    },
  },
  {
    name: 'qid.version counts changes',
    needs: ['versions'],
    run: async (s) => {
      const fid = await s.create('f');
      const { version } = await s.qid('f');
      await s.write(fid, 0, 'text');
      different((await s.qid('f')).version, version, 'qid.version');
    },
  },
  {
    name: 'qid.path stays whatever changes',
    run: async (s) => {
      const fid = await s.create('f');
      const { path } = await s.qid('f');
      await s.write(fid, 0, 'text');
      await s.change(await s.walk('f'), { permissions: 0o600, size: 1, mtime: PAST });
      same((await s.qid('f')).path, path, 'qid.path');
    },
  },
  {
    name: 'the name is that of the walk',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      same((await tstat(s, await s.walk('f'))).name, 'f', 'name');
    },
  },
  {
    name: 'a directory has no length',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      same((await tstat(s, s.dir)).length, 0, 'length');
    },
  },
  {
    name: 'the mode says what the qid does',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      for (const fid of [s.dir, await s.walk('f')]) {
        const { mode, qid } = await tstat(s, fid);
        same(mode >>> 24, qid.type, 'high byte of mode');
      }
    },
  },
  {
    name: 'owner and group have names',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      const { uid, gid } = await tstat(s, await s.walk('f'));
      expect(uid !== '' && gid !== '', `uid ${uid}, gid ${gid}`);
    },
  },
  {
    name: 'owner and group have numbers',
    dialects: ['9P2000.u'],
    run: async (s) => {
      await s.file('f');
      const { nUid = NONUNAME, nGid = NONUNAME } = await tstat(s, await s.walk('f'));
      expect(nUid !== NONUNAME && nGid !== NONUNAME, 'n_uid or n_gid is missing');
    },
  },
]);

export const getattr: readonly Behaviour[] = about('getattr', [
  {
    name: 'what is asked for is valid',
    dialects: linux,
    run: async (s) => {
      const { valid } = await tgetattr(s, s.dir);
      same(Number(valid) & GetattrMask.BASIC, GetattrMask.BASIC, 'mask of what is valid');
    },
  },
  {
    name: 'the mode tells the kind of file',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      const { attributes } = await tgetattr(s, await s.walk('f'));
      same(attributes.mode & FileMode.TYPE_MASK, FileMode.REGULAR, 'kind of a file');
      const directory = await tgetattr(s, s.dir);
      same(directory.attributes.mode & FileMode.TYPE_MASK, FileMode.DIRECTORY, 'of a directory');
    },
  },
  {
    name: 'a new file has one name',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      same((await tgetattr(s, await s.walk('f'))).attributes.nlink, 1, 'nlink');
    },
  },
  {
    name: 'a file that was removed while open has none',
    dialects: linux,
    run: async (s) => {
      const fid = await s.create('f');
      await s.remove('f');
      same((await tgetattr(s, fid)).attributes.nlink, 0, 'nlink');
    },
  },
  {
    name: 'the owner is who made the file',
    dialects: linux,
    needs: ['owner'],
    run: async (s) => {
      await s.file('f');
      same((await tgetattr(s, await s.walk('f'))).attributes.uid, s.uid, 'uid');
    },
  },
  {
    name: 'a hole takes no blocks',
    dialects: linux,
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 2 ** 30, 'far');
      const { blocks } = (await tgetattr(s, fid)).attributes;
      expect(Number(blocks) * 512 < 2 ** 29, `${blocks} blocks`);
    },
  },
  {
    name: 'the size of a block is told',
    dialects: linux,
    run: async (s) => {
      expect(Number((await tgetattr(s, s.dir)).attributes.blksize) > 0, 'blksize is 0');
    },
  },
  {
    name: 'nanoseconds are less than a second',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'text');
      const { attributes } = await tgetattr(s, await s.walk('f'));
      const { atimeNsec, mtimeNsec, ctimeNsec } = attributes;
      const most = Math.max(atimeNsec, mtimeNsec, ctimeNsec);
      expect(most < 1e9, `${most} nanoseconds`);
    },
  },
  {
    name: 'a write makes ctime no less than mtime',
    dialects: linux,
    run: async (s) => {
      const fid = await s.create('f');
      await s.write(fid, 0, 'text');
      const { ctimeSec, mtimeSec } = (await tgetattr(s, fid)).attributes;
      expect(Number(ctimeSec) >= Number(mtimeSec), `ctime ${ctimeSec}, mtime ${mtimeSec}`);
    },
  },
]);

export const statfs: readonly Behaviour[] = about('statfs', [
  {
    name: 'blocks have a size, and names of usual length fit',
    dialects: linux,
    run: async (s) => {
      const { bsize, namelen } = await tstatfs(s, s.dir);
      expect(bsize > 0 && namelen >= 14, `bsize ${bsize}, namelen ${namelen}`);
    },
  },
  {
    name: 'no more is free than there is',
    dialects: linux,
    run: async (s) => {
      const { blocks, bfree, bavail } = await tstatfs(s, s.dir);
      expect(blocks >= bfree && bfree >= bavail, `${bavail} of ${bfree} of ${blocks}`);
    },
  },
  {
    name: 'a file has it as well as a directory',
    dialects: linux,
    run: async (s) => {
      const { bsize } = await tstatfs(s, await s.create('f'));
      same(bsize, (await tstatfs(s, s.dir)).bsize, 'bsize');
    },
  },
  {
    name: 'an unknown fid is refused',
    dialects: linux,
    run: async (s) => unknown(tstatfs(s, 54_321), 'statfs'),
  },
]);

async function tstat(s: Subject, fid: number) {
  return (await s.call({ type: M.Tstat, fid })).stat;
}

function tgetattr(s: Subject, fid: number) {
  return s.call({ type: M.Tgetattr, fid, requestMask: GetattrMask.BASIC });
}

async function tstatfs(s: Subject, fid: number) {
  return (await s.call({ type: M.Tstatfs, fid })).statistics;
}

/** Sets it of a directory, and sees that it is set. */
async function setMtime(s: Subject, fid: number, mtime: number): Promise<void> {
  await s.change(fid, { mtime });
  same((await s.info(fid)).mtime, mtime, 'mtime that was set');
}
