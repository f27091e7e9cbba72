import { MessageType } from '../../constants.js';
import type { TMessage } from '../../messages.js';
import { about, type Behaviour } from '../behaviour.js';
import { expect, same, unknown } from '../expect.js';

const M = MessageType;

export const fids: readonly Behaviour[] = about('fids', [
  {
    name: 'an unknown one is not clunked',
    run: async (s) => unknown(s.clunk(54_321), 'clunk of an unknown fid'),
  },
  {
    name: 'one is clunked once',
    run: async (s) => {
      const fid = await s.walk();
      await s.clunk(fid);
      await unknown(s.clunk(fid), 'a second clunk');
    },
  },
  {
    name: 'what was clunked means nothing',
    run: async (s) => {
      const fid = await s.open();
      await s.clunk(fid);
      await unknown(s.info(fid), 'stat of a fid that was clunked');
    },
  },
  {
    name: 'a number that was clunked is used again',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.walk();
      await s.clunk(fid);
      await s.call({ type: M.Twalk, fid: s.dir, newfid: fid, names: ['f'] });
      same((await s.info(fid)).directory, false, 'it is the directory');
    },
  },
  {
    name: 'the largest number is one like others',
    run: async (s) => {
      const newfid = 0xffff_fffe;
      await s.call({ type: M.Twalk, fid: s.dir, newfid, names: [] });
      await s.info(newfid);
      await s.clunk(newfid);
    },
  },
  {
    name: 'a thousand live at a time',
    run: async (s) => {
      await s.file('f', 'text');
      const fids = await Promise.all(Array.from({ length: 1000 }, () => s.walk('f')));
      const infos = await Promise.all(fids.map((fid) => s.info(fid)));
      same(infos.filter(({ size }) => size === 4).length, 1000, 'fids of the file');
      await Promise.all(fids.map((fid) => s.clunk(fid)));
    },
  },
  {
    name: 'those of one connection mean nothing on another',
    run: async (s) => {
      const newfid = 777_777;
      await s.call({ type: M.Twalk, fid: s.dir, newfid, names: [] });
      const other = await s.another();
      await unknown(other.info(newfid), 'a fid of another connection');
    },
  },
  {
    name: 'the clunk of an open one closes nothing else',
    run: async (s) => {
      await s.file('f', 'text');
      const [one, two] = [await s.open('f'), await s.open('f')];
      await s.clunk(one);
      same((await s.read(two)).toString(), 'text', 'contents');
    },
  },
  {
    name: 'a clunk behind a read loses no answer',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.open('f');
      const read = s.read(fid).catch(() => Buffer.from('refused'));
      await s.clunk(fid);
      expect(['text', 'refused'].includes((await read).toString()), 'the read is not answered');
    },
  },
  {
    name: 'a request waits for the one that makes its fid',
    needs: ['pipelining'],
    run: async (s) => {
      await s.file('f', 'text');
      const newfid = s.fid();
      const answers = await Promise.all([
        s.call({ type: M.Twalk, fid: s.dir, newfid, names: ['f'] }),
        s.openFid(newfid),
        s.read(newfid),
        s.clunk(newfid),
      ]);
      same(answers[2].toString(), 'text', 'contents');
    },
  },
  {
    name: 'an answer to a request is of its kind',
    run: async (s) => {
      await s.file('f', 'text');
      const talk = await s.talk();
      const requests: TMessage[] = [
        { type: M.Twalk, tag: 1, fid: 1, newfid: 2, names: ['f'] },
        s.linux
          ? { type: M.Tlopen, tag: 1, fid: 2, flags: 0 }
          : { type: M.Topen, tag: 1, fid: 2, mode: 0 },
        { type: M.Tread, tag: 1, fid: 2, offset: 0, count: 10 },
        { type: M.Tclunk, tag: 1, fid: 2 },
      ];
      for (const request of requests) {
        same((await talk.call(request))?.type, request.type + 1, `answer to ${request.type}`);
      }
    },
  },
]);
