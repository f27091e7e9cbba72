import { MessageType, NOTAG } from '../../constants.js';
import type { TMessage } from '../../messages.js';
import { about, type Behaviour } from '../behaviour.js';
import { expect, refused, same } from '../expect.js';
import type { Subject } from '../subject.js';

const M = MessageType;
const errors: readonly number[] = [M.Rerror, M.Rlerror];

export const version: readonly Behaviour[] = about('version', [
  {
    name: 'the dialect that is asked for is spoken',
    run: async (s) => {
      const answer = await (await s.dial()).call(s.version());
      same(answer?.type === M.Rversion && answer.version, s.dialect, 'version of Rversion');
    },
  },
  {
    name: 'Rversion has the tag NOTAG',
    run: async (s) => {
      same((await (await s.dial()).call(s.version()))?.tag, NOTAG, 'tag of Rversion');
    },
  },
  {
    name: 'no larger msize is answered than asked for',
    run: async (s) => {
      const answer = await (await s.dial()).call(s.version(s.dialect, 4096));
      expect(answer?.type === M.Rversion, 'Tversion is not answered by Rversion');
      expect(answer.msize <= 4096, `msize ${answer.msize} when asked for 4096`);
    },
  },
  {
    name: 'no message is larger than the msize agreed on',
    run: async (s) => {
      await s.file('large', 'x'.repeat(8192));
      const talk = await s.dial();
      await talk.call(s.version(s.dialect, 4096));
      await talk.call(s.attachment(0));
      await talk.call(walk(0, 1, [s.dirName, 'large']));
      await talk.call(openForReading(s, 1));
      const answer = await talk.call({ type: M.Tread, tag: 1, fid: 1, offset: 0, count: 8192 });
      expect(answer !== undefined, 'a large read ends the conversation');
      if (answer.type === M.Rread) expect(answer.data.length <= 4096 - 11, 'Rread beyond msize');
    },
  },
  {
    name: 'what is not 9P2000 is answered by unknown',
    run: async (s) => {
      const answer = await (await s.dial()).call(s.version('XP3000'));
      same(answer?.type === M.Rversion && answer.version, 'unknown', 'version of Rversion');
    },
  },
  {
    name: 'a suffix that nobody knows is not agreed to',
    run: async (s) => {
      const answer = await (await s.dial()).call(s.version('9P2000.conformance'));
      expect(answer?.type === M.Rversion, 'Tversion is not answered by Rversion');
      const allowed = ['9P2000', 'unknown'];
      expect(allowed.includes(answer.version), `${answer.version} was not asked for`);
    },
  },
  {
    name: 'a second Tversion clunks all fids',
    run: async (s) => {
      const talk = await s.talk();
      await talk.call(s.version());
      const answer = await talk.call({ type: M.Tclunk, tag: 1, fid: 1 });
      expect(errors.includes(answer?.type ?? 0), 'a fid lives on');
    },
  },
  {
    name: 'after a second Tversion the client can attach again',
    run: async (s) => {
      const talk = await s.talk();
      await talk.call(s.version());
      same((await talk.call(s.attachment(0)))?.type, M.Rattach, 'answer to Tattach');
    },
  },
  {
    name: 'nothing is granted before Tversion',
    run: async (s) => {
      const answer = await (await s.dial()).call(s.attachment(0));
      expect(answer?.type !== M.Rattach, 'a Tattach before Tversion is granted');
    },
  },
]);

export const attach: readonly Behaviour[] = about('attach', [
  {
    name: 'the root is a directory',
    run: async (s) => {
      const { type } = await s.attach(s.fid());
      expect((type & 0x80) !== 0, `qid type ${type} of the root`);
    },
  },
  {
    name: 'every attach names the same root',
    run: async (s) => {
      const { path } = await s.attach(s.fid());
      same((await s.attach(s.fid())).path, path, 'qid.path of the root');
    },
  },
  {
    name: 'the qid is that of the root',
    run: async (s) => {
      const { path } = await s.attach(s.fid());
      same((await s.info(s.root)).qid.path, path, 'qid.path of the root');
    },
  },
  {
    name: 'a fid that is in use is refused',
    run: async (s) => refused(s.attach(s.root), 'Tattach to a fid in use'),
  },
  {
    name: 'an afid that nobody made is refused',
    run: async (s) => refused(s.attach(s.fid(), 12_345), 'Tattach with an unknown afid'),
  },
  {
    name: 'fids of two attaches live their own lives',
    run: async (s) => {
      const [one, two] = [s.fid(), s.fid()];
      await s.attach(one);
      await s.attach(two);
      await s.clunk(one);
      await s.info(two);
    },
  },
  {
    name: 'a refused attach leaves the fid free',
    run: async (s) => {
      const fid = s.fid();
      await refused(s.attach(fid, 12_345), 'Tattach with an unknown afid');
      await s.attach(fid);
    },
  },
]);

export const tags: readonly Behaviour[] = about('tags', [
  {
    name: 'a reply has the tag of its request',
    run: async (s) => {
      const talk = await s.talk();
      for (const tag of [0, 1, 255, 256, 65_534]) {
        same((await talk.call(walk(1, 1, [], tag)))?.tag, tag, 'tag of the reply');
      }
    },
  },
  {
    name: 'of many requests in flight each is answered once',
    run: async (s) => {
      const talk = await s.talk();
      const wanted = Array.from({ length: 100 }, (_, tag) => tag);
      talk.send(...wanted.map((tag) => walk(1, 100 + tag, [], tag)));
      const seen: number[] = [];
      while (seen.length < wanted.length) {
        const answer = await talk.next();
        expect(answer !== undefined, 'the conversation ends');
        seen.push(answer.tag);
      }
      same(
        seen.sort((a, b) => a - b),
        wanted,
        'tags of the replies',
      );
    },
  },
  {
    name: 'a tag may be used again after the reply',
    run: async (s) => {
      const talk = await s.talk();
      for (let turn = 0; turn < 3; turn++) {
        same((await talk.call(walk(1, 1, [], 7)))?.type, M.Rwalk, `answer number ${turn + 1}`);
      }
    },
  },
  {
    name: 'an error has the tag of its request',
    run: async (s) => {
      const answer = await (await s.talk()).call({ type: M.Tclunk, tag: 77, fid: 999 });
      same(answer?.tag, 77, 'tag of the error');
    },
  },
  {
    name: 'an error is said in the words of the dialect',
    run: async (s) => {
      const answer = await (await s.talk()).call({ type: M.Tclunk, tag: 1, fid: 999 });
      same(answer?.type, s.linux ? M.Rlerror : M.Rerror, 'message number of the error');
    },
  },
  {
    name: 'a message of no known kind is no end of the server',
    run: async (s) => {
      const talk = await s.talk();
      talk.sendBytes(Buffer.from([7, 0, 0, 0, 200, 1, 0]));
      const answer = await talk.next();
      const refusal = answer === undefined || errors.includes(answer.type);
      expect(refusal, 'a message of type 200 is answered as if it were understood');
      await s.info(s.dir);
    },
  },
]);

function walk(fid: number, newfid: number, names: readonly string[], tag = 1): TMessage {
  return { type: M.Twalk, tag, fid, newfid, names };
}

function openForReading(s: Subject, fid: number): TMessage {
  if (s.linux) return { type: M.Tlopen, tag: 1, fid, flags: 0 };
  return { type: M.Topen, tag: 1, fid, mode: 0 };
}
