import { MessageType, ModeBit, OpenMode } from '../../constants.js';
import { dontTouch } from '../../dont-touch.js';
import { Errno } from '../../errno.js';
import type { Stat } from '../../types.js';
import { about, type Behaviour, plan9 } from '../behaviour.js';
import { expect, refused, same } from '../expect.js';
import type { Subject } from '../subject.js';

const { EACCES, EEXIST } = Errno;
const M = MessageType;

export const wstat: readonly Behaviour[] = about('wstat', [
  {
    name: 'a stat that touches nothing changes nothing',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      const before = await tstat(s, 'f');
      await twstat(s, 'f', {});
      same(await tstat(s, 'f'), before, 'stat');
    },
  },
  {
    name: 'all is changed or nothing',
    dialects: plan9,
    run: async (s) => {
      await s.mkdir('d');
      const before = await tstat(s, 'd');
      const changes = { mode: (ModeBit.DIR | 0o700) >>> 0, length: 5 };
      await refused(twstat(s, 'd', changes), 'a length for a directory');
      same((await tstat(s, 'd')).mode, before.mode, 'mode');
    },
  },
  {
    name: 'a name that cannot be leaves the rest as it is',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      const before = await tstat(s, 'f');
      await refused(twstat(s, 'f', { name: 'a/b', mode: 0o600, length: 1 }), 'the name a/b');
      same(await tstat(s, 'f'), before, 'stat of the file');
    },
  },
  {
    name: 'a name that is there leaves the rest as it is',
    dialects: ['9P2000'],
    run: async (s) => {
      await s.file('f', 'text');
      await s.file('g');
      const before = await tstat(s, 'f');
      const changes = { name: 'g', mode: 0o600, length: 1 };
      await refused(twstat(s, 'f', changes), 'a name that is there', EEXIST);
      same(await tstat(s, 'f'), before, 'stat of the file');
    },
  },
  {
    name: 'name, mode and length are changed at once',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      await twstat(s, 'f', { name: 'g', mode: 0o600, length: 2 });
      const { name, mode, length } = await tstat(s, 'g');
      same({ name, mode, length }, { name: 'g', mode: 0o600, length: 2 }, 'stat of the file');
    },
  },
  {
    name: 'the type of a device is not changed',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      await refused(twstat(s, 'f', { type: 7 }), 'a change of type');
    },
  },
  {
    name: 'the number of a device is not changed',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      await refused(twstat(s, 'f', { dev: 7 }), 'a change of dev');
    },
  },
  {
    name: 'the qid is not changed',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      const qid = { ...dontTouch.qid, path: 7 };
      await refused(twstat(s, 'f', { qid }), 'a change of qid.path');
    },
  },
  {
    name: 'a file does not become a directory',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      await refused(twstat(s, 'f', { mode: (ModeBit.DIR | 0o755) >>> 0 }), 'a change of DIR');
    },
  },
  {
    name: 'a file for appending becomes one, and shows it',
    dialects: plan9,
    needs: ['append-only'],
    run: async (s) => {
      await s.file('f', 'one');
      await twstat(s, 'f', { mode: ModeBit.APPEND | 0o644 });
      await s.write(await s.open('f', OpenMode.WRITE), 0, 'two');
      same(await s.text('f'), 'onetwo', 'contents');
      same((await s.qid('f')).type, 0x40, 'type of the qid');
    },
  },
  {
    name: 'an open file is renamed',
    dialects: plan9,
    run: async (s) => {
      const fid = await s.create('f');
      await s.call({ type: M.Twstat, fid, stat: { ...dontTouch, name: 'g' } });
      expect(await s.exists('g'), 'the new name is not there');
    },
  },
  {
    name: 'a directory that its mode closes keeps its names',
    dialects: plan9,
    needs: ['permissions'],
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      await s.file('f', '', fid);
      await s.change(fid, { permissions: ModeBit.DIR + 0o555 });
      const file = await s.walk('f', fid);
      const stat = { ...dontTouch, name: 'g' };
      await refused(s.call({ type: M.Twstat, fid: file, stat }), 'a rename', EACCES);
      await s.change(fid, { permissions: ModeBit.DIR + 0o755 });
    },
  },
]);

async function tstat(s: Subject, name: string): Promise<Stat> {
  return (await s.call({ type: M.Tstat, fid: await s.walk(name) })).stat;
}

async function twstat(s: Subject, name: string, changes: Partial<Stat>): Promise<void> {
  const stat = { ...dontTouch, ...changes };
  await s.call({ type: M.Twstat, fid: await s.walk(name), stat });
}
