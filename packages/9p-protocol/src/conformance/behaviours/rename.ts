import { MessageType, OpenMode } from '../../constants.js';
import { dontTouch } from '../../dont-touch.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux, plan9 } from '../behaviour.js';
import { expect, refused, same } from '../expect.js';
import { namesIn } from '../listing.js';
import type { Subject } from '../subject.js';

const { EEXIST, ENOTDIR } = Errno;
const M = MessageType;

/** By Trename or Twstat. */
export const rename: readonly Behaviour[] = about('rename', [
  {
    name: 'a file has the new name and no other',
    run: async (s) => {
      await s.file('f', 'text');
      await move(s, 'f', 'g');
      same(await namesIn(s), ['g'], 'names');
      same(await s.text('g'), 'text', 'contents');
      expect(!(await s.exists('f')), 'a walk still finds the old name');
    },
  },
  {
    name: 'a file stays the same file',
    run: async (s) => {
      await s.file('f');
      const { path } = await s.qid('f');
      await move(s, 'f', 'g');
      same((await s.qid('g')).path, path, 'qid.path');
    },
  },
  {
    name: 'a fid of the file follows',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.walk('f');
      await move(s, 'f', 'g');
      await s.openFid(fid);
      same((await s.read(fid)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'an open fid of the file follows',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f', OpenMode.READ_WRITE);
      await move(s, 'f', 'g');
      await s.write(fid, 0, 'n');
      same(await s.text('g'), 'next', 'contents');
    },
  },
  {
    name: 'a fid of the file removes it under its new name',
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk('f');
      await move(s, 'f', 'g');
      await s.call({ type: M.Tremove, fid });
      same(await namesIn(s), [], 'names');
    },
  },
  {
    name: 'a fid of the file does not take to what has its old name next',
    run: async (s) => {
      await s.file('f', 'first');
      const fid = await s.walk('f');
      await move(s, 'f', 'g');
      await s.file('f', 'second');
      await s.openFid(fid);
      same((await s.read(fid)).toString(), 'first', 'contents');
    },
  },
  {
    name: 'a directory has the new name with all that is in it',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', 'text', await s.walk('d'));
      await move(s, 'd', 'e');
      same(await s.text(['e', 'f']), 'text', 'contents');
    },
  },
  {
    name: 'fids below a directory follow',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', 'text', await s.walk('d'));
      const fid = await s.walk(['d', 'f']);
      await move(s, 'd', 'e');
      await s.openFid(fid);
      same((await s.read(fid)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'the name that it has is no change',
    run: async (s) => {
      await s.file('f', 'text');
      await move(s, 'f', 'f');
      same(await s.text('f'), 'text', 'contents');
    },
  },
  {
    name: 'stat tells the new name through fids of before',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk('f');
      await move(s, 'f', 'g');
      same((await s.call({ type: M.Tstat, fid })).stat.name, 'g', 'name');
    },
  },
  {
    name: 'a name that is there is refused',
    dialects: ['9P2000'],
    run: async (s) => {
      await s.file('f', 'text');
      await s.file('g', 'other');
      await refused(move(s, 'f', 'g'), 'a name that is there', EEXIST);
      same(await s.text('g'), 'other', 'contents');
    },
  },
  {
    name: 'the root has no other name',
    dialects: plan9,
    run: async (s) => {
      const stat = { ...dontTouch, name: 'other' };
      await refused(s.call({ type: M.Twstat, fid: s.root, stat }), 'a name for the root');
    },
  },
  {
    name: 'Trename moves what its fid names to another directory',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'text');
      await s.mkdir('d');
      const fid = await s.walk('f');
      await s.call({ type: M.Trename, fid, dfid: await s.walk('d'), name: 'g' });
      same(await s.text(['d', 'g']), 'text', 'contents');
      await s.openFid(fid);
      same((await s.read(fid)).toString(), 'text', 'contents through the fid');
    },
  },
  {
    name: 'Trename refuses a directory that is none',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await s.file('g');
      const [fid, dfid] = [await s.walk('f'), await s.walk('g')];
      await refused(s.call({ type: M.Trename, fid, dfid, name: 'x' }), 'Trename', ENOTDIR);
    },
  },
]);

async function move(s: Subject, from: string, to: string): Promise<void> {
  const fid = await s.walk(from);
  if (s.linux) {
    await s.call({ type: M.Trename, fid, dfid: s.dir, name: to });
    return;
  }
  const stat = { ...dontTouch, name: to };
  await s.call({ type: M.Twstat, fid, stat });
}
