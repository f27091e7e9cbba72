import { MessageType, OpenMode } from '../../constants.js';
import { AT_REMOVEDIR } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux } from '../behaviour.js';
import { expect, refused, same, unknown } from '../expect.js';
import { namesIn } from '../listing.js';
import type { Subject } from '../subject.js';

const { EACCES, EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } = Errno;
const M = MessageType;

export const remove: readonly Behaviour[] = about('remove', [
  {
    name: 'a file is gone',
    run: async (s) => {
      await s.file('f');
      await s.remove('f');
      expect(!(await s.exists('f')), 'a walk still finds it');
      same(await namesIn(s), [], 'names');
    },
  },
  {
    name: 'an empty directory is gone',
    run: async (s) => {
      await s.mkdir('d');
      await s.remove('d');
      expect(!(await s.exists('d')), 'a walk still finds it');
    },
  },
  {
    name: 'a directory with something in it is refused',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', '', await s.walk('d'));
      await refused(s.remove('d'), 'remove of a directory with a file', ENOTEMPTY, EEXIST);
      expect(await s.exists(['d', 'f']), 'what was in it is gone');
    },
  },
  {
    name: 'the fid is free afterwards',
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk('f');
      await s.call({ type: M.Tremove, fid });
      await unknown(s.info(fid), 'a fid that was removed');
    },
  },
  {
    name: 'the fid is free even if it is refused',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', '', await s.walk('d'));
      const fid = await s.walk('d');
      await refused(s.call({ type: M.Tremove, fid }), 'remove', ENOTEMPTY, EEXIST);
      await unknown(s.info(fid), 'a fid whose remove was refused');
    },
  },
  {
    name: 'a name can be used again',
    run: async (s) => {
      await s.file('f', 'old');
      await s.remove('f');
      await s.file('f', 'new');
      same(await s.text('f'), 'new', 'contents');
    },
  },
  {
    name: 'who has a file open goes on reading it',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f');
      await s.remove('f');
      same((await s.read(fid)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'who has a file open goes on writing it',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f', OpenMode.READ_WRITE);
      await s.remove('f');
      await s.write(fid, 0, 'n');
      same((await s.read(fid)).toString(), 'next', 'contents');
    },
  },
  {
    name: 'a file that is open can be removed by its own fid',
    run: async (s) => {
      await s.call({ type: M.Tremove, fid: await s.create('f') });
      expect(!(await s.exists('f')), 'a walk still finds it');
    },
  },
  {
    name: 'other files stay',
    run: async (s) => {
      await s.file('f');
      await s.file('g', 'text');
      const fid = await s.open('g');
      await s.remove('f');
      same((await s.read(fid)).toString(), 'text', 'contents of another file');
    },
  },
  {
    name: 'what is gone is not removed twice',
    run: async (s) => {
      await s.file('f');
      const [one, two] = [await s.walk('f'), await s.walk('f')];
      await s.call({ type: M.Tremove, fid: one });
      await refused(s.call({ type: M.Tremove, fid: two }), 'a second remove', ENOENT);
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.call({ type: M.Tremove, fid: 54_321 }), 'remove'),
  },
  {
    name: 'the root stays',
    run: async (s) => {
      const fid = await s.walk([], s.root);
      await refused(s.call({ type: M.Tremove, fid }), 'remove of the root');
      await s.info(s.dir);
    },
  },
  {
    name: 'a directory that its mode closes keeps its files',
    needs: ['permissions'],
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      await s.file('f', '', fid);
      await closed(s, fid, () => refused(s.remove(['d', 'f']), 'remove', EACCES));
      expect(await s.exists(['d', 'f']), 'the file is gone');
    },
  },
]);

export const unlinkat: readonly Behaviour[] = about(
  'unlinkat',
  [
    {
      name: 'a file is gone',
      run: async (s) => {
        await s.file('f');
        await unlink(s, 'f');
        expect(!(await s.exists('f')), 'a walk still finds it');
      },
    },
    {
      name: 'a directory is gone with AT_REMOVEDIR',
      run: async (s) => {
        await s.mkdir('d');
        await unlink(s, 'd', AT_REMOVEDIR);
        expect(!(await s.exists('d')), 'a walk still finds it');
      },
    },
    {
      name: 'a directory is refused without AT_REMOVEDIR',
      run: async (s) => {
        await s.mkdir('d');
        await refused(unlink(s, 'd'), 'unlinkat of a directory', EISDIR);
        expect(await s.exists('d'), 'it is gone');
      },
    },
    {
      name: 'a file is refused with AT_REMOVEDIR',
      run: async (s) => {
        await s.file('f');
        await refused(unlink(s, 'f', AT_REMOVEDIR), 'AT_REMOVEDIR of a file', ENOTDIR);
        expect(await s.exists('f'), 'it is gone');
      },
    },
    {
      name: 'a directory with something in it is refused',
      run: async (s) => {
        await s.mkdir('d');
        await s.file('f', '', await s.walk('d'));
        await refused(unlink(s, 'd', AT_REMOVEDIR), 'AT_REMOVEDIR', ENOTEMPTY, EEXIST);
        expect(await s.exists(['d', 'f']), 'what was in it is gone');
      },
    },
    {
      name: 'a name that is not there is refused',
      run: async (s) => refused(unlink(s, 'nothing'), 'unlinkat of nothing', ENOENT),
    },
    {
      name: 'nothing is below a file',
      run: async (s) => {
        await s.file('f');
        await refused(unlink(s, 'x', 0, await s.walk('f')), 'unlinkat below a file', ENOTDIR);
      },
    },
    {
      name: 'the fid stays the directory',
      run: async (s) => {
        await s.file('f');
        const fid = await s.walk();
        await unlink(s, 'f', 0, fid);
        same((await s.info(fid)).qid.path, (await s.info(s.dir)).qid.path, 'qid.path of the fid');
      },
    },
    {
      name: 'a fid of the file is still there',
      run: async (s) => {
        await s.file('f', 'text');
        const fid = await s.open('f');
        await unlink(s, 'f');
        same((await s.read(fid)).toString(), 'text', 'contents');
        await s.clunk(fid);
      },
    },
    {
      name: 'an unknown fid is refused',
      run: async (s) => unknown(unlink(s, 'f', 0, 54_321), 'unlinkat'),
    },
    {
      name: '. and .. are refused',
      run: async (s) => {
        await s.mkdir('d');
        const fid = await s.walk('d');
        const errnos = [EINVAL, ENOTEMPTY, EBUSY, EISDIR, EEXIST];
        for (const name of ['.', '..']) {
          await refused(unlink(s, name, AT_REMOVEDIR, fid), `unlinkat of ${name}`, ...errnos);
        }
        expect(await s.exists('d'), 'it is gone');
      },
    },
  ],
  { dialects: linux, needs: ['at'] },
);

function unlink(s: Subject, name: string, flags = 0, dirfid = s.dir) {
  return s.call({ type: M.Tunlinkat, dirfid, name, flags });
}

/** Runs something while nobody may write in the directory. */
async function closed(s: Subject, fid: number, run: () => Promise<void>): Promise<void> {
  const kind = s.linux ? 0 : 0x8000_0000;
  await s.change(fid, { permissions: kind + 0o555 });
  try {
    await run();
  } finally {
    await s.change(fid, { permissions: kind + 0o755 });
  }
}
