import { Errno, MessageType, type RMessage, type TMessage } from '../../../src/index.js';
import { type Defect, forgets, spoilsLater, spoilsReplies, spoilsRequests } from './defect.js';
import { failed, failure, success } from './messages.js';
import type { Hooks } from './proxy.js';

const M = MessageType;

/** What is wrong with versions, attaches, tags, fids and flushes. */
export const conversations: readonly Defect[] = [
  spoilsLater(
    'another dialect is answered',
    () => ({ reply: (reply) => versioned(reply, { version: '9P2000.x' }) }),
    { version: ['the dialect that is asked for is spoken'] },
  ),
  spoilsLater(
    'Rversion has tag 0',
    () => ({ reply: (reply) => (reply.type === M.Rversion ? { ...reply, tag: 0 } : reply) }),
    { version: ['Rversion has the tag NOTAG'] },
  ),
  spoilsLater(
    'the answered msize is always the largest',
    () => ({ reply: (reply) => versioned(reply, { msize: 1 << 20 }) }),
    { version: ['no larger msize is answered than asked for'] },
  ),
  spoilsLater(
    'the msize agreed on is not kept to',
    () => ({
      request: (request) => (request.type === M.Tversion ? { ...request, msize: 65_536 } : request),
      reply: (reply) => versioned(reply, { msize: 4096 }),
    }),
    { version: ['no message is larger than the msize agreed on'] },
  ),
  spoilsReplies(
    'every version is agreed to',
    (reply, request) =>
      request?.type === M.Tversion ? versioned(reply, { version: request.version }) : reply,
    {
      version: [
        'what is not 9P2000 is answered by unknown',
        'a suffix that nobody knows is not agreed to',
      ],
    },
  ),
  {
    name: 'a second Tversion is answered and forgotten',
    hooks: () => {
      let seen = false;
      const request = (message: TMessage): TMessage | RMessage => {
        if (message.type !== M.Tversion) return message;
        if (seen) return { ...message, type: M.Rversion };
        seen = true;
        return message;
      };
      return { request };
    },
    breaks: {
      version: [
        'a second Tversion clunks all fids',
        'after a second Tversion the client can attach again',
      ],
    },
  },
  {
    name: 'a Tattach needs no Tversion',
    hooks: () => {
      let versioned = false;
      const request = (message: TMessage): TMessage | RMessage => {
        if (message.type === M.Tversion) versioned = true;
        return message.type === M.Tattach && !versioned ? success(message) : message;
      };
      return { request };
    },
    breaks: { version: ['nothing is granted before Tversion'] },
  },
  spoilsReplies(
    'the root is said to be a file',
    (reply) => (reply.type === M.Rattach ? { ...reply, qid: { ...reply.qid, type: 0 } } : reply),
    { attach: ['the root is a directory'] },
  ),
  {
    name: 'the root is another at each attach',
    hooks: () => {
      let path = 1_000_000;
      const reply = (reply: RMessage): RMessage =>
        reply.type === M.Rattach ? { ...reply, qid: { ...reply.qid, path: path++ } } : reply;
      return { reply };
    },
    breaks: { attach: ['every attach names the same root', 'the qid is that of the root'] },
  },
  forgets('Tattach is never refused', (request) => request.type === M.Tattach, {
    attach: [
      'a fid that is in use is refused',
      'an afid that nobody made is refused',
      'a refused attach leaves the fid free',
    ],
  }),
  {
    name: 'a clunk takes what other fids there are with it',
    hooks: () => {
      const live = new Set<number>();
      const dead = new Set<number>();
      const request = (message: TMessage): TMessage | RMessage => {
        const asks =
          message.type === M.Tgetattr || message.type === M.Tread || message.type === M.Tstat;
        return asks && dead.has(message.fid) ? failure(Errno.EBADF) : message;
      };
      const reply = (reply: RMessage, request: TMessage): RMessage => {
        if (reply.type === M.Rclunk) for (const fid of live) dead.add(fid);
        if (request.type === M.Twalk) live.add(request.newfid);
        if (request.type === M.Tattach) live.add(request.fid);
        return reply;
      };
      return { request, reply };
    },
    breaks: {
      attach: ['fids of two attaches live their own lives'],
      walk: ['a clone outlives what it was made from', 'a clone can be clunked without the other'],
      fids: ['the clunk of an open one closes nothing else'],
    },
  },
  spoilsLater(
    'tags have one byte',
    () => ({
      reply: (reply) => ({ ...reply, tag: reply.tag === 0xffff ? 0xffff : reply.tag & 255 }),
    }),
    { tags: ['a reply has the tag of its request'] },
  ),
  spoilsLater(
    'errors have tag 0',
    () => ({ reply: (reply) => (failed(reply) === undefined ? reply : { ...reply, tag: 0 }) }),
    { tags: ['an error has the tag of its request'] },
  ),
  spoilsLater(
    'errors are said in the words of 9P2000',
    () => ({
      reply: (reply) => {
        const errno = failed(reply);
        return errno === undefined ? reply : { ...failure(errno, false), tag: reply.tag };
      },
    }),
    { tags: ['an error is said in the words of the dialect'] },
  ),
  spoilsLater(
    'the fiftieth request is answered twice',
    () => ({ reply: (reply) => (reply.tag === 50 ? [reply, reply] : reply) }),
    { tags: ['of many requests in flight each is answered once'] },
  ),
  spoilsLater(
    'a tag is taken once',
    () => {
      const seen = new Set<number>();
      const request = (message: TMessage): TMessage | RMessage => {
        const again = seen.has(message.tag) && message.type !== M.Tattach;
        seen.add(message.tag);
        return again && message.tag === 7 ? failure(Errno.EBUSY) : message;
      };
      return { request };
    },
    { tags: ['a tag may be used again after the reply'], flush: ['the tag is free behind Rflush'] },
  ),
  spoilsLater(
    'a message of no known kind is taken for a Tclunk',
    () => ({ unknown: () => ({ type: M.Rclunk, tag: 1 }) }),
    { tags: ['a message of no known kind is no end of the server'] },
  ),
  spoilsLater(
    'reads are answered as clunks are',
    () => ({
      reply: (reply) => (reply.type === M.Rread ? { type: M.Rclunk, tag: reply.tag } : reply),
    }),
    { fids: ['an answer to a request is of its kind'] },
  ),
  {
    name: 'a number that was clunked is never taken again',
    hooks: () => {
      const clunked = new Set<number>();
      const request = (message: TMessage): TMessage | RMessage => {
        if (message.type === M.Tclunk) clunked.add(message.fid);
        const again = message.type === M.Twalk && clunked.has(message.newfid);
        return again ? failure(Errno.EBADF) : message;
      };
      return { request };
    },
    breaks: { fids: ['a number that was clunked is used again'] },
  },
  spoilsRequests(
    'fids have 31 bits',
    (request) =>
      request.type === M.Twalk && request.newfid > 0x7fff_ffff ? failure(Errno.EINVAL) : request,
    { fids: ['the largest number is one like others'] },
  ),
  {
    name: 'there are 500 fids',
    hooks: () => {
      let walks = 0;
      const request = (message: TMessage): TMessage | RMessage =>
        message.type === M.Twalk && ++walks > 500 ? failure(Errno.ENFILE) : message;
      return { request };
    },
    breaks: { fids: ['a thousand live at a time'] },
  },
  {
    name: 'a read that a clunk overtakes is answered from what is no longer the file',
    hooks: () => {
      let clunked = false;
      return {
        request: (message) => {
          if (message.type === M.Tread) clunked = false;
          if (message.type === M.Tclunk) clunked = true;
          return message;
        },
        reply: (reply) =>
          reply.type === M.Rread && clunked ? { ...reply, data: Buffer.from('????') } : reply,
      };
    },
    breaks: { fids: ['a clunk behind a read loses no answer'] },
  },
  {
    name: 'a fid is nothing before its walk is answered',
    hooks: () => {
      const walking = new Set<number>();
      return {
        request: (message) => {
          if ('fid' in message && walking.has(message.fid)) return failure(Errno.EBADF);
          if (message.type === M.Twalk) walking.add(message.newfid);
          return message;
        },
        reply: (reply, request) => {
          if (request.type === M.Twalk) walking.delete(request.newfid);
          return reply;
        },
      };
    },
    breaks: { fids: ['a request waits for the one that makes its fid'] },
  },
  spoilsRequests(
    'Tflush is refused',
    (request) => (request.type === M.Tflush ? failure(Errno.ENOSYS) : request),
    {
      flush: [
        'a tag that is not in use is flushed',
        'what is answered already is flushed',
        'a Tflush is flushed',
        'two that flush the same are both answered',
      ],
    },
  ),
  spoilsLater(
    'Rflush has the tag of what is flushed',
    () => ({
      reply: (reply, request) =>
        request.type === M.Tflush ? { ...reply, tag: request.oldtag } : reply,
    }),
    { flush: ['the answer has the tag of the Tflush'] },
  ),
  spoilsLater('Rflush comes before what is flushed has ended', early, {
    flush: ['nothing is answered behind Rflush'],
  }),
  spoilsLater(
    'what is flushed is done and not answered',
    () => ({ reply: (reply) => (reply.tag === 7 ? undefined : reply) }),
    { flush: ['a flushed walk made its fid exactly if it is answered'] },
  ),
  spoilsLater(
    'the fiftieth Tflush is too much',
    () => {
      let flushes = 0;
      const hooks: Hooks = {
        request: (message) =>
          message.type === M.Tflush && ++flushes >= 50 ? failure(Errno.EAGAIN) : message,
      };
      return hooks;
    },
    { flush: ['a hundred at once are all answered'] },
  ),
];

/** Answers flushes itself, and lets the flushed request be answered later. */
function early(): Hooks {
  return {
    request: (message) => (message.type === M.Tflush ? { type: M.Rflush, tag: 0 } : message),
  };
}

function versioned(
  reply: RMessage,
  change: { readonly msize?: number; readonly version?: string },
): RMessage {
  return reply.type === M.Rversion ? { ...reply, ...change } : reply;
}
