import {
  type DirectoryEntry,
  DirentType,
  MessageType,
  type RMessage,
  type TMessage,
} from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { attributed, relisted, rewritten } from './messages.js';

const M = MessageType;
const ghost: DirectoryEntry = {
  qid: { type: 0, version: 0, path: 1e9 },
  offset: 1e9,
  type: DirentType.REGULAR,
  name: 'ghost',
};

/** What is wrong with reading directories, and with telling them from files. */
export const directories: readonly Defect[] = [
  spoilsReplies(
    'the last entry of an answer is left out',
    (reply) => relisted(reply, (entries) => entries.slice(0, -1)),
    {
      create: ['the new file is in the directory'],
      readdir: [
        'each name is told once',
        'small reads tell what large ones do',
        'a thousand names are told once each',
      ],
    },
  ),
  spoilsReplies(
    'files are told that are not there',
    (reply, request) =>
      request.type === M.Treaddir && request.offset === 0
        ? relisted(reply, (entries) => [...entries.slice(0, -1), ghost, ...entries.slice(-1)])
        : reply,
    {
      readdir: [
        'an empty directory has no names',
        'what is in a directory below is not told',
        'a new file is told when the directory is read anew',
        'a file that is gone is not told when the directory is read anew',
      ],
      names: ['255 bytes are not too long'],
    },
  ),
  spoilsReplies(
    'there are neither . nor ..',
    (reply) => relisted(reply, (entries) => entries.filter(({ name }) => !/^\.\.?$/.test(name))),
    { readdir: ['. and .. are told, with their qids'] },
  ),
  spoilsRequests(
    'the count of a Treaddir is exceeded',
    (request) => (request.type === M.Treaddir ? { ...request, count: request.count * 2 } : request),
    { readdir: ['no more bytes come than were asked for'] },
  ),
  {
    name: 'a directory is read once',
    hooks: () => {
      let next: number | bigint = 0;
      return {
        request: (message) =>
          message.type === M.Treaddir && message.offset === 0
            ? { ...message, offset: next }
            : message,
        reply: (reply, request) => {
          if (request.type === M.Treaddir) {
            relisted(reply, (entries) => {
              next = entries.at(-1)?.offset ?? next;
              return entries;
            });
          }
          return reply;
        },
      };
    },
    breaks: { readdir: ['offset 0 begins anew'] },
  },
  {
    name: 'all fids read on where the last one ended',
    hooks: () => {
      let next: number | bigint = 0;
      return {
        request: (message) =>
          message.type === M.Treaddir && message.offset !== 0
            ? { ...message, offset: next }
            : message,
        reply: (reply) =>
          relisted(reply, (entries) => {
            next = entries.at(-1)?.offset ?? next;
            return entries;
          }),
      };
    },
    breaks: { readdir: ['two fids read a directory each in its own time'] },
  },
  {
    name: 'something comes behind the end of a directory',
    hooks: () => {
      let told = false;
      const reply = (reply: RMessage, request: TMessage): RMessage => {
        if (request.type !== M.Treaddir || request.offset === 0 || told) return reply;
        return relisted(reply, (entries) => {
          told = entries.length === 0;
          return told ? [ghost] : entries;
        });
      };
      return { reply };
    },
    breaks: { readdir: ['the end is the end however often it is asked for'] },
  },
  {
    name: 'entries move up when others are removed',
    hooks: () => {
      let removed = 0;
      const request = (message: TMessage): TMessage => {
        if (message.type === M.Tremove) removed++;
        if (message.type !== M.Treaddir || message.offset === 0) return message;
        return { ...message, offset: Number(message.offset) + removed };
      };
      return { request };
    },
    breaks: { readdir: ['removing what was read leaves out nothing else'] },
  },
  spoilsRequests(
    'reading goes on behind the next entry',
    (request) =>
      request.type === M.Treaddir && request.offset !== 0
        ? { ...request, offset: Number(request.offset) + 1 }
        : request,
    { readdir: ['an entry whose offset is named is gone on behind'] },
  ),
  {
    name: 'an entry that does not fit is lost',
    hooks: () => {
      let lost = false;
      return {
        request: (message) => {
          if (message.type === M.Treaddir && message.count < 24) lost = true;
          return message;
        },
        reply: (reply) => (lost ? relisted(reply, () => []) : reply),
      };
    },
    breaks: { readdir: ['a count too small for an entry loses none'] },
  },
  spoilsReplies(
    'entries tell another kind of file',
    (reply) =>
      relisted(reply, (entries) =>
        entries.map((entry) => ({
          ...entry,
          type: entry.type === DirentType.DIRECTORY ? DirentType.REGULAR : DirentType.DIRECTORY,
        })),
      ),
    {
      readdir: ['entries tell what kind of file they are', 'entries tell which are symbolic links'],
    },
  ),
  forgets('Treaddir is never refused', (request) => request.type === M.Treaddir, {
    readdir: ['a file is none'],
  }),
  spoilsReplies(
    'entries of directories have no bit DIR',
    (reply) =>
      rewritten(reply, (data) => {
        if (data.length > 24) data[24]! &= 0x7f;
        return data;
      }),
    { readdir: ['a directory has the mode of one in its entry'] },
  ),
  spoilsReplies(
    'everything is said to be a file',
    (reply) => attributed(reply, ({ mode }) => ({ mode: (mode & 0o7777) | 0o100000 })),
    {
      create: ['other fids of the directory stay directories'],
      mkdir: ['makes an empty directory'],
      stat: ['a directory is told from a file'],
      getattr: ['the mode tells the kind of file'],
      mknod: ['a named pipe is one', 'a device has its numbers'],
    },
  ),
  spoilsReplies(
    'everything is said to be a directory',
    (reply) => attributed(reply, ({ mode }) => ({ mode: (mode & 0o7777) | 0o40000 })),
    { setattr: ['the kind of file stays whatever the mode says'] },
  ),
];
