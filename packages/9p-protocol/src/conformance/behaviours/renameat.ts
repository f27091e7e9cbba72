import { MessageType } from '../../constants.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux } from '../behaviour.js';
import { expect, refused, same, unknown } from '../expect.js';
import { makeLink, makeSymlink, readLink } from '../links.js';
import { namesIn } from '../listing.js';
import type { Subject } from '../subject.js';

const { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } = Errno;
const M = MessageType;

export const renameat: readonly Behaviour[] = about(
  'renameat',
  [
    {
      name: 'a file that is there is replaced',
      run: async (s) => {
        await s.file('f', 'text');
        await s.file('g', 'other');
        await moveTo(s, 'f', 'g');
        same(await s.text('g'), 'text', 'contents');
        same(await namesIn(s), ['g'], 'names');
      },
    },
    {
      name: 'who has the replaced file open goes on reading it',
      run: async (s) => {
        await s.file('f', 'text');
        await s.file('g', 'other');
        const fid = await s.open('g');
        await moveTo(s, 'f', 'g');
        same((await s.read(fid)).toString(), 'other', 'contents');
      },
    },
    {
      name: 'an empty directory is replaced by a directory',
      run: async (s) => {
        const { path } = await s.mkdir('d');
        await s.mkdir('e');
        await moveTo(s, 'd', 'e');
        same((await s.qid('e')).path, path, 'qid.path');
        same(await namesIn(s), ['e'], 'names');
      },
    },
    {
      name: 'a directory with something in it is not replaced',
      run: async (s) => {
        await s.mkdir('d');
        await s.mkdir('e');
        await s.file('f', '', await s.walk('e'));
        await refused(moveTo(s, 'd', 'e'), 'a directory with a file', ENOTEMPTY, EEXIST);
        expect(await s.exists(['e', 'f']), 'what was in it is gone');
      },
    },
    {
      name: 'a directory is not replaced by a file',
      run: async (s) => {
        await s.file('f');
        await s.mkdir('d');
        await refused(moveTo(s, 'f', 'd'), 'a file in place of a directory', EISDIR);
      },
    },
    {
      name: 'a file is not replaced by a directory',
      run: async (s) => {
        await s.file('f');
        await s.mkdir('d');
        await refused(moveTo(s, 'd', 'f'), 'a directory in place of a file', ENOTDIR);
      },
    },
    {
      name: 'a directory does not move into itself',
      run: async (s) => {
        await s.mkdir('d');
        const fid = await s.walk('d');
        await refused(moveTo(s, 'd', 'x', fid), 'a directory into itself', EINVAL);
        await s.mkdir('e', 0o755, fid);
        const below = await s.walk('e', fid);
        await refused(moveTo(s, 'd', 'x', below), 'a directory below itself', EINVAL);
      },
    },
    {
      name: 'a file moves to another directory',
      run: async (s) => {
        await s.file('f', 'text');
        await s.mkdir('d');
        await moveTo(s, 'f', 'g', await s.walk('d'));
        same(await s.text(['d', 'g']), 'text', 'contents');
        same(await namesIn(s), ['d'], 'names left');
      },
    },
    {
      name: 'a file replaces one in another directory',
      run: async (s) => {
        await s.file('f', 'text');
        await s.mkdir('d');
        const fid = await s.walk('d');
        await s.file('f', 'other', fid);
        await moveTo(s, 'f', 'f', fid);
        same(await s.text(['d', 'f']), 'text', 'contents');
      },
    },
    {
      name: 'a directory that moved has another parent',
      run: async (s) => {
        await s.mkdir('d');
        await s.mkdir('e');
        const fid = await s.walk('d');
        await moveTo(s, 'd', 'd', await s.walk('e'));
        const up = await s.walk('..', fid);
        same((await s.info(up)).qid.path, (await s.qid('e')).path, 'qid.path of the parent');
      },
    },
    {
      name: 'fids follow to another directory',
      run: async (s) => {
        await s.file('f', 'text');
        await s.mkdir('d');
        const fid = await s.walk('f');
        await moveTo(s, 'f', 'g', await s.walk('d'));
        await s.openFid(fid);
        same((await s.read(fid)).toString(), 'text', 'contents');
      },
    },
    {
      name: 'a name that is not there is refused',
      run: async (s) => refused(moveTo(s, 'nothing', 'g'), 'rename of nothing', ENOENT),
    },
    {
      name: 'an unknown fid is refused',
      run: async (s) => {
        await s.file('f');
        await unknown(moveTo(s, 'f', 'g', 54_321), 'renameat');
      },
    },
    {
      name: 'nothing moves below a file',
      run: async (s) => {
        await s.file('f');
        await s.file('g');
        await refused(moveTo(s, 'f', 'x', await s.walk('g')), 'renameat', ENOTDIR);
      },
    },
    {
      name: 'two names of one file both stay',
      needs: ['link'],
      run: async (s) => {
        await s.file('f');
        await makeLink(s, await s.walk('f'), 'g');
        await moveTo(s, 'f', 'g');
        same(await namesIn(s), ['f', 'g'], 'names');
      },
    },
    {
      name: 'a symbolic link moves, not what it leads to',
      needs: ['symlink'],
      run: async (s) => {
        await s.file('f');
        await makeSymlink(s, 'link', 'f');
        await moveTo(s, 'link', 'moved');
        same(await readLink(s, 'moved'), 'f', 'target');
        expect(await s.exists('f'), 'the target moved');
      },
    },
    {
      name: 'a symbolic link is replaced, not what it leads to',
      needs: ['symlink'],
      run: async (s) => {
        await s.file('f', 'text');
        await s.file('target', 'target');
        await makeSymlink(s, 'link', 'target');
        await moveTo(s, 'f', 'link');
        same(await s.text('link'), 'text', 'contents');
        same(await s.text('target'), 'target', 'contents of the target');
      },
    },
  ],
  { dialects: linux, needs: ['at'] },
);

async function moveTo(s: Subject, oldname: string, newname: string, to = s.dir): Promise<void> {
  const [olddirfid, newdirfid] = [s.dir, to];
  await s.call({ type: M.Trenameat, olddirfid, oldname, newdirfid, newname });
}
