import { MessageType, OpenMode, QidType } from '../../constants.js';
import { FileMode, GetattrMask } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux, unix } from '../behaviour.js';
import { refused, same, unknown } from '../expect.js';
import { makeDevice, makeFifo, makeLink, makeSymlink, readLink } from '../links.js';
import { namesIn } from '../listing.js';
import type { Subject } from '../subject.js';

const { EEXIST, EINVAL, EISDIR, ENOTDIR, EPERM } = Errno;
const M = MessageType;

const needsLink = { dialects: unix, needs: ['link'] } as const;
const needsSymlink = { dialects: unix, needs: ['symlink'] } as const;

export const link: readonly Behaviour[] = about('link', [
  {
    name: 'both names are the same file',
    ...needsLink,
    run: async (s) => {
      await s.file('f', 'text');
      await makeLink(s, await s.walk('f'), 'g');
      same((await s.qid('g')).path, (await s.qid('f')).path, 'qid.path');
      same(await s.text('g'), 'text', 'contents');
    },
  },
  {
    name: 'what is written under one name is read under the other',
    ...needsLink,
    run: async (s) => {
      await s.file('f', 'text');
      await makeLink(s, await s.walk('f'), 'g');
      await s.write(await s.open('f', OpenMode.WRITE), 0, 'n');
      same(await s.text('g'), 'next', 'contents');
    },
  },
  {
    name: 'the other name stays when one is removed',
    ...needsLink,
    run: async (s) => {
      await s.file('f', 'text');
      await makeLink(s, await s.walk('f'), 'g');
      await s.remove('f');
      same(await namesIn(s), ['g'], 'names');
      same(await s.text('g'), 'text', 'contents');
    },
  },
  {
    name: 'a name that is there is refused',
    ...needsLink,
    run: async (s) => {
      await s.file('f');
      await s.file('g');
      await refused(makeLink(s, await s.walk('f'), 'g'), 'a link to a name', EEXIST);
    },
  },
  {
    name: 'a directory has one name',
    ...needsLink,
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      await refused(makeLink(s, fid, 'e'), 'a link to a directory', EPERM, EISDIR);
    },
  },
  {
    name: 'the other name may be in another directory',
    ...needsLink,
    run: async (s) => {
      await s.file('f', 'text');
      await s.mkdir('d');
      await makeLink(s, await s.walk('f'), 'g', await s.walk('d'));
      same(await s.text(['d', 'g']), 'text', 'contents');
    },
  },
  {
    name: 'the names are counted',
    dialects: linux,
    needs: ['link'],
    run: async (s) => {
      await s.file('f');
      await makeLink(s, await s.walk('f'), 'g');
      same((await attributes(s, 'f')).nlink, 2, 'nlink with two names');
      await s.remove('g');
      same((await attributes(s, 'f')).nlink, 1, 'nlink with one name');
    },
  },
  {
    name: 'an unknown fid is refused',
    ...needsLink,
    run: async (s) => unknown(makeLink(s, 54_321, 'g'), 'a link to an unknown fid'),
  },
  {
    name: 'no name is made below a file',
    ...needsLink,
    run: async (s) => {
      await s.file('f');
      await s.file('g');
      const below = makeLink(s, await s.walk('f'), 'x', await s.walk('g'));
      await refused(below, 'a link below a file', ENOTDIR);
    },
  },
]);

export const symlink: readonly Behaviour[] = about('symlink', [
  {
    name: 'leads where it was told to',
    ...needsSymlink,
    run: async (s) => {
      await makeSymlink(s, 'link', 'f');
      same(await readLink(s, 'link'), 'f', 'target');
    },
  },
  {
    name: 'may lead anywhere, whether it is there or not',
    ...needsSymlink,
    run: async (s) => {
      await makeSymlink(s, 'link', '../../no//such/./place');
      same(await readLink(s, 'link'), '../../no//such/./place', 'target');
    },
  },
  {
    name: 'may lead far',
    ...needsSymlink,
    run: async (s) => {
      const target = 'far/'.repeat(250);
      await makeSymlink(s, 'link', target);
      same(await readLink(s, 'link'), target, 'target');
    },
  },
  {
    name: 'the qid says what it is',
    ...needsSymlink,
    run: async (s) => {
      await makeSymlink(s, 'link', 'f');
      same((await s.qid('link')).type, QidType.SYMLINK, 'type of the qid');
    },
  },
  {
    name: 'a name that is there is refused',
    ...needsSymlink,
    run: async (s) => {
      await s.file('f');
      await refused(makeSymlink(s, 'f', 'g'), 'a symbolic link to a name', EEXIST);
    },
  },
  {
    name: 'is removed without what it leads to',
    ...needsSymlink,
    run: async (s) => {
      await s.file('f', 'text');
      await makeSymlink(s, 'link', 'f');
      await s.remove('link');
      same(await namesIn(s), ['f'], 'names');
    },
  },
  {
    name: 'one to a directory is removed as a file is',
    dialects: linux,
    needs: ['symlink', 'at'],
    run: async (s) => {
      await s.mkdir('d');
      await makeSymlink(s, 'link', 'd');
      await s.call({ type: M.Tunlinkat, dirfid: s.dir, name: 'link', flags: 0 });
      same(await namesIn(s), ['d'], 'names');
    },
  },
  {
    name: 'none is made below a file',
    ...needsSymlink,
    run: async (s) => {
      await s.file('f');
      const below = makeSymlink(s, 'link', 'g', await s.walk('f'));
      await refused(below, 'a symbolic link below a file', ENOTDIR);
    },
  },
  {
    name: 'the size is that of where it leads',
    dialects: linux,
    needs: ['symlink'],
    run: async (s) => {
      await makeSymlink(s, 'link', 'four');
      const { mode, size } = await attributes(s, 'link');
      same({ kind: mode & FileMode.TYPE_MASK, size }, { kind: FileMode.SYMLINK, size: 4 }, 'mode');
    },
  },
  {
    name: 'what is none leads nowhere',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk('f');
      await refused(s.call({ type: M.Treadlink, fid }), 'readlink of a file', EINVAL);
    },
  },
  {
    name: 'a directory leads nowhere',
    dialects: linux,
    run: async (s) => {
      await refused(s.call({ type: M.Treadlink, fid: s.dir }), 'readlink of a directory', EINVAL);
    },
  },
  {
    name: 'readlink of an unknown fid is refused',
    dialects: linux,
    run: async (s) => {
      await unknown(s.call({ type: M.Treadlink, fid: 54_321 }), 'readlink');
    },
  },
]);

export const mknod: readonly Behaviour[] = about('mknod', [
  {
    name: 'a named pipe is one',
    dialects: linux,
    needs: ['fifo'],
    run: async (s) => {
      await makeFifo(s, 'p');
      same((await attributes(s, 'p')).mode & FileMode.TYPE_MASK, FileMode.FIFO, 'kind');
    },
  },
  {
    name: 'a named pipe is never opened',
    dialects: unix,
    needs: ['fifo'],
    run: async (s) => {
      await makeFifo(s, 'p');
      await refused(s.open('p'), 'open of a named pipe');
      await s.info(s.dir);
    },
  },
  {
    name: 'a named pipe is removed',
    dialects: unix,
    needs: ['fifo'],
    run: async (s) => {
      await makeFifo(s, 'p');
      await s.remove('p');
      same(await namesIn(s), [], 'names');
    },
  },
  {
    name: 'a name that is there is refused',
    dialects: unix,
    needs: ['fifo'],
    run: async (s) => {
      await s.file('f');
      await refused(makeFifo(s, 'f'), 'mknod of a name', EEXIST);
    },
  },
  {
    name: 'a device has its numbers',
    dialects: linux,
    needs: ['device'],
    run: async (s) => {
      await makeDevice(s, 'null', 1, 3);
      const { mode, rdev } = await attributes(s, 'null');
      same(mode & FileMode.TYPE_MASK, FileMode.CHARACTER_DEVICE, 'kind');
      same(rdev, 0x103, 'numbers');
    },
  },
  {
    name: 'a device tells its numbers in its extension',
    dialects: ['9P2000.u'],
    needs: ['device'],
    run: async (s) => {
      await makeDevice(s, 'null', 1, 3);
      const { stat } = await s.call({ type: M.Tstat, fid: await s.walk('null') });
      same(stat.extension, 'c 1 3', 'extension');
    },
  },
  {
    name: 'a device is never opened',
    dialects: unix,
    needs: ['device'],
    run: async (s) => {
      await makeDevice(s, 'null', 1, 3);
      await refused(s.open('null'), 'open of a device');
    },
  },
]);

async function attributes(s: Subject, name: string) {
  const requestMask = GetattrMask.BASIC;
  const fid = await s.walk(name);
  return (await s.call({ type: M.Tgetattr, fid, requestMask })).attributes;
}
