import { MessageType } from '../../constants.js';
import type { TMessage } from '../../messages.js';
import { about, type Behaviour } from '../behaviour.js';
import { expect, same } from '../expect.js';

const M = MessageType;

export const flush: readonly Behaviour[] = about('flush', [
  {
    name: 'a tag that is not in use is flushed',
    run: async (s) => {
      await s.call({ type: M.Tflush, oldtag: 4711 });
    },
  },
  {
    name: 'what is answered already is flushed',
    run: async (s) => {
      const talk = await s.talk();
      await talk.call(walk(7, 100));
      same((await talk.call(tflush(8, 7)))?.type, M.Rflush, 'answer to Tflush');
    },
  },
  {
    name: 'the answer has the tag of the Tflush',
    run: async (s) => same((await (await s.talk()).call(tflush(9, 7)))?.tag, 9, 'tag of Rflush'),
  },
  {
    name: 'nothing is answered behind Rflush',
    run: async (s) => {
      const talk = await s.talk();
      talk.send(walk(7, 100), tflush(8, 7), walk(9, 101));
      const messages = await talk.until(9);
      const flushed = messages.findIndex(({ tag }) => tag === 8);
      const answered = messages.findIndex(({ tag }) => tag === 7);
      expect(flushed >= 0, 'Tflush is not answered');
      expect(answered < flushed, 'the flushed request is answered behind Rflush');
    },
  },
  {
    name: 'the tag is free behind Rflush',
    run: async (s) => {
      const talk = await s.talk();
      talk.send(walk(7, 100), tflush(8, 7));
      await talk.until(8);
      talk.send(walk(7, 101));
      same((await talk.next())?.type, M.Rwalk, 'answer to the next request with the tag');
    },
  },
  {
    name: 'a flushed walk made its fid exactly if it is answered',
    run: async (s) => {
      const talk = await s.talk();
      talk.send(walk(7, 100), tflush(8, 7));
      const answered = (await talk.until(8)).some(({ type }) => type === M.Rwalk);
      const clunked = await talk.call({ type: M.Tclunk, tag: 1, fid: 100 });
      same(clunked?.type === M.Rclunk, answered, 'the fid is there');
    },
  },
  {
    name: 'a Tflush is flushed',
    run: async (s) => {
      const talk = await s.talk();
      talk.send(walk(7, 100), tflush(8, 7), tflush(9, 8));
      same((await talk.until(9)).at(-1)?.type, M.Rflush, 'answer to the second Tflush');
      same((await talk.call(walk(10, 101)))?.type, M.Rwalk, 'answer to a later request');
    },
  },
  {
    name: 'two that flush the same are both answered',
    run: async (s) => {
      const talk = await s.talk();
      talk.send(walk(7, 100), tflush(8, 7), tflush(9, 7));
      const messages = await talk.until(9);
      const flushed = messages.filter(({ type }) => type === M.Rflush).map(({ tag }) => tag);
      same(flushed, [8, 9], 'tags of Rflush in order');
    },
  },
  {
    name: 'a hundred at once are all answered',
    run: async (s) => {
      const talk = await s.talk();
      for (let index = 0; index < 100; index++) {
        talk.send(walk(index, 1000 + index), tflush(500 + index, index));
      }
      const flushed = new Set<number>();
      while (flushed.size < 100) {
        const message = await talk.next();
        expect(message !== undefined, 'the conversation ends');
        if (message.tag < 500) continue;
        same(message.type, M.Rflush, 'answer to a Tflush');
        flushed.add(message.tag);
      }
    },
  },
]);

function walk(tag: number, newfid: number): TMessage {
  return { type: M.Twalk, tag, fid: 1, newfid, names: [] };
}

function tflush(tag: number, oldtag: number): TMessage {
  return { type: M.Tflush, tag, oldtag };
}
